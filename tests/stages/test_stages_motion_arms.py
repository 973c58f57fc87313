"""All learned arms on one budget: what is trained once, what is kept, what tables say."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_sweeps import TINY, made_cohort, made_sweep

from hipus import paths, tables
from hipus.motion import claims as all_claims
from hipus.motion.arms import ARMS, Arm
from hipus.motion.claims import Claim, Side
from hipus.motion.correlation_maps import correlation_maps
from hipus.motion.trained_model import HistoryRow, TrainingSettings
from hipus.stages import motion_arms, motion_data, motion_trainings
from hipus.stages.motion_judging import JudgedSweep
from hipus.stages.motion_trainings import Trainings

SETTINGS = TrainingSettings(iterations=4, batch_size=4, validate_every=2, threads=1, seed=5)


@pytest.fixture
def cohort(rng):
    """Return training, validation and test sweeps, one of each type of two test subjects."""
    training, validation = made_cohort(rng)
    tests = [
        made_sweep(rng, subject, sweep_id=kind)
        for subject in ("S101", "S102")
        for kind in ("p_a", "p_d")
    ]
    return training, validation, tests


@pytest.fixture
def prepared(cohort, study, monkeypatch):
    """Return the smoke profile with three tiny arms on made-up sweeps."""
    training, validation, tests = cohort
    found = {"training_sweeps": training, "validation_sweeps": validation, "test_sweeps": tests}
    for name, sweeps in found.items():
        monkeypatch.setattr(motion_data, name, lambda *_, sweeps=sweeps, **__: sweeps)
    truth = {sweep.name: sweep.T_centre_to_world for sweep in tests}
    monkeypatch.setattr(motion_data, "hip_truth", lambda study, sweep: truth[sweep.name])
    seeing = replace(TINY, name="seeing", channels=("intensity", "correlation"))
    arms = (TINY, replace(TINY, name="alone", uses_imu=False), seeing)
    monkeypatch.setattr(motion_arms, "ARMS", {arm.name: arm for arm in arms})
    return replace(study, motion_arms=replace(study.motion_arms, iterations=2, resamples=40))


def read(name: str, **options) -> pd.DataFrame:
    return tables.read(paths.table_file("smoke", name), **options)


class TestDistinctTrainings:
    def test_the_study_s_sixteen_arms_share_thirteen(self):
        groups = motion_arms.distinct_trainings(ARMS.values())
        assert (len(ARMS), len(groups)) == (16, 13)
        shared = [[arm.name for arm in group] for group in groups if len(group) > 1]
        assert shared == [
            ["published", "published_without_imu"],
            ["published_without_flow", "published_without_both"],
            ["cnn_convlstm", "cnn_convlstm_without_overlap"],
        ]

    def test_arms_on_the_inputs_of_others_leave_the_sensor_out(self):
        others = [arm for name, arm in ARMS.items() if not name.startswith("published")]
        assert len(others) == 11
        assert not any(arm.uses_imu for arm in others)


class TestMaps:
    def test_an_arm_that_looks_at_correlation_gets_it_between_neighbours(self, rng):
        sweep = made_sweep(rng)
        (found,) = motion_arms.with_maps([sweep], ARMS["published_with_correlation"])
        expected = correlation_maps(sweep.frames, sweep.flow, lags=(1,), map_px=16)[0]
        np.testing.assert_array_equal(found.extra["correlation"], expected[:13])
        assert not np.array_equal(expected[12], np.zeros((16, 16)))

    def test_the_others_get_nothing(self, rng):
        sweep = made_sweep(rng)
        assert motion_arms.with_maps([sweep], ARMS["published"])[0] is sweep


class TestTrainings:
    def test_a_finished_one_is_not_run_again_and_keeps_its_cost(self, cohort, tmp_path):
        trainings = Trainings(tmp_path, settings=SETTINGS)
        first, cost_s = trainings.model(TINY, *cohort[:2])
        again, kept_s = trainings.model(TINY, *cohort[:2])
        assert cost_s > 0
        assert kept_s == cost_s
        assert [row.iteration for row in again.history] == [0, 2, 4]
        assert first.history[-1] == again.history[-1]

    def test_the_cost_of_a_resumed_one_is_that_of_a_whole_one(self, tmp_path):
        trainings = Trainings(tmp_path, settings=SETTINGS)
        assert trainings._cost(tmp_path / "key", 3.0, first=1) == pytest.approx(4.0)
        assert trainings._cost(tmp_path / "key", 0.1, first=4) == pytest.approx(4.0)

    def test_an_unknown_cost_is_said_to_be_unknown(self, tmp_path):
        found = Trainings(tmp_path, settings=SETTINGS)._cost(tmp_path / "key", 0.1, first=4)
        assert np.isnan(found)

    def test_it_goes_on_where_it_was_killed(self, cohort, tmp_path, monkeypatch):
        run = motion_trainings.train
        whole, _ = Trainings(tmp_path / "whole", settings=SETTINGS).model(TINY, *cohort[:2])

        class Killed(Exception):
            pass

        def killed(*_, **__):
            raise Killed

        trainings = Trainings(tmp_path / "killed", settings=SETTINGS)
        from hipus.motion import training

        kept = training.training_state.write

        def write(state, folder):
            kept(state, folder)
            if state.iteration == 2:
                killed()

        with monkeypatch.context() as patch:
            patch.setattr(training.training_state, "write", write)
            with pytest.raises(Killed):
                trainings.model(TINY, *cohort[:2])
        assert motion_trainings.train is run
        resumed, _ = trainings.model(TINY, *cohort[:2])
        assert resumed.history[1:] == whole.history[1:]


class TestStage:
    def test_writes_every_table_with_every_arm(self, prepared):
        assert motion_arms.main(prepared) == []
        rows = read("motion_arm_errors")
        assert set(rows["arm"]) == {"tiny", "alone", "seeing"}
        assert len(rows) == 3 * 4 * 2
        summary = read("motion_arm_summary")
        assert set(summary["sweep_type"]) == {"all", "p_a", "p_d"}
        one = summary.query("arm == 'tiny' and truth == 'vs_hip' and sweep_type == 'p_a'")
        mean = rows.query("arm == 'tiny' and truth == 'vs_hip' and sweep_type == 'p_a'")
        assert one.set_index("measure").loc["final_mm", "mean"] == pytest.approx(
            mean["final_mm"].mean()
        )

    def test_the_comparison_says_what_each_arm_took(self, prepared):
        motion_arms.main(prepared)
        table = read("motion_arm_comparison")
        assert len(table) == 3 * 2
        own = table[table["truth"] == "vs_tracker"].set_index("arm")
        assert list(own.loc[["alone", "tiny", "seeing"], "trained_as"]) == [
            "tiny",
            "tiny",
            "seeing",
        ]
        assert list(own.loc[["alone", "tiny"], "uses_imu"].astype(bool)) == [False, True]
        assert set(own["made_by"]) == {"make arms"}
        assert set(own["iterations"]) == {2}
        assert (own["low"] <= own["final_mm"]).all()
        assert (own["final_mm"] <= own["high"]).all()
        assert (own["subject_count"] == 2).all()
        assert (own["training_cpu_s"] >= 0).all()
        assert own.loc["tiny", "parameters"] == own.loc["alone", "parameters"]

    def test_the_sensor_changes_rotation_and_is_left_out_where_an_arm_says_so(self, prepared):
        motion_arms.main(prepared)
        mean = read("motion_arm_errors").query("truth == 'vs_tracker'").groupby("arm")
        turned = mean["relative_deg"].mean()
        # The made-up sensor errs by 0.02 deg, untrained networks by the sweep's own 0.3.
        assert turned["tiny"] < 0.5 * turned["alone"]

    def test_a_second_run_writes_the_same(self, prepared):
        names = ("motion_arm_errors", "motion_arm_summary", "motion_claims")
        motion_arms.main(prepared)
        first = [paths.table_file("smoke", name).read_bytes() for name in names]
        motion_arms.main(prepared)
        assert [paths.table_file("smoke", name).read_bytes() for name in names] == first


class TestClaims:
    CLAIM = Claim("x", "a drifts less", "us", Side("tiny", "final_mm"),
                  Side(all_claims.CONSTANT_STEP, "final_mm"))  # fmt: skip

    def rows(self, arm, final_mm, **fields):
        measures = {side.measure for claim in all_claims.CLAIMS for side in (claim.a, claim.b)}
        known = {"truth": "vs_tracker", "variant": "protocol", "frame_spacing": 1.0}
        known |= dict.fromkeys(measures, 1.0)
        return [
            {"arm": arm, "subject_id": f"S10{n}", "sweep_id": "p_a", "sweep_type": "p_a",
             **known, "final_mm": final_mm + 0.1 * n, **fields}
            for n in range(4)
        ]  # fmt: skip

    def write_motion(self, rows):
        key = ["arm", "subject_id", "sweep_id", "truth", "variant", "frame_spacing"]
        tables.write(pd.DataFrame(rows), paths.table_file("smoke", "motion_errors"), key=key)

    @pytest.mark.parametrize("name", ["constant step", "constant_step"])
    def test_arms_without_a_network_are_those_of_the_motion_stage(self, study, monkeypatch, name):
        self.write_motion(
            [
                *self.rows(name, 9.0),
                *self.rows(name, 1.0, variant="still"),
                *self.rows(name, 1.0, frame_spacing=0.5),
                *self.rows("tiny", 50.0),  # on another budget
            ]
        )
        others, read_from = motion_arms.rows_of_motion(study)
        assert [path.name for path in read_from] == ["motion_errors.csv"]
        assert set(others["arm"]) == {all_claims.CONSTANT_STEP}
        assert len(others) == 4
        verdicts = motion_arms.verdicts
        monkeypatch.setattr(
            motion_arms,
            "verdicts",
            lambda *args, **kwargs: verdicts(*args, claims=[self.CLAIM], **kwargs),
        )
        own = pd.DataFrame(self.rows("tiny", 5.0))
        (row,) = motion_arms.claims(study, own, others).to_dict("records")
        assert (row["verdict"], row["made_by"]) == ("holds here", "make arms")
        assert row["difference"] == pytest.approx(-4.0)

    def test_an_arm_that_learned_nothing_decides_nothing(self, study, monkeypatch):
        verdicts = motion_arms.verdicts
        monkeypatch.setattr(
            motion_arms,
            "verdicts",
            lambda *args, **kwargs: verdicts(*args, claims=[self.CLAIM], **kwargs),
        )
        own, others = (
            pd.DataFrame(self.rows(arm, mm))
            for arm, mm in (("tiny", 5.0), (all_claims.CONSTANT_STEP, 9.0))
        )
        told = [
            motion_arms.claims(study, own, others, unlearned=names)["verdict"].tolist()
            for names in (["another"], ["tiny"])
        ]
        assert told == [["holds here"], [motion_arms.NOT_LEARNED]]

    @pytest.mark.parametrize(("last_mm", "has_learned"), [(8.9, True), (9.1, False), (11, False)])
    def test_who_takes_a_tenth_off_the_first_drift_has_learned(self, last_mm, has_learned):
        history = [HistoryRow(0, np.nan, 10.0), HistoryRow(3, 1.0, last_mm)]
        assert motion_arms.has_learned(history) is has_learned

    def test_without_the_motion_stage_they_stay_open(self, study, caplog):
        others, read_from = motion_arms.rows_of_motion(study)
        assert (len(others), read_from) == (0, [])
        assert "motion_errors.csv is missing: findings on" in caplog.text
        table = motion_arms.claims(study, pd.DataFrame(self.rows("tiny", 5.0)), others)
        assert set(table["verdict"]) == {"arm not run"}


def test_the_cost_is_kept_as_plain_json(cohort, tmp_path):
    Trainings(tmp_path, settings=SETTINGS).model(TINY, *cohort[:2])
    (path,) = tmp_path.glob("*/cost.json")
    assert set(json.loads(path.read_text())) == {"training_cpu_s"}


def test_all_arms_have_one_budget(study):
    settings = motion_arms.settings_of(study)
    sizes = study.motion_arms
    assert (settings.iterations, settings.batch_size) == (sizes.iterations, sizes.batch_size)
    assert settings.seed == study.common.seed
    assert settings.threads == 1


def test_arms_of_one_training_are_judged_by_the_same_weights(cohort, tmp_path):
    training, validation, tests = cohort
    judged = [JudgedSweep(one, {"vs_tracker": one.T_centre_to_world}) for one in tests]
    pair = [TINY, Arm("other name", "prevost", frames=2, rotation_numbers=3)]
    rows, told = motion_arms.judged_arms(
        pair, training, validation, tests=judged, trainings=Trainings(tmp_path, SETTINGS)
    )
    first, second = (rows[rows["arm"] == arm.name] for arm in pair)
    np.testing.assert_array_equal(first["final_mm"], second["final_mm"])
    assert [one["trained_as"] for one in told] == ["tiny", "tiny"]
    assert len(list(tmp_path.iterdir())) == 1
