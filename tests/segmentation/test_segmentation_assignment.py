"""Which frames and volumes go where: counts, whole subjects, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from hipus.segmentation.assignment import (
    PRINTED_FRAMES,
    check_splits,
    first_round,
    frame_split,
    labelled_frames,
    second_round,
    share_out,
)

SWEEPS = [(side, kind) for side in ("left", "right") for kind in ("p_a", "p_d")]


def volumes(train=8, validation=2, test=2) -> pd.DataFrame:
    """Return four volumes of each subject, and an unlabelled subject's beside them."""
    sizes = {"train": train, "validation": validation, "test": test}
    names = [split for split, count in sizes.items() for _ in range(count)]
    rows = [
        (f"S{number:03d}", f"{side}_{kind}", side, kind, split, 1)
        for number, split in enumerate(names, start=1)
        for side, kind in SWEEPS
    ]
    rows += [("S101", f"{side}_{kind}", side, kind, "test", 0) for side, kind in SWEEPS]
    names = ["subject_id", "sweep_id", "side", "sweep_type", "split", "is_labelled_3d"]
    return pd.DataFrame(rows, columns=names)


def frames(count: int, subjects=("train", "validation", "test")) -> pd.DataFrame:
    """Return frames of one sweep of each subject."""
    rows = [
        (f"S{number}", "left_p_a", 3 * index, split)
        for number, split in enumerate(subjects)
        for index in range(count)
    ]
    return pd.DataFrame(rows, columns=["subject_id", "sweep_id", "frame_index", "split"])


def without(table: pd.DataFrame, subject: str, sweep: str) -> pd.DataFrame:
    """Return the table without one sweep."""
    return table[(table.subject_id != subject) | (table.sweep_id != sweep)]


class TestFrames:
    def test_every_third_frame_begins_with_the_first(self):
        assert list(labelled_frames(8)) == [0, 3, 6]
        assert list(labelled_frames(7)) == [0, 3, 6]
        assert list(labelled_frames(2, step=1)) == [0, 1]

    def test_by_subject_a_frame_has_its_subjects_split(self):
        table = frames(4)
        assert frame_split(table).equals(table.split)

    def test_by_frame_611_frames_are_divided_exactly_as_printed(self, rng):
        table = frames(204).iloc[:611]
        counts = frame_split(table, by="frame", rng=rng).value_counts()
        assert counts.to_dict() == {"train": 432, "validation": 108, "test": 71}

    def test_more_than_611_frames_leave_the_rest_unused(self, rng):
        counts = frame_split(frames(206), by="frame", rng=rng).value_counts()
        assert counts.to_dict() == {**PRINTED_FRAMES, "unused": 7}

    def test_fewer_frames_are_all_used_in_the_same_shares(self, rng):
        counts = frame_split(frames(20), by="frame", rng=rng).value_counts()
        # 60 frames: 42.42, 10.61 and 6.97; the two largest remainders are rounded up.
        assert counts.to_dict() == {"train": 42, "validation": 11, "test": 7}

    def test_by_frame_mixes_frames_of_one_sweep(self, rng):
        table = frames(60)
        found = frame_split(table, by="frame", rng=rng)
        assert (found.groupby(table.subject_id).nunique() == 3).all()
        assert (found != table.split).any()

    def test_the_order_of_rows_decides_nothing(self):
        table = frames(30)
        mixed = table.sample(frac=1, random_state=3)
        first = frame_split(table, by="frame", rng=np.random.default_rng(1))
        again = frame_split(mixed, by="frame", rng=np.random.default_rng(1))
        assert list(again.index) == list(mixed.index)
        assert again.sort_index().equals(first)
        other = frame_split(table, by="frame", rng=np.random.default_rng(2))
        assert not other.equals(first)

    def test_wrong_requests_are_refused(self, rng):
        with pytest.raises(ValueError, match="by must be 'subject' or 'frame', got 'sweep'"):
            frame_split(frames(3), by="sweep")
        with pytest.raises(ValueError, match="a split by frame needs rng, got None"):
            frame_split(frames(3), by="frame")
        with pytest.raises(ValueError, match="count and step must be >= 1, got 5 and 0"):
            labelled_frames(5, step=0)
        with pytest.raises(ValueError, match="2 cannot be divided as .*a share would be empty"):
            share_out(2, PRINTED_FRAMES)

    def test_a_frame_that_is_there_twice_is_refused(self):
        table = frames(3)
        with pytest.raises(ValueError, match="'frame_index': 6} is there twice"):
            frame_split(pd.concat([table, table.iloc[[2]]]))


class TestFirstRound:
    def test_it_takes_24_volumes_and_four_that_judge(self):
        chosen = first_round(volumes())
        assert chosen.split.value_counts().to_dict() == {"train": 20, "validation": 4, "test": 4}
        assert set(chosen[chosen.split == "test"].subject_id) == {"S011"}
        balance = chosen[chosen.split == "train"].groupby(["side", "sweep_type"]).size()
        assert list(balance) == [5, 5, 5, 5]

    def test_subjects_that_lack_a_sweep_stand_back(self):
        table = without(without(volumes(), "S002", "left_p_d"), "S011", "right_p_a")
        chosen = first_round(table)
        assert sorted(set(chosen.subject_id)) == [
            *("S001", "S003", "S004", "S005", "S006"), "S009", "S012"
        ]  # fmt: skip
        assert len(chosen) == 28

    def test_a_small_cohort_gives_what_it_has(self):
        chosen = first_round(volumes(1, 1, 1))
        assert len(chosen) == 12

    def test_other_cohorts_subjects_are_never_taken(self):
        assert "S101" not in set(first_round(volumes()).subject_id)
        assert "S101" not in set(second_round(volumes()).subject_id)


class TestSecondRound:
    def test_it_takes_the_printed_48_volumes(self):
        chosen = second_round(volumes(train=10, validation=3, test=3))
        assert chosen.split.value_counts().to_dict() == {"train": 32, "validation": 8, "test": 8}
        assert set(chosen.groupby(["split", "side", "sweep_type"]).size()) == {8, 2}
        assert (chosen.groupby("subject_id").size() == 4).all()

    def test_a_sweep_that_is_missing_is_not_replaced(self):
        chosen = second_round(without(volumes(), "S004", "right_p_d"))
        assert chosen.split.value_counts().to_dict() == {"train": 31, "validation": 8, "test": 8}

    def test_a_subject_is_not_cut_to_fit(self):
        chosen = second_round(volumes(), most={"train": 7, "validation": 4, "test": 8})
        assert chosen.split.value_counts().to_dict() == {"train": 4, "validation": 4, "test": 8}
        with pytest.raises(ValueError, match="split 'train': at most 3 volumes, S001 alone has 4"):
            second_round(volumes(), most={"train": 3, "validation": 4, "test": 8})

    def test_rows_come_sorted_whatever_their_order(self):
        table = volumes()
        assert second_round(table.iloc[::-1]).equals(second_round(table))


class TestRefusals:
    @pytest.mark.parametrize("choose", [first_round, second_round])
    def test_a_subject_in_two_splits(self, choose):
        table = volumes()
        table.loc[2, "split"] = "validation"
        with pytest.raises(ValueError, match=r"S001 is in 2 splits: \['train', 'validation'\]"):
            choose(table)

    @pytest.mark.parametrize("choose", [first_round, second_round])
    def test_an_empty_split(self, choose):
        with pytest.raises(ValueError, match=r"splits \['test'\] are empty: 40 cases"):
            choose(volumes(test=0))

    def test_a_volume_that_is_there_twice(self):
        table = volumes()
        with pytest.raises(ValueError, match="'sweep_id': 'left_p_d'} is there twice"):
            second_round(pd.concat([table, table.iloc[[1]]]))

    def test_an_unknown_split(self):
        table = volumes().assign(split="dev")
        with pytest.raises(ValueError, match=r"split must be one of .*'test'\), got \['dev'\]"):
            check_splits(table)

    def test_missing_columns(self):
        with pytest.raises(ValueError, match=r"assignment needs columns \['split'\], has"):
            check_splits(volumes().drop(columns="split"))
        with pytest.raises(ValueError, match="volumes need a column is_labelled_3d, have"):
            first_round(volumes().drop(columns="is_labelled_3d"))
