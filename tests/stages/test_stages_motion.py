"""Stage `motion` on a tiny made-up cohort: every arm, every table, twice the same."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_motion_cohort import SPACING_MM, write_motion_cohort
from study_folders import make_study_folder, without_real_data

from hipus import config, parallel, paths, tables
from hipus.figures import motion as drawn
from hipus.motion import model_file, poses, sweep_context_file
from hipus.motion.predictions import read_predictions
from hipus.stages import motion, motion_data, motion_fit, motion_published, motion_shown
from hipus.stages.motion_fit import LEARNED, NETWORKS, STUDY_ARM, WITH_IMU, folder_of
from hipus.stages.motion_tables import best_not_learned

PX = 32
ARMS = {
    "identity",
    *("constant step", "constant step by type", "constant path by type"),
    *("speckle decorrelation", "correlation regression", "sweep context"),
    *(f"IMU rotation + constant {name}" for name in ("step", "step by type", "path by type")),
    "IMU rotation + speckle decorrelation",
    "IMU rotation + correlation regression",
    *("IMU rotation + sweep context", "published", "published_without_imu"),
}
TABLES = ("errors", "summary", "arms", "subjects", "comparisons", "tusrec", "frames", "history",
          "published", "factors", "factor_effects", "factor_verdicts")  # fmt: skip
TEST = [(subject, sweep) for subject in ("S101", "S102") for sweep in ("left_p_a", "right_p_d")]


def tiny_study() -> SimpleNamespace:
    """Return the smoke profile with the shortest training there is."""
    smoke = config.load("smoke")
    sizes = replace(smoke.motion, input_px=PX, iterations=3, validate_every=2, threads=1)
    return SimpleNamespace(
        profile="smoke",
        common=smoke.common,
        cohort=smoke.cohort,
        motion=replace(sizes, batch_size=4, resamples=20),
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the stage; yield the study, what was fitted and what was read."""
    folder = make_study_folder(tmp_path_factory.mktemp("motion"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        write_motion_cohort()
        kept = []

        def fit_arms(*sweeps):
            kept.append(motion_fit.fit_arms(*sweeps))
            return kept[0]

        patch.setattr(motion, "fit_arms", fit_arms)
        study = tiny_study()
        inputs = motion.main(study)
        yield SimpleNamespace(study=study, fitted=kept[0], inputs=inputs)


def read(name: str) -> pd.DataFrame:
    """Return a table of the stage."""
    return tables.read(paths.table_file("smoke", f"motion_{name}"))


def metrics() -> dict:
    """Return the stage's metrics."""
    return tables.read_metrics(paths.metrics_file("smoke", "motion"))


class TestErrors:
    def test_every_arm_has_a_row_for_every_sweep_and_truth(self, run):
        rows = read("errors")
        assert set(rows.arm) == ARMS
        assert set(rows.truth) == {"vs_tracker", "vs_hip"}
        assert set(rows.variant) == {"protocol", "grid"}
        counts = rows.groupby(["arm", "truth", "variant"]).size().unstack()
        assert (counts.protocol == 4).all()
        assert (counts.grid == 2).all()
        assert (rows.frame_spacing == 1).all()

    def test_standing_still_is_wrong_by_the_whole_way(self, run):
        rows = read("errors").query("arm == 'identity' and truth == 'vs_hip'")
        sweeps = tables.read(paths.table_file("smoke", "cohort_sweeps"))
        both = rows.merge(sweeps, on=["subject_id", "sweep_id"])
        share = both.final_mm / both.truth_path_length_mm
        assert share.between(0.5, 1.5).all()  # hesitation may be cut
        assert rows.final_elevational_mm.to_numpy() == pytest.approx(rows.final_mm, rel=0.02)

    def test_the_sensor_changes_rotation_and_no_step_s_length(self, run):
        rows = read("errors").set_index(["arm", "truth", "subject_id", "sweep_id"])
        base, felt = (
            rows.loc[arm] for arm in ("correlation regression", f"{WITH_IMU}correlation regression")
        )
        assert (felt.relative_deg < 0.5 * base.relative_deg).all()  # no picture tells of turns
        np.testing.assert_allclose(felt.relative_mm, base.relative_mm, rtol=0.05)

    def test_the_tracker_s_own_error_is_stated(self, run):
        # Noise of 0.05 mm an axis in two poses: a step's length is off by 0.11 mm on average.
        assert metrics()["tracker_step_error_median_mm"] == pytest.approx(0.11, abs=0.03)


class TestSummaries:
    def test_they_are_of_the_protocol_s_sweeps_alone(self, run):
        summary = read("summary")
        assert set(summary.sweep_type) == {"all", "p_a", "p_d"}
        assert (summary[summary.sweep_type == "all"].sweep_count == 4).all()
        assert set(read("subjects").subject_id) == {"S101", "S102"}

    def test_an_arm_s_mean_is_that_of_its_sweeps_and_lies_in_its_interval(self, run):
        rows, arms = read("errors"), read("arms").set_index(["arm", "truth"])
        protocol = rows[rows.variant == "protocol"]
        expected = protocol.groupby(["arm", "truth"]).final_mm.mean()
        pd.testing.assert_series_equal(arms["mean"], expected, check_names=False, rtol=1e-6)
        assert ((arms.low <= arms["mean"]) & (arms["mean"] <= arms.high)).all()
        assert set(arms[arms.is_learned].index.get_level_values("arm")) == set(LEARNED)

    def test_learned_arms_are_compared_with_what_they_must_beat(self, run):
        compared, best = read("comparisons"), best_not_learned(read("arms"))
        assert best not in LEARNED
        wanted = {"constant step", "constant step by type", "correlation regression", best}
        assert set(compared.arm_b) == wanted
        assert set(compared.arm_a) == set(LEARNED)
        assert set(compared[compared.is_best_not_learned].arm_b) == {best}
        one = compared[(compared.arm_a == STUDY_ARM) & (compared.measure == "final_mm")]
        assert len(one) == len(wanted) * 2 * 3
        np.testing.assert_allclose(one.difference, one.mean_a - one.mean_b, atol=1e-6)
        found = metrics()[f"{folder_of(STUDY_ARM)}_over_constant_step_vs_tracker_all_ratio"]
        row = one[(one.arm_b == "constant step") & (one.truth == "vs_tracker")]
        assert found == pytest.approx(row[row.sweep_type == "all"].ratio.item(), rel=1e-6)

    def test_tus_rec_scores_put_standing_still_at_zero(self, run):
        scores = read("tusrec")
        assert (scores[scores.arm == "identity"].final.abs() < 1e-9).all()
        assert (scores[scores.arm == "constant step by type"].final > 0).all()
        assert len(scores) == len(ARMS) * 4
        assert scores.landmark_count.between(1, 20).all()

    def test_factors_are_joined_with_what_the_simulation_knows(self, run):
        factors = read("factors")
        assert set(factors.arm) == {STUDY_ARM}
        assert set(factors.variant) == {"protocol", "grid"}
        assert {"path_mm", "duration_s", "final_mm"} <= set(factors)
        assert len(read("factor_effects"))
        assert set(read("factor_verdicts").truth) == {"vs_tracker", "vs_hip"}


class TestPublished:
    def test_only_what_is_stated_stands_beside_ours(self, run):
        table = read("published").set_index(["metric", "column_as_printed"])
        assert len(table) == 12
        filled = table.ours_mean.notna().groupby("column_as_printed").all()
        assert filled.to_dict() == {
            "rotation_total_as_printed": False,
            "translation_total": True,
            "translation_x": False,
            "translation_y": True,
        }
        lost = table.xs("rotation_total_as_printed", level=1)
        assert (lost.unit == "not stated").all()
        assert lost.note.str.startswith("heading lost").all()

    def test_ours_is_the_published_network_s(self, run):
        table = read("published").set_index(["metric", "column_as_printed"])
        summary = read("summary").set_index(["arm", "truth", "sweep_type", "measure"])
        for kind, suffix in (("all", ""), ("p_a", "_p_a"), ("p_d", "_p_d")):
            ours = summary.loc[("published", "vs_tracker", kind, "final_lateral_mm")]
            row = table.loc[("Final drift", "translation_y")]
            assert row[f"ours_mean{suffix}"] == pytest.approx(ours["mean"])
            assert row[f"ours_sd{suffix}"] == pytest.approx(ours.sd)

    def test_a_shortened_run_says_so(self, run):
        assert read("published").training.str.match("3 iterations of 4 windows, 0.. epochs").all()

    def test_history_begins_before_the_first_update_and_ends_after_the_last(self, run):
        history = read("history")
        assert history.iteration.tolist() == [0, 2, 3]
        assert history.loss.isna().tolist() == [True, False, False]
        assert history.validation_drift_mm.notna().all()
        expected = motion_fit.training_settings(run.study).rate(2, 3)
        assert history.learning_rate.iloc[-1] == pytest.approx(expected)

    def test_epochs_are_iterations_times_batch_by_windows(self, run):
        words = motion_published.training_words(run.fitted.published, windows=8)
        assert words == "3 iterations of 4 windows, 1.5 epochs"


class TestShown:
    def test_complexity_is_what_is_neither_straight_nor_even(self):
        T = np.tile(np.eye(4), (21, 1, 1))
        T[:, 2, 3] = 0.7 * np.arange(21)
        assert motion_shown.complexity_mm(T) == pytest.approx(0, abs=1e-9)
        T[:, 0, 3] = 0.2 * (-1.0) ** np.arange(21)
        T[3] = np.nan
        assert motion_shown.complexity_mm(T) == pytest.approx(0.2, rel=0.02)

    def test_sweeps_are_shown_from_plain_to_complex(self, run):
        frames = read("frames")
        shown = frames.groupby("order").complexity_mm.first()
        assert shown.index.tolist() == [1, 2, 3]
        assert shown.is_monotonic_increasing
        assert set(frames.arm) == {STUDY_ARM}

    def test_frames_end_with_the_sweep_s_final_error(self, run):
        last = read("frames").groupby("order").tail(1)
        rows = read("errors").query("truth == 'vs_tracker'").set_index(
            ["arm", "subject_id", "sweep_id"]
        )  # fmt: skip
        for one in last.itertuples():
            row = rows.loc[(one.arm, one.subject_id, one.sweep_id)]
            assert one.absolute_mm == pytest.approx(row.final_mm)

    def test_figures_can_be_drawn(self, run):
        with np.load(paths.figure_input_file("smoke", "motion_trajectories")) as stored:
            inputs = dict(stored)
        width, height = inputs["picture_mm_0"]
        assert (width, height) == pytest.approx((48 * SPACING_MM[0], 40 * SPACING_MM[1]))
        assert len(drawn.draw_trajectories(inputs).axes) == 3
        drawn.draw_frame_errors(read("frames"))
        drawn.draw_arms(read("subjects"), read("arms"), read("published"))


class TestOutputs:
    def test_every_sweep_of_every_arm_can_be_read_back(self, run):
        folder = paths.results_dir("smoke") / "motion_predictions"
        assert {path.name for path in folder.iterdir()} == {folder_of(arm) for arm in ARMS}
        rows = read("errors").query("arm == 'published' and truth == 'vs_tracker'")
        rows = rows.set_index(["subject_id", "sweep_id"])
        cohort = motion_data.cohort_of(run.study)
        for key, one in read_predictions(folder / "published", TEST).items():
            tracked = poses.centre_poses(cohort.sweep(*key).select(one.frames))
            first = np.linalg.inv(tracked[0]) @ tracked[-1]
            off = np.linalg.norm(first[:3, 3] - one.T_centre_to_first[-1, :3, 3])
            assert off == pytest.approx(rows.loc[key].final_mm, rel=1e-4)  # not mirrored
            assert one.sd_mm.shape == (len(one) - 1, 3)

    def test_models_are_saved_with_where_they_come_from(self, run):
        folder = paths.results_dir("smoke") / "models" / "motion"
        model = model_file.load(folder / NETWORKS[0])
        assert (model.origin, model.input_px) == ("simulated", PX)
        context = sweep_context_file.load(folder / "sweep_context")
        assert context.training_subjects == model.training_subjects
        assert metrics()["published_parameter_count"] == 4_069_513

    def test_inputs_are_the_sweeps_that_were_read(self, run):
        assert len(run.inputs) == 16
        assert all(path.is_file() for path in run.inputs)

    def test_a_second_run_trains_nothing_and_gives_the_same_bytes(self, run, monkeypatch):
        before = {n: paths.table_file("smoke", f"motion_{n}").read_bytes() for n in TABLES}
        told = paths.metrics_file("smoke", "motion").read_bytes()
        monkeypatch.setattr("hipus.motion.training._Run._step", None)
        motion.main(run.study)
        after = {n: paths.table_file("smoke", f"motion_{n}").read_bytes() for n in TABLES}
        assert [n for n in TABLES if before[n] != after[n]] == []
        assert told == paths.metrics_file("smoke", "motion").read_bytes()


class TestOtherCohorts:
    @pytest.fixture
    def hospital(self, run, monkeypatch):
        """Yield the stage's names on a cohort without truth, variants and sensor."""
        truth = paths.results_dir("smoke") / "cohort" / "truth"
        hidden = truth.with_name("hidden")
        table = paths.table_file("smoke", "cohort_sweeps")
        known = table.read_bytes()
        sweeps = tables.read(table)
        plain = sweeps[[name for name in sweeps if not name.startswith("truth_")]]
        tables.write(plain, table, key=["subject_id", "sweep_id"])
        shutil.move(truth, hidden)
        fitted = replace(run.fitted, imu_spread=None)
        monkeypatch.setattr(motion, "fit_arms", lambda *sweeps: fitted)
        monkeypatch.setattr(motion_data, "VARIANTS", ("protocol", "repeat"))
        yield run.study
        shutil.move(hidden, truth)
        table.write_bytes(known)

    def test_without_truth_there_is_the_tracker_alone(self, hospital):
        found = motion.main(hospital)
        assert len(found) == 14  # those of the grid's subject are in no split that is used
        assert set(read("errors").truth) == {"vs_tracker"}
        assert set(read("arms").arm) == {arm for arm in ARMS if not arm.startswith(WITH_IMU)}
        assert read("factors").empty
        assert read("factor_effects").empty
        assert read("factor_verdicts").empty
        assert "tracker_step_error_median_mm" not in metrics()
        assert "sweep_context_over_constant_step_vs_tracker_all_ratio" in metrics()

    @pytest.mark.parametrize("split", ["train", "validation", "test"])
    def test_a_cohort_that_lacks_a_split_is_refused_at_once(self, run, monkeypatch, split):
        cohort = motion_data.cohort_of(run.study)
        others = cohort.subjects[cohort.subjects.split != split]
        monkeypatch.setattr(
            motion_data, "cohort_of", lambda study: replace(cohort, subjects=others)
        )
        with pytest.raises(ValueError, match=f"no sweep of split '{split}'"):
            motion.prepare(run.study)

    def test_sweeps_without_a_sensor_have_no_spread_of_one(self, run):
        sweeps = motion_data.training_sweeps(run.study, input_px=PX)
        assert motion_fit.imu_spread([replace(s, imu_rotations=None) for s in sweeps]) is None
        assert motion_fit.imu_spread(sweeps) is not None
