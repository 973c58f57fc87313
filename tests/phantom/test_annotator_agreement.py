"""Agreement of raters: its definition, the fit on a crude scene, the recorded fit re-measured."""

import numpy as np
import pytest
from annotator_scene import SIDE_MM, sweep

from hipus.phantom.annotator import agreement
from hipus.phantom.annotator.agreement import (
    RaterCase,
    fit_rater,
    measure_agreement,
    target_dice,
)
from hipus.phantom.annotator.cases import FIT_SEED, simulate_cases
from hipus.phantom.annotator.corrections import Annotation
from hipus.phantom.annotator.rater import TYPICAL

#: MIDL 2026 paper, section 5.2.1 (data/published/midl2026_text_claims.csv, M039 to M041).
PRINTED = {"mean": 0.76, "ilium": 0.70, "head": 0.86}
CRUDE = [RaterCase(*sweep(6), SIDE_MM, 3 * np.arange(6))]


class TestTargets:
    def test_what_is_not_printed_follows_from_the_mean(self):
        np.testing.assert_allclose(target_dice(**PRINTED), [0.70, 0.86, 0.74, 0.74])

    def test_refuses_a_mean_that_the_others_cannot_have(self):
        with pytest.raises(ValueError, match="target Dice must be between 0 and 1, got"):
            target_dice(mean=0.95, ilium=0.7, head=0.86)


class TestMeasuring:
    def test_frames_are_compared_one_by_one_and_absent_structures_not_at_all(self, monkeypatch):
        first = np.array([[[1, 1, 0, 2]], [[0, 0, 3, 4]]], np.uint8)
        second = np.array([[[1, 0, 0, 2]], [[1, 0, 3, 4]]], np.uint8)
        drawn = iter([first, second])
        monkeypatch.setattr(
            agreement, "annotate_slicewise", lambda *_, **__: Annotation(next(drawn), 0, 0)
        )
        found = measure_agreement(CRUDE, seed=1, pairs=1)
        # Ilium: 2/3 in the first frame, 0 in the second, where one rater missed it.
        np.testing.assert_allclose(found.dice, [1 / 3, 1, 1, 1])
        np.testing.assert_array_equal(found.frame_count, [2, 1, 1, 1])
        assert found.mean == pytest.approx(10 / 3 / 4)

    def test_more_error_means_less_agreement_on_the_same_draws(self):
        scores = [
            measure_agreement(CRUDE, TYPICAL.scaled(factor), seed=3).dice
            for factor in (0.5, 1.0, 2.0)
        ]
        assert (scores[0] > scores[1]).all()
        assert (scores[1] > scores[2]).all()

    def test_two_raters_never_share_their_noise(self):
        assert (measure_agreement(CRUDE, seed=1, pairs=1).dice < 0.99).all()

    def test_refuses_nothing_to_compare(self):
        with pytest.raises(ValueError, match="cases and pairs must be at least 1, got 0 and 2"):
            measure_agreement([], seed=1)
        frames, masks = sweep(2)
        empty = RaterCase(frames, masks * 0, SIDE_MM, np.arange(2))
        with pytest.raises(ValueError, match="cases must show all structures, got"):
            measure_agreement([empty], seed=1)


class TestFitting:
    wanted = target_dice(**PRINTED)

    def test_reaches_any_wanted_agreement(self):
        fit = fit_rater(CRUDE, self.wanted, seed=2, pairs=2, iterations=7)
        np.testing.assert_allclose(fit.agreement.dice, self.wanted, atol=0.02)
        other = fit_rater(CRUDE, self.wanted - 0.1, seed=2, pairs=2, iterations=7)
        assert (other.rater.sd_mm > fit.rater.sd_mm).all()

    def test_says_what_its_rater_really_reaches(self):
        fit = fit_rater(CRUDE, self.wanted, seed=2, pairs=1, iterations=3)
        again = measure_agreement(CRUDE, fit.rater, seed=2, pairs=1)
        np.testing.assert_array_equal(fit.agreement.dice, again.dice)

    @pytest.mark.parametrize("wanted", [[0.7, 0.8], [0.7, 0.8, 0.9, 1.0]])
    def test_refuses_impossible_wishes(self, wanted):
        with pytest.raises(ValueError, match=r"wanted_dice must be 4 numbers in \(0, 1\), got"):
            fit_rater(CRUDE, wanted, seed=1)


class TestRecordedFit:
    """The typical rater against the printed agreement, on simulated sweeps."""

    def test_typical_raters_agree_about_as_printed_on_a_few_small_frames(self):
        cases = simulate_cases(
            FIT_SEED, subjects=1, sides=("left",), shape_px=(116, 128), frame_step=4
        )
        found = measure_agreement(cases, seed=1, pairs=8)
        # 16 pairs of raters on two sweeps: the mean of a structure scatters by 0.03.
        np.testing.assert_allclose(found.dice, target_dice(**PRINTED), atol=0.08)
        assert found.mean == pytest.approx(PRINTED["mean"], abs=0.04)

    @pytest.mark.slow
    def test_typical_raters_agree_as_printed_with_raters_the_fit_has_not_seen(self):
        found = measure_agreement(simulate_cases(FIT_SEED), seed=2, pairs=8)
        assert found.dice[0] == pytest.approx(PRINTED["ilium"], abs=0.02)
        assert found.dice[1] == pytest.approx(PRINTED["head"], abs=0.02)
        assert found.mean == pytest.approx(PRINTED["mean"], abs=0.02)

    @pytest.mark.slow
    @pytest.mark.timeout(1200)
    def test_the_recorded_procedure_gives_the_typical_rater(self):
        fit = fit_rater(simulate_cases(FIT_SEED), target_dice(**PRINTED), seed=1, pairs=8)
        np.testing.assert_allclose(fit.rater.sd_mm, TYPICAL.sd_mm, rtol=0.05)
