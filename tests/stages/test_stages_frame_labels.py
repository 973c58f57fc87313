"""Stage `frame_labels` on a made cohort: who labels what, where it lies, and what is scored."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_labelled_cohort import SHAPE, SIDE_MM, TRIM, TURNED, write_labelled_cohort
from study_folders import make_study_folder, without_real_data

from hipus import config, parallel, paths, tables
from hipus.labels import HipLabel
from hipus.metrics import dice_per_label
from hipus.phantom.annotator.rater import DRAWN
from hipus.segmentation.frame_label_files import FrameLabels, label_file, read_frame_labels
from hipus.segmentation.sweep_volumes import open_study_sweep
from hipus.stages import frame_label_tables, frame_labels, motion_data, study_raters

STRUCTURES = frame_label_tables.STRUCTURES
#: Every third of the frames 2 to 12.
LABELLED = [2, 5, 8, 11]
SWEEPS = 3 * 4


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Make a cohort and run the stage on it."""
    folder = make_study_folder(tmp_path_factory.mktemp("frames"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        write_labelled_cohort()
        study = config.load("smoke")
        inputs = frame_labels.main(study)
        assert [path.name for path in inputs] == ["published_cohort.csv"]
        yield study


def table(name: str) -> pd.DataFrame:
    """Return a table of the stage."""
    return tables.read(paths.table_file("smoke", name), dtype={"subject_id": str})


def sweep_of(study, subject: str, sweep: str):
    """Return a sweep as the study sees it."""
    rows = motion_data.sweep_rows(study).set_index("subject_id", drop=False)
    rows = rows.loc[subject]
    return open_study_sweep(motion_data.cohort_of(study), rows[rows.sweep_id == sweep].iloc[0])


def labels_of(subject: str, sweep: str) -> FrameLabels:
    """Return the final labels of a sweep."""
    return read_frame_labels(label_file(frame_labels.labels_dir("smoke"), subject, sweep))


class TestLabels:
    def test_every_third_moving_frame_of_labelled_subjects_is_labelled(self, study):
        frames = table("frame_labels")
        assert set(frames.subject_id) == {"S001", "S046", "S049"}
        assert len(list(frame_labels.labels_dir("smoke").iterdir())) == SWEEPS
        assert LABELLED[-1] < TRIM.stop
        for _, rows in frames.groupby(["subject_id", "sweep_id"]):
            assert list(rows.frame_index) == LABELLED

    def test_labels_lie_where_the_frames_show_the_structures(self, study):
        sweep, labels = sweep_of(study, "S049", "left_p_a"), labels_of("S049", "left_p_a")
        truth = sweep.masks[labels.frame_index - sweep.first_frame]
        scores = dice_per_label(labels.masks, truth, DRAWN)
        assert labels.masks.shape == (4, *SHAPE)
        assert scores.min() > 0.5
        assert scores[1] > 0.8
        assert scores.max() < 1

    def test_labels_of_a_turned_sweep_lie_on_the_picture_turned_back(self, study):
        columns = np.nonzero(labels_of(*TURNED).masks == HipLabel.FEMORAL_HEAD)[2]
        assert columns.max() < 0.6 * SHAPE[1]
        recorded = motion_data.cohort_of(study).sweep(*TURNED).frames[LABELLED[2]]
        shown = sweep_of(study, *TURNED).frames[LABELLED[2] - TRIM.start]
        np.testing.assert_array_equal(shown, recorded[:, ::-1])

    def test_the_table_counts_and_scores_the_written_labels(self, study):
        rows = table("frame_labels")
        rows = rows[(rows.subject_id == "S046") & (rows.sweep_id == "right_p_d")]
        sweep, labels = sweep_of(study, "S046", "right_p_d"), labels_of("S046", "right_p_d")
        for row, mask in zip(rows.itertuples(), labels.masks, strict=True):
            truth = sweep.masks[row.frame_index - sweep.first_frame]
            for label, name, dice in zip(
                DRAWN, STRUCTURES, dice_per_label(mask, truth, DRAWN), strict=True
            ):
                assert getattr(row, f"pixels_{name}") == (mask == label).sum()
                assert getattr(row, f"dice_{name}") == pytest.approx(dice, nan_ok=True)

    def test_both_splits_stand_in_the_table(self, study):
        frames = table("frame_labels")
        found = frames.groupby("subject_id").split.unique().explode().to_dict()
        assert found == {"S001": "train", "S046": "validation", "S049": "test"}
        # 48 frames in the shares 432 : 108 : 71.
        counts = frames.split_by_frame.value_counts().to_dict()
        assert counts == {"train": 34, "validation": 8, "test": 6}

    def test_running_again_changes_nothing(self, study, tmp_path):
        rows = frame_labels.labelled_sweeps(study, motion_data.cohort_of(study))
        again = frame_labels.label_sweep(
            rows.iloc[0], cohort=motion_data.cohort_of(study), seed=study.common.seed,
            folder=tmp_path, blind="nobody",
        )  # fmt: skip
        written = label_file(frame_labels.labels_dir("smoke"), "S001", "left_p_a").read_bytes()
        assert label_file(tmp_path, "S001", "left_p_a").read_bytes() == written
        assert again.shown == {}
        assert again.scores.blind.shape == (0, 4)


class TestAgreement:
    def test_one_subject_is_drawn_by_both(self, study):
        rows, work = table("inter_rater"), table("frame_label_effort")
        blind = work[work.task == "blind"]
        assert set(blind.subject_id) == set(rows.subject_id)
        assert len(blind) == 4
        assert set(blind.rater_id) == {"B"}

    def test_agreement_stands_beside_the_printed_one(self, study):
        rows = table("inter_rater").set_index("structure")
        assert list(rows.index.sort_values()) == sorted([*STRUCTURES, frame_label_tables.OVERALL])
        assert rows.published_dice["ilium"] == 0.70
        assert rows.published_dice["femoral_head"] == 0.86
        overall = rows.loc[frame_label_tables.OVERALL]
        assert overall.published_dice == pytest.approx(0.76)
        assert overall.dice == pytest.approx(rows.dice[list(STRUCTURES)].mean())
        assert (overall.frame_count, overall.reviewed_frame_count) == (16, 48)

    def test_a_review_lies_nearer_to_the_drawing_than_an_independent_one(self, study):
        overall = table("inter_rater").set_index("structure").loc[frame_label_tables.OVERALL]
        assert overall.dice < overall.reviewed_dice < 1

    def test_the_figure_input_shows_one_frame_with_all_masks(self, study):
        blind = table("inter_rater").subject_id[0]
        with np.load(paths.figure_input_file("smoke", "frame_labels")) as stored:
            assert str(stored["name"]) == f"{blind}/left_p_a frame 8"
            assert float(stored["pixel_side_mm"]) == SIDE_MM
            final = labels_of(blind, "left_p_a").masks[2]
            np.testing.assert_array_equal(stored["reviewed"], final)
            assert (stored["drawn"] != stored["blind"]).any()
            np.testing.assert_array_equal(
                stored["truth"], sweep_of(study, blind, "left_p_a").masks[6]
            )

    def test_means_leave_out_and_count_frames_that_lack_a_structure(self):
        nan = np.nan
        one = frame_label_tables.FrameScores(
            blind=np.array([[0.5, nan, 0.0, nan], [0.7, nan, 0.8, nan]]),
            reviewed=np.ones((2, 4)),
            drawn_truth=np.ones((2, 4)),
            final_truth=np.array([[0.2, 1, 1, 1], [nan, 1, 1, 1]]),
        )
        printed = {"mean": 0.76, "ilium": 0.70, "head": 0.86}
        rows = frame_label_tables.inter_rater([one], printed).set_index("structure")
        assert rows.dice["ilium"] == pytest.approx(0.6)
        assert rows.difference["ilium"] == pytest.approx(-0.1)
        assert rows.dice["chondro_osseous_border"] == pytest.approx(0.4)
        assert list(rows.frame_count[list(STRUCTURES)]) == [2, 0, 2, 0]
        assert np.isnan(rows.dice["femoral_head"])
        assert np.isnan(rows.dice[frame_label_tables.OVERALL])
        assert rows.final_truth_dice["ilium"] == pytest.approx(0.2)


class TestEffort:
    def test_a_first_drawing_changes_what_it_draws(self, study):
        work = table("frame_label_effort").set_index(["subject_id", "sweep_id", "task"])
        assert len(work) == 2 * SWEEPS + 4
        drawn, reviewed = (work.xs(task, level="task") for task in ("drawn", "reviewed"))
        assert (reviewed.changed_pixels < drawn.changed_pixels).all()
        one = drawn.iloc[0]
        assert one.changed_mm2 == pytest.approx(one.changed_pixels * SIDE_MM**2)
        # The stated model: 2 min, 0.15 min a frame, 0.01 min a square millimetre.
        minutes = 2 + 0.15 * one.touched_frames + 0.01 * one.changed_mm2
        assert one.minutes_simulated == pytest.approx(minutes)

    def test_metrics_sum_it_up(self, study):
        found = tables.read_metrics(paths.metrics_file("smoke", "frame_labels"))
        work = table("frame_label_effort")
        hours = work[work.task == "drawn"].minutes_simulated.sum() / 60
        assert found["drawn_simulated_h"] == pytest.approx(hours)
        assert (found["frame_count"], found["sweep_count"]) == (48, SWEEPS)
        assert found["frame_count_test"] == 16
        assert found["frame_count_test_by_frame"] == 6


class TestChoices:
    def test_the_subject_of_both_is_one_with_all_sweeps(self):
        rows = pd.DataFrame({"subject_id": ["S1"] * 4 + ["S2"] * 3 + ["S3"] * 4})
        chosen = {frame_labels.blind_subject(rows, np.random.default_rng(k)) for k in range(20)}
        assert chosen == {"S1", "S3"}

    def test_raters_are_the_same_persons_everywhere_and_differ(self):
        first, again = (study_raters.person(5, "A") for _ in range(2))
        assert first == again
        names = ["A", "B", "C", "D"]
        assert len({study_raters.person(5, name) for name in names}) == 4

    def test_an_idea_is_held_of_a_hip(self):
        hip = {"subject_id": "S001", "side": "left", "ndim": 2}
        first = study_raters.idea_of_hip(5, "A", **hip)
        np.testing.assert_array_equal(first.shift, study_raters.idea_of_hip(5, "A", **hip).shift)
        for change in ({"side": "right"}, {"subject_id": "S002"}):
            other = study_raters.idea_of_hip(5, "A", **hip | change)
            assert (other.shift != first.shift).all()


class TestRefusals:
    def test_pixels_that_are_not_square(self, study):
        oblong = replace(sweep_of(study, "S049", "left_p_a"), pixel_spacing_xy_mm=(0.6, 0.7))
        with pytest.raises(ValueError, match="S049/left_p_a: pixels must be square .* 0.6 x 0.7"):
            frame_labels.pixel_side_mm(oblong)

    @pytest.mark.parametrize("what", ["no truth", "no labels"])
    def test_without_truth_or_labels_the_stage_leaves_empty_tables(
        self, study, monkeypatch, tmp_path, what
    ):
        rows = motion_data.sweep_rows(study)
        rows = rows if what == "no truth" else rows.drop(columns="is_labelled_2d")
        folder = tmp_path if what == "no truth" else motion_data.cohort_of(study).folder
        fake = SimpleNamespace(
            cohort_of=lambda _: SimpleNamespace(folder=folder), sweep_rows=lambda _, **__: rows
        )
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        monkeypatch.setattr(frame_labels, "motion_data", fake)
        assert list(frame_labels.main(study)) == []
        for name, columns in frame_label_tables.COLUMNS.items():
            assert table(name).empty
            assert list(table(name).columns) == columns
        assert frame_labels.labels_dir("smoke").is_dir()
