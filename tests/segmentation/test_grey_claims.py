"""Grey values of networks' inputs: shares by hand, and when zeros can be ruled out."""

import numpy as np
import pandas as pd
import pytest

from hipus.segmentation import grey_claims
from hipus.segmentation.claim_verdicts import FAILS, HOLDS, UNDECIDED

ENDS = pd.DataFrame(
    {"subject_id": "S", "sweep_id": ["a", "b"], "trim_start": [4, 0], "trim_stop": [14, 5]}
)
PRINTED = {"2.1": (131, 57), "2.3": (106, 57), "3.1": (69, 57)}
#: Of 611 frames in 32 sweeps, 432 were trained on.
COUNTS = (32, 432)


def labelled(frames) -> pd.DataFrame:
    """Return labelled frames of sweeps a and b."""
    rows = [("S", sweep, index) for sweep, indices in frames.items() for index in indices]
    return pd.DataFrame(rows, columns=["subject_id", "sweep_id", "frame_index"])


def inputs(frames=131.0, volumes=69.0, beside=100.0) -> pd.DataFrame:
    """Return grey values of three models; labelled pixels are 100, neighbours' under them less."""
    rows = [("2.1", 0, frames, 100.0), ("3.1", 0, volumes, 100.0)]
    rows += [("2.3", k, frames, 100.0 if k == 2 else beside) for k in range(5)]
    return pd.DataFrame(rows, columns=["model_id", "channel", "mean", "labelled_mean"])


def findings(shares, *, counts=COUNTS, **options) -> dict:
    """Return findings by claim and part."""
    greys = grey_claims.grey_means(inputs(**options), shares, PRINTED)
    found = grey_claims.grey_findings(greys, frame_count=400, printed_ends=counts)
    return {(one.claim_id, one.part): one for one in found}


class TestShares:
    def test_missing_neighbours_are_counted_at_both_ends(self):
        table = labelled({"a": (4, 7, 10, 13), "b": (0, 3)})
        found = grey_claims.missing_shares(table, ENDS)
        # Before: frames 4 and 0 lack both. After: 13 lacks both, 3 the second.
        np.testing.assert_allclose(found, [2 / 6, 2 / 6, 0, 1 / 6, 2 / 6])

    def test_a_sweep_without_known_ends_is_refused(self):
        with pytest.raises(ValueError, match="S/c: trim_start and trim_stop are not known"):
            grey_claims.missing_shares(labelled({"c": (1,)}), ENDS)

    def test_every_third_frame_leaves_at_most_one_at_each_end(self):
        for length in range(3, 60):
            ends = ENDS.iloc[:1].assign(trim_start=0, trim_stop=length)
            frames = labelled({"a": range(0, length, 3)})
            assert grey_claims.missing_shares(frames, ends).max() * len(frames) <= 1 + 1e-9

    def test_zeros_take_the_share_of_the_mean(self):
        greys = grey_claims.grey_means(inputs(), [0.1, 0.1, 0, 0.1, 0.1], PRINTED)
        row = greys[(greys.model_id == "2.3") & (greys.channel == 1)].iloc[0]
        assert row.zero_filled_mean == pytest.approx(131 * 0.9)
        assert (row.printed_mean, row.missing_share) == (106, 0.1)

    def test_without_printed_means_there_are_none(self):
        assert grey_claims.grey_means(inputs(), np.zeros(5), {}).printed_mean.isna().all()


class TestZeros:
    def test_rare_gaps_cannot_explain_106_even_between_white_frames(self):
        one = findings([0.05, 0.05, 0, 0.05, 0.05])["Z106", "channel with most missing"]
        assert one.value_a == pytest.approx(0.05 * 131)
        assert (one.low, one.high) == pytest.approx((-25, 0.05 * 255 - 25))
        assert one.verdict == FAILS

    def test_frequent_gaps_might_and_are_never_proved_to(self):
        found = findings([0.2, 0.2, 0, 0.2, 0.2])
        assert found["Z106", "mean of five channels"].value_a == pytest.approx(0.16 * 131)
        assert found["Z106", "mean of five channels"].verdict == UNDECIDED

    @pytest.mark.parametrize(("counts", "expected"), [(COUNTS, FAILS), ((32, 320), UNDECIDED)])
    def test_the_printed_counts_bound_it_without_any_sweep(self, counts, expected):
        one = findings(np.zeros(5), counts=counts)["Z106", "at most, by printed counts"]
        assert one.high == pytest.approx(255 * counts[0] / counts[1] - 25)
        assert (one.n, one.verdict) == (counts[1], expected)


class TestOthers:
    @pytest.mark.parametrize(("beside", "expected"), [(99.0, FAILS), (76.2, HOLDS)])
    def test_neighbours_under_labels_are_scaled_to_the_printed_mean(self, beside, expected):
        one = findings(np.zeros(5), beside=beside)["Z106, labels", "mean of five channels"]
        assert one.value_a == pytest.approx(131 * 0.8 * (100 - beside) / 100)
        assert one.verdict == expected

    @pytest.mark.parametrize(("volumes", "expected"), [(69.0, HOLDS), (140.0, FAILS)])
    def test_volumes_are_darker_or_not(self, volumes, expected):
        found = findings(np.zeros(5), volumes=volumes)
        assert found["Z69", "2.1 against 3.1"].verdict == expected

    def test_the_mean_of_frames_is_the_simulations_and_decides_nothing(self):
        assert findings(np.zeros(5))["Z131", "2.1"].verdict == UNDECIDED
