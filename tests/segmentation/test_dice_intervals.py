"""Means of Dice with intervals over subjects: by hand, and beside a loop."""

import numpy as np
import pandas as pd
import pytest

from hipus.segmentation.dice_intervals import interval, resampled_means, summarise, wide
from hipus.segmentation.volume_scores import MEAN, STRUCTURE_NAMES

ILIUM, HEAD, BORDER, CORTEX = STRUCTURE_NAMES


def values(rows: dict[tuple, list]) -> pd.DataFrame:
    """Return Dice by (subject, sweep), structures in their order."""
    index = pd.MultiIndex.from_tuples(rows, names=["subject_id", "sweep_id"])
    return pd.DataFrame(list(rows.values()), index=index, columns=STRUCTURE_NAMES, dtype=float)


UNEVEN = values(
    {
        ("S1", "a"): [0.2, 0.9, np.nan, 0.0],
        ("S1", "b"): [0.4, 0.7, np.nan, 1.0],
        ("S2", "a"): [0.9, 0.8, np.nan, np.nan],
        ("S3", "a"): [0.7, np.nan, np.nan, 0.5],
    }
)


class TestSummary:
    def test_means_are_of_volumes_and_the_last_of_structures_with_a_value(self, rng):
        found = summarise(UNEVEN, rng=rng, resamples=10)
        assert list(found.index) == [*STRUCTURE_NAMES, MEAN]
        np.testing.assert_allclose(found.dice_mean[[ILIUM, HEAD, CORTEX]], [0.55, 0.8, 0.5])
        assert np.isnan(found.dice_mean[BORDER])
        assert found.dice_mean[MEAN] == pytest.approx((0.55 + 0.8 + 0.5) / 3)
        assert found.dice_sd[HEAD] == pytest.approx(np.std([0.9, 0.7, 0.8]))
        assert found.dice_sd[MEAN] == pytest.approx(np.std([1.1 / 3, 0.7, 0.85, 0.6]))

    def test_what_has_no_value_is_counted(self, rng):
        found = summarise(UNEVEN, rng=rng, resamples=10)
        assert found.case_count.tolist() == [4, 3, 0, 3, 4]
        assert found.missing_count.tolist() == [0, 1, 4, 1, 0]
        assert found.subject_count.tolist() == [3, 2, 0, 2, 3]

    def test_the_interval_is_of_the_draws_of_subjects(self):
        found = summarise(UNEVEN, rng=np.random.default_rng(3), resamples=200)
        draws = resampled_means(UNEVEN, rng=np.random.default_rng(3), resamples=200)
        low = np.nanquantile(draws[:, 1], 0.025)
        assert found.low[HEAD] == low
        assert found.low[HEAD] <= found.dice_mean[HEAD] <= found.high[HEAD]
        assert np.isnan([found.low[BORDER], found.high[BORDER]]).all()


class TestDraws:
    def test_they_equal_a_loop_over_subjects(self):
        found = resampled_means(UNEVEN, rng=np.random.default_rng(5), resamples=30)
        again = np.random.default_rng(5)
        for row in found:
            times = again.multinomial(3, [1 / 3] * 3)
            parts = [UNEVEN.loc[[name]] for name, n in zip(("S1", "S2", "S3"), times, strict=True)
                     for _ in range(n)]  # fmt: skip
            means = pd.concat(parts).mean()
            np.testing.assert_allclose(row[:4], means, rtol=1e-12)
            expected = means.drop(BORDER).mean(skipna=False)
            np.testing.assert_allclose(row[4], expected, rtol=1e-12)

    def test_one_subject_says_nothing_of_others(self, rng):
        draws = resampled_means(UNEVEN.loc[["S1"]], rng=rng, resamples=7)
        assert draws.shape == (7, 5)
        assert np.isnan(draws).all()

    def test_an_interval_leaves_draws_without_a_value_out(self):
        draws = np.column_stack([[np.nan, *np.linspace(0, 1, 41)], np.full(42, np.nan)])
        low, high = interval(draws)
        np.testing.assert_allclose([low[0], high[0]], [0.025, 0.975])
        assert np.isnan([low[1], high[1]]).all()


def test_wide_scores_keep_frames_apart():
    rows = [
        ("S1", "a", frame, name, frame / 10) for frame in (3, 6) for name in STRUCTURE_NAMES[:2]
    ]
    scores = pd.DataFrame(
        rows, columns=["subject_id", "sweep_id", "frame_index", "structure", "dice_truth"]
    )
    found = wide(scores, column="dice_truth")
    assert list(found.columns) == list(STRUCTURE_NAMES)
    assert found.loc[("S1", "a", 6), HEAD] == 0.6
    assert found[[BORDER, CORTEX]].isna().all(axis=None)
