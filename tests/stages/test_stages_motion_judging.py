"""Predictions beside their truths: in the sweep's own frame, against all that is known."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from made_sweeps import made_sweep

from hipus import geometry
from hipus.motion import poses
from hipus.motion.baselines import Identity
from hipus.motion.prediction import StepPrediction
from hipus.stages import motion_data
from hipus.stages.motion_judging import JudgedSweep, error_rows, judged_sweeps


class Oracle:
    """Says what the tracker says."""

    name = "oracle"

    def predict(self, prepared):
        return StepPrediction(poses.steps(prepared.T_centre_to_world))


@pytest.fixture
def sweeps(rng):
    return [
        made_sweep(rng, "S101", sweep_id="p_a", is_mirrored=True),
        made_sweep(rng, "S102", sweep_id="p_d"),
    ]


class TestTruths:
    def test_a_simulated_sweep_has_two(self, sweeps, study, monkeypatch):
        monkeypatch.setattr(motion_data, "hip_truth", lambda study, one: one.time_s)
        found = judged_sweeps(study, sweeps)
        assert [set(one.truths) for one in found] == 2 * [{"vs_tracker", "vs_hip"}]
        assert found[0].truths["vs_tracker"] is sweeps[0].T_centre_to_world
        assert found[1].truths["vs_hip"] is sweeps[1].time_s

    def test_a_hospital_s_sweep_has_the_tracker_s_alone(self, sweeps, study, monkeypatch, caplog):
        def absent(study, sweep):
            raise FileNotFoundError("no truth")

        monkeypatch.setattr(motion_data, "hip_truth", absent)
        with caplog.at_level(logging.INFO):
            found = judged_sweeps(study, sweeps)
        assert [list(one.truths) for one in found] == 2 * [["vs_tracker"]]
        assert "S101/p_a has no truth but the tracker's" in caplog.text


class TestRows:
    def test_an_oracle_makes_no_error_and_standing_still_the_whole_way(self, sweeps):
        judged = [JudgedSweep(one, {"vs_tracker": one.T_centre_to_world}) for one in sweeps]
        rows = error_rows(Oracle(), judged, arm="oracle")
        np.testing.assert_allclose(rows["final_mm"], 0, atol=1e-6)
        still = error_rows(Identity(), judged, arm="identity")
        ways = [
            np.linalg.norm(geometry.relative(*one.T_centre_to_world[[0, -1]])[:3, 3])
            for one in sweeps
        ]
        np.testing.assert_allclose(still["final_mm"], ways, rtol=1e-9)

    def test_each_truth_has_its_row(self, sweeps):
        first = sweeps[0]
        further = first.T_centre_to_world.copy()
        further[-1, :3, 3] += further[-1, :3, :3] @ [0.0, 3.0, 4.0]
        judged = [JudgedSweep(first, {"vs_tracker": first.T_centre_to_world, "vs_hip": further})]
        rows = error_rows(Oracle(), judged, arm="oracle").set_index("truth")
        assert rows.loc["vs_tracker", "final_mm"] == pytest.approx(0, abs=1e-6)
        assert rows.loc["vs_hip", "final_mm"] == pytest.approx(5)

    def test_rows_say_what_they_are_of(self, sweeps):
        judged = [JudgedSweep(sweeps[1], {"vs_tracker": sweeps[1].T_centre_to_world})]
        (row,) = error_rows(
            Oracle(), judged, arm="told", variant="still", frame_spacing=0.5
        ).to_dict("records")
        expected = {"arm": "told", "subject_id": "S102", "sweep_id": "p_d", "sweep_type": "p_d",
                    "side": "right", "variant": "still", "frame_spacing": 0.5}  # fmt: skip
        assert {name: row[name] for name in expected} == expected

    def test_a_sweep_without_a_tracked_pose_is_refused_by_name(self, sweeps):
        lost = replace(sweeps[0], T_centre_to_world=np.full((14, 4, 4), np.nan))
        judged = [JudgedSweep(lost, {"vs_tracker": lost.T_centre_to_world})]
        with pytest.raises(ValueError, match="identity, S101 p_a"):
            error_rows(Identity(), judged, arm="identity")
