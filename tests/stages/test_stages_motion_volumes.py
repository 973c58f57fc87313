"""Stage `motion_volumes` on a tiny cohort: perfect, short and turned predictions."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from study_folders import TINY_COHORT, make_study_folder, without_real_data

from hipus import config, geometry, parallel, paths, tables
from hipus.labels import HipLabel
from hipus.motion import poses
from hipus.motion.predictions import PosePrediction, write_predictions
from hipus.stages import cohort, motion_data, motion_volumes
from hipus.stages.motion_volume_sweeps import open_placed
from hipus.stages.motion_volume_tables import make_metrics, summarise

FIRST, FRAMES = 4, 30
#: Of the test infant's four sweeps one breaks a rule of quality.
SWEEPS = 3
#: Seen from a turned probe, x and z point the other way.
TURN = np.diag([-1.0, 1.0, -1.0, 1.0])
SHORTER = 0.8


def tiny_study() -> SimpleNamespace:
    """Return the smoke profile with one infant to train on, one to test on, and three arms."""
    smoke = config.load("smoke")
    sizes = TINY_COHORT | {"graf_subjects": 0, "test_subjects": 1}
    lists = {name: tuple(value) for name, value in sizes.items() if isinstance(value, list)}
    return SimpleNamespace(
        profile="smoke",
        common=smoke.common,
        cohort=replace(smoke.cohort, **sizes | lists),
        motion_volumes=SimpleNamespace(
            arms=("perfect", "short", "turned"), spacing_mm=1.0, shell_mm=6.0, outer_mm=18.0,
            near_mm=6.0, resamples=50,
        ),
    )  # fmt: skip


def shortened(T: np.ndarray) -> np.ndarray:
    """Return poses whose steps are too short; frames that were not tracked stand still."""
    steps = poses.steps(T)
    steps[np.isnan(steps).any(axis=(1, 2))] = np.eye(4)
    steps[:, :3, 3] *= SHORTER
    return poses.chain(steps)


def predict(study) -> None:
    """Write the three arms' predictions of all test sweeps."""
    opened = motion_data.cohort_of(study)
    away = geometry.transform(None, [100.0, -50.0, 7.0])
    written = {arm: [] for arm in study.motion_volumes.arms}
    for row in motion_data.sweep_rows(study, split="test", cohort="test").itertuples():
        T = poses.centre_poses(opened.sweep(row.subject_id, row.sweep_id))[FIRST : FIRST + FRAMES]
        key = (row.subject_id, row.sweep_id, FIRST)
        written["perfect"].append(PosePrediction(*key, geometry.compose(away, T)))
        written["short"].append(PosePrediction(*key, shortened(T)))
        turned = geometry.compose(T, TURN)
        written["turned"].append(PosePrediction(*key, turned, is_flipped=True))
    for arm, predictions in written.items():
        write_predictions(predictions, motion_volumes.predictions_dir("smoke", arm))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Simulate a tiny cohort, predict it, and run the stage."""
    folder = make_study_folder(tmp_path_factory.mktemp("volumes"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        study = tiny_study()
        cohort.main(study)
        predict(study)
        inputs = motion_volumes.main(study)
        assert len(inputs) == 3 * SWEEPS
        yield study


def table(name: str) -> pd.DataFrame:
    """Return a table of the stage."""
    return tables.read(paths.table_file("smoke", name))


def of_arm(name: str, arm: str) -> pd.DataFrame:
    """Return an arm's rows of a table, shells without voxels left out."""
    rows = table(name)
    rows = rows[rows.arm == arm]
    return rows[rows.voxel_count > 0] if "voxel_count" in rows else rows


def first_prediction(study, arm="perfect") -> PosePrediction:
    """Return the first test sweep's prediction."""
    rows = motion_data.sweep_rows(study, split="test", cohort="test")
    return next(motion_volumes._cases(study, arm, rows)).prediction


class TestAgreement:
    @pytest.mark.parametrize("arm", ["perfect", "turned"])
    def test_the_tracked_poses_themselves_lose_nothing(self, study, arm):
        rows = of_arm("volume_agreement", arm)
        assert len(rows) == SWEEPS * 2 * 3
        assert rows.displacement_mm.max() < 1e-3
        # A pixel half-way between two voxels may go to the other one.
        assert rows.correlation.min() > 0.99
        assert rows.known_share.min() > 0.99
        assert rows.dice_femoral_head.dropna().min() > 0.95

    def test_short_steps_move_tissue_the_more_the_farther_from_the_head(self, study):
        rows = of_arm("volume_agreement", "short")
        mean = rows[rows.alignment == "head"].groupby("inner_mm").displacement_mm.mean()
        assert mean[0] < mean[6] < mean[12]

    def test_alignment_at_the_head_brings_more_overlap_there(self, study):
        rows = of_arm("volume_agreement", "short")
        mean = rows[rows.inner_mm == 0].groupby("alignment")[["dice_any", "displacement_mm"]].mean()
        assert mean.dice_any["head"] > mean.dice_any["first"]
        assert mean.displacement_mm["head"] < mean.displacement_mm["first"] / 2

    def test_every_shell_of_every_sweep_stands_in_the_table(self, study):
        rows = table("volume_agreement")
        assert len(rows) == 3 * SWEEPS * 2 * 3
        assert sorted(set(rows.inner_mm)) == [0, 6, 12]


class TestConsistency:
    def test_the_final_drift_is_the_missing_part_of_the_way(self, study):
        rows = of_arm("local_consistency", "short")
        opened = motion_data.cohort_of(study)
        for row in rows.itertuples():
            T = poses.centre_poses(opened.sweep(row.subject_id, row.sweep_id))
            T = T[FIRST : FIRST + FRAMES]
            known = np.isfinite(T[:, 0, 0])
            ends = shortened(T)[known][[0, -1]], T[known][[0, -1]]
            apart = [geometry.relative(*pair)[:3, 3] for pair in ends]
            assert row.final_mm == pytest.approx(np.linalg.norm(apart[0] - apart[1]), abs=1e-6)

    def test_the_summary_counts_subjects_and_sweeps(self, study):
        rows = table("local_consistency_summary").set_index(["arm", "sweep_type", "quantity"])
        final = rows.loc["short", "all", "final_mm"]
        assert (final.subject_count, final.sweep_count) == (1, SWEEPS)
        mean = of_arm("local_consistency", "short").final_mm.mean()
        assert final["mean"] == pytest.approx(mean)
        metrics = tables.read_metrics(paths.metrics_file("smoke", "motion_volumes"))
        assert metrics["short_final_mm"] == pytest.approx(mean)

    def test_figure_inputs_show_one_sweep_of_each_type_of_the_first_arm(self, study):
        with np.load(paths.figure_input_file("smoke", "motion_volumes")) as stored:
            for sweep_type in ("p_a", "p_d"):
                assert str(stored[f"{sweep_type}_name"]).startswith("perfect ")
                grey = stored[f"{sweep_type}_tracked_grey"]
                np.testing.assert_allclose(stored[f"{sweep_type}_head_grey"], grey, atol=90)
                assert (stored[f"{sweep_type}_tracked_labels"] == HipLabel.FEMORAL_HEAD).any()


class TestPlacedSweep:
    @pytest.mark.parametrize("arm", ["perfect", "turned"])
    def test_the_heads_centre_lies_amid_its_labels(self, study, arm):
        placed = open_placed(motion_data.cohort_of(study), first_prediction(study, arm))
        v, u = np.mgrid[: placed.masks.shape[1], : placed.masks.shape[2]]
        pixels = np.stack([u, v, 0 * u], axis=-1).reshape(-1, 3)
        world = geometry.apply(placed.T_tracked @ placed.T_pixel_to_centre, pixels)
        seen = world[placed.masks.reshape(len(world), -1) == HipLabel.FEMORAL_HEAD]
        # Insonified parts only, of a ball of 7 to 9 mm radius.
        assert np.linalg.norm(seen - placed.head_mm, axis=1).max() < 10.5
        assert np.abs(seen[:, :2].mean(axis=0) - placed.head_mm[:2]).max() < 2.0

    def test_the_world_is_the_frame_nearest_the_head(self, study):
        placed = open_placed(motion_data.cohort_of(study), first_prediction(study))
        distance = np.abs(geometry.apply(geometry.invert(placed.T_tracked), placed.head_mm)[:, 2])
        np.testing.assert_allclose(placed.T_tracked[distance.argmin()], np.eye(4), atol=1e-9)

    def test_frames_that_the_sweep_has_not_are_refused(self, study):
        one = replace(first_prediction(study), first_frame=500)
        with pytest.raises(ValueError, match="frames 500 to 529 are predicted, the sweep has"):
            open_placed(motion_data.cohort_of(study), one)

    def test_a_sweep_without_a_common_pose_is_refused(self, study):
        opened, one = motion_data.cohort_of(study), first_prediction(study)
        recorded = opened.sweep(one.subject_id, one.sweep_id)
        nothing = np.full_like(recorded.T_probe_to_reference, np.nan)
        untracked = replace(recorded, T_probe_to_reference=nothing, is_valid=None)
        fake = SimpleNamespace(folder=opened.folder, sweep=lambda *_: untracked)
        with pytest.raises(ValueError, match="none of the 30 predicted frames was tracked"):
            open_placed(fake, one)


class TestRefusals:
    def test_a_sweep_that_an_arm_did_not_predict_is_named(self, study):
        rows = motion_data.sweep_rows(study, split="test", cohort="test")
        strange = rows.assign(sweep_id=rows.sweep_id.replace("left_p_a", "left_p_x"))
        with pytest.raises(ValueError, match="lacks predictions of 1 of 3 sweeps: S101/left_p_x"):
            list(motion_volumes._cases(study, "short", strange))

    def test_without_truth_the_stage_leaves_empty_tables(self, study, monkeypatch, tmp_path):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        monkeypatch.setattr(motion_volumes, "motion_data", _without_truth(tmp_path))
        assert list(motion_volumes.main(study)) == []
        assert table("volume_agreement").empty
        with np.load(paths.figure_input_file("smoke", "motion_volumes")) as stored:
            assert stored.files == []


def _without_truth(folder) -> SimpleNamespace:
    """Return the functions of `motion_data` that the stage calls, with one unlabelled sweep."""
    rows = pd.DataFrame({"subject_id": ["S1"], "sweep_id": ["left_p_a"]})
    return SimpleNamespace(
        cohort_of=lambda _: SimpleNamespace(folder=folder),
        sweep_rows=lambda *_, **__: rows,
        TEST_COHORT="test",
    )


class TestSummary:
    @pytest.fixture
    def local(self) -> pd.DataFrame:
        """Return two subjects' sweeps; one is too short for the ball."""
        return pd.DataFrame(
            {
                "arm": "ours",
                "subject_id": ["S1", "S1", "S2", "S2"],
                "sweep_id": ["a", "b", "a", "b"],
                "sweep_type": ["p_a", "p_d", "p_a", "p_d"],
                "near_mm": [1.0, 2.0, np.nan, 3.0],
                "elsewhere_mm": [1.5, 2.0, np.nan, 2.0],
                "elsewhere_places": [3, 9, 0, 9],
                "final_mm": [4.0, 5.0, 9.0, 7.0],
            }
        )

    def test_means_leave_out_and_count_sweeps_without_a_value(self, local):
        rows = summarise(local, seed=1, resamples=100).set_index(["sweep_type", "quantity"])
        near = rows.loc["all", "near_mm"]
        assert (near["mean"], near.sweep_count, near.subject_count) == (2, 3, 2)
        assert rows.loc[("p_a", "near_mm"), "sweep_count"] == 1
        assert rows.loc[("all", "elsewhere_minus_near_mm"), "mean"] == pytest.approx(-0.5 / 3)
        assert rows.loc[("p_d", "final_minus_near_mm"), "mean"] == pytest.approx(3.5)

    def test_intervals_hold_the_mean_and_repeat(self, local):
        first, again = (summarise(local, seed=1, resamples=100) for _ in range(2))
        assert first.equals(again)
        several = first[first.subject_count > 1]
        assert ((several.low <= several["mean"]) & (several["mean"] <= several.high)).all()

    def test_a_quantity_that_no_sweep_has_stays_empty(self, local):
        rows = summarise(local.assign(near_mm=np.nan), seed=1, resamples=100)
        near = rows[rows.quantity == "near_mm"]
        assert near["mean"].isna().all()
        assert (near.sweep_count == 0).all()

    def test_metrics_rank_final_drift_against_displacement_near_the_head(self, local):
        metrics = make_metrics(local, summarise(local, seed=1, resamples=10))
        # Three sweeps have both, and rise together.
        assert metrics["ours_rank_correlation_final_near"] == pytest.approx(1)
        assert metrics["ours_final_mm"] == pytest.approx(6.25)
