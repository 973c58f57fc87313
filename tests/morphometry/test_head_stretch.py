"""A ball that was put into a stretched and sheared volume tells how far it was."""

import numpy as np
import pytest

from hipus.labels import HipLabel
from hipus.morphometry.head_stretch import LABEL_SD, MOST, PRIOR_SD, Stretch, stretch_of_head
from hipus.morphometry.label_volume import VolumeRefused

SPACING_ZYX_MM = (0.6, 0.5, 0.4)
EXACT = (0.0, 0.0, 0.0)


def labels_of_ball(wrong: Stretch, *, spacing=SPACING_ZYX_MM, radius_mm=8.0) -> np.ndarray:
    """Return a ball as poses show it that `wrong` would put right."""
    counts = [int(2 * 13.0 / side) for side in spacing]
    z, y, x = ((np.arange(n) - (n - 1) / 2) * side for n, side in zip(counts, spacing, strict=True))
    z, y, x = np.meshgrid(z, y, x, indexing="ij")
    true = x + wrong.lateral * z - 0.4, y + wrong.axial * z + 0.7, wrong.stretch * z
    inside = np.sqrt(sum(axis**2 for axis in true)) < radius_mm
    return np.where(inside, HipLabel.FEMORAL_HEAD, 0).astype(np.uint8)


def found(wrong: Stretch, **options) -> Stretch:
    return stretch_of_head(
        labels_of_ball(wrong), scheme="hip", spacing_zyx_mm=SPACING_ZYX_MM, **options
    )


class TestFit:
    @pytest.mark.parametrize(
        "wrong", [Stretch(1.0, 0.0, 0.0), Stretch(1.15, 0.08, -0.05), Stretch(0.88, -0.06, 0.1)]
    )
    def test_exact_labels_tell_stretch_and_shears(self, wrong):
        told = found(wrong, label_sd=EXACT)
        assert told.stretch == pytest.approx(wrong.stretch, abs=0.01)
        assert told.lateral == pytest.approx(wrong.lateral, abs=0.01)
        assert told.axial == pytest.approx(wrong.axial, abs=0.01)

    def test_inexact_labels_are_believed_in_part(self):
        exact, held = (found(Stretch(1.15, 0.08, -0.05), label_sd=sd) for sd in (EXACT, LABEL_SD))
        part = [p**2 / (p**2 + s**2) for p, s in zip(PRIOR_SD, LABEL_SD, strict=True)]
        assert held.stretch - 1 == pytest.approx(part[0] * (exact.stretch - 1), rel=1e-6)
        assert held.lateral == pytest.approx(part[1] * exact.lateral, rel=1e-6)
        assert held.axial == pytest.approx(part[2] * exact.axial, rel=1e-6)

    def test_half_a_head_in_shadow_tells_the_same(self):
        wrong = Stretch(1.12, 0.0, 0.06)
        labels = labels_of_ball(wrong)
        labels[:, labels.shape[1] * 6 // 10 :] = HipLabel.FEMORAL_CORTEX  # what lies deeper
        told = stretch_of_head(labels, scheme="hip", spacing_zyx_mm=SPACING_ZYX_MM, label_sd=EXACT)
        assert told.stretch == pytest.approx(1.12, abs=0.02)
        assert told.axial == pytest.approx(0.06, abs=0.03)

    def test_no_sweep_is_off_without_bounds(self):
        assert found(Stretch(1.8, 0.0, 0.0), label_sd=EXACT).stretch == pytest.approx(1 + MOST)

    def test_no_head_is_refused(self):
        with pytest.raises(VolumeRefused, match="femoral head"):
            stretch_of_head(
                np.zeros((20, 20, 20), np.uint8), scheme="hip", spacing_zyx_mm=SPACING_ZYX_MM
            )

    @pytest.mark.parametrize("wrong", [(0.1, 0.1), (0.1, -0.1, 0.1)])
    def test_label_sd_must_be_three_numbers(self, wrong):
        with pytest.raises(ValueError, match="label_sd must be 3 numbers >= 0, got"):
            found(Stretch(1.0, 0.0, 0.0), label_sd=wrong)


class TestPoses:
    def test_are_moved_along_the_way_and_not_turned(self):
        T = np.repeat(np.eye(4)[None], 3, axis=0)
        T[:, :3, 3] = [[0, 0, -10], [1, 2, 0], [3, 4, 10]]
        T[1, :3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
        T[2] = np.nan
        moved = Stretch(1.1, 0.2, -0.1).apply(T)
        assert moved[0, :3, 3] == pytest.approx([-2.0, 1.0, -11.0])
        assert moved[1] == pytest.approx(T[1])
        assert np.isnan(moved[2]).all()
        assert T[0, 2, 3] == -10

    def test_one_stretch_after_another_is_their_product(self):
        T = np.eye(4)[None].copy()
        T[0, :3, 3] = [1, 2, 10]
        first, second = Stretch(1.1, 0.2, -0.1), Stretch(0.95, -0.05, 0.04)
        assert first.then(second).apply(T) == pytest.approx(second.apply(first.apply(T)))

    def test_round_heads_again(self):
        wrong = Stretch(1.15, 0.08, -0.05)
        # A picture at z truly lies at stretch z, moved sideways by the shears.
        z = np.linspace(-8, 8, 9)
        T = np.repeat(np.eye(4)[None], len(z), axis=0)
        T[:, 2, 3] = z
        told = found(wrong, label_sd=EXACT).apply(T)
        assert told[:, 2, 3] == pytest.approx(1.15 * z, abs=0.1)
        assert told[:, 0, 3] == pytest.approx(0.08 * z, abs=0.1)
