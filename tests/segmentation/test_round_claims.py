"""Sentences on streaks, effort and failures: worked by hand on made counts."""

import numpy as np
import pandas as pd
import pytest

from hipus.segmentation import claims, round_claims
from hipus.segmentation.claim_verdicts import FAILS, HOLDS, UNDECIDED

NAMES = ("ilium", "femoral_head")
ROUGH = ("roughness_elevational_mm", "roughness_in_plane_mm")


def options() -> dict:
    """Return how intervals are drawn."""
    return {"rng": np.random.default_rng(3), "resamples": 300}


def volumes(count=8) -> pd.DataFrame:
    """Return two volumes of each subject."""
    rows = [(f"S{k}", sweep) for k in range(count) for sweep in ("left_p_a", "left_p_d")]
    return pd.DataFrame(rows, columns=["subject_id", "sweep_id"])


def streaks(**numbers) -> pd.DataFrame:
    """Return (slice Dice, along, within) of models, a little other for each volume."""
    parts = []
    for model, values in numbers.items():
        rows = volumes().merge(pd.DataFrame({"structure": NAMES}), how="cross")
        for name, value in zip(("slice_dice", *ROUGH), values, strict=True):
            rows[name] = value + 0.001 * np.arange(len(rows))
        parts.append(rows.assign(model_id=model.replace("_", ".").strip("m")))
    return pd.concat(parts, ignore_index=True)


def found_streaks(table: pd.DataFrame) -> dict:
    """Return findings by part."""
    found = round_claims.streak_findings(table, truth="truth", **options())
    assert {one.claim_id for one in found} == {"S64a"}
    return {one.part: one for one in found}


class TestStreaks:
    TRUE, REFINED = (0.8, 0.2, 0.3), (0.8, 0.25, 0.4)

    def test_masks_that_jump_from_frame_to_frame_are_streaky(self):
        table = streaks(m2_2=(0.6, 0.7, 0.4), m3_2=self.REFINED, truth=self.TRUE)
        found = found_streaks(table)
        assert {one.verdict for one in found.values()} == {HOLDS}
        one = found["along the sweep, against truth"]
        assert (one.value_a - one.value_b, one.n) == (pytest.approx(0.5), 8)
        one = found["along the sweep more than within slices"]
        assert (one.value_a, one.value_b) == (pytest.approx(0.5), pytest.approx(0.1))

    def test_masks_that_are_rough_within_slices_are_not(self):
        table = streaks(m2_2=(0.9, 0.3, 0.9), m3_2=self.REFINED, truth=self.TRUE)
        found = {name: one.verdict for name, one in found_streaks(table).items()}
        assert found == {
            "neighbouring slices, against truth": FAILS,
            "along the sweep, against truth": HOLDS,
            "along the sweep, against 3.2": HOLDS,
            "along the sweep more than within slices": FAILS,
        }

    def test_a_structure_counts_where_both_show_it(self):
        table = streaks(m2_2=(0.6, 0.7, 0.4), m3_2=self.REFINED, truth=self.TRUE)
        is_gone = (table.model_id == "2.2") & (table.structure == "ilium")
        table.loc[is_gone, ["slice_dice", *ROUGH]] = np.nan
        table.loc[(table.model_id == "truth") & (table.structure == "ilium"), ROUGH] = 9.0
        one = found_streaks(table)["along the sweep, against truth"]
        assert one.value_a - one.value_b == pytest.approx(0.5)

    def test_without_any_structure_in_common_nothing_is_said(self):
        table = streaks(m2_2=(np.nan,) * 3, m3_2=self.REFINED, truth=self.TRUE)
        one = found_streaks(table)["neighbouring slices, against truth"]
        assert (one.n, one.verdict) == (0, UNDECIDED)


def effort(prior: str, *, labelled=3000.0, changed=1000.0, minutes=30.0, count=8) -> pd.DataFrame:
    """Return what volumes cost, a little other for each."""
    rows = volumes(count).assign(prior=prior)
    shift = np.arange(len(rows)) / 10
    rows["labelled_mm3"], rows["changed_mm3"] = labelled + shift, changed - shift
    return rows.assign(minutes_simulated=minutes + shift)


class TestStart:
    @staticmethod
    def found(table) -> dict:
        found = round_claims.start_findings(table, prior="coarse", nothing="none", **options())
        return {one.part: one for one in found}

    def test_a_start_is_worth_what_need_not_be_drawn(self):
        table = pd.concat([effort("coarse"), effort("none", minutes=50.0, count=2)])
        found = self.found(table)
        assert {one.verdict for one in found.values()} == {HOLDS}
        assert found["voxels"].value_b == pytest.approx(1000 - 0.75)
        assert found["minutes"].value_a == pytest.approx(50.15)
        assert found["minutes"].n == 8
        assert "4 other volumes were drawn from nothing" in found["minutes"].note

    def test_a_start_that_must_be_drawn_anew_is_worth_nothing(self):
        table = pd.concat([effort("coarse", changed=4000.0, minutes=60.0), effort("none")])
        assert {one.verdict for one in self.found(table).values()} == {FAILS}

    def test_minutes_are_told_only_where_somebody_drew_from_nothing(self):
        assert set(self.found(effort("coarse"))) == {"voxels"}
        assert self.found(effort("none")) == {}


class TestStages:
    def test_the_second_round_is_compared_on_volumes_that_both_corrected(self):
        second = effort("second", minutes=20.0, count=12)
        found = round_claims.staged_findings(effort("first"), second, **options())
        assert [one.n for one in found] == [8, 12]
        assert found[0].value_a - found[0].value_b == pytest.approx(10)
        assert {one.verdict for one in found} == {HOLDS}
        assert {(one.claim_id, one.claim) for one in found} == {("S3b", claims.STAGED.text)}

    def test_without_a_common_volume_nothing_is_said(self):
        assert round_claims.staged_findings(effort("a", count=0), effort("b"), **options()) == []


class TestFailures:
    KINDS = ("incomplete_bone", "motion_artefact")

    def found(self, own: str, true: str = "") -> list:
        """Return findings where every second volume fails as told."""
        rows = volumes().assign(failures=[own, ""] * 8, failures_of_truth=[true, ""] * 8)
        return round_claims.failure_findings(rows, self.KINDS, between=";", **options())

    def test_shares_are_of_volumes_and_beside_their_truth(self):
        bone, motion = self.found("incomplete_bone;holes", "motion_artefact")
        assert (bone.value_a, bone.value_b, bone.verdict) == (0.5, 0.0, HOLDS)
        assert (motion.value_a, motion.value_b, motion.verdict) == (0.0, 0.5, FAILS)
        assert bone.note.endswith("other kinds in masks: holes 50%")

    def test_what_truth_shows_as_often_is_not_the_networks(self):
        bone, _ = self.found("incomplete_bone", "incomplete_bone")
        assert bone.verdict == UNDECIDED
        assert bone.note.endswith("none")

    def test_without_graded_volumes_nothing_is_said(self):
        rows = volumes(0).assign(failures="", failures_of_truth="")
        assert round_claims.failure_findings(rows, self.KINDS, between=";", **options()) == []
