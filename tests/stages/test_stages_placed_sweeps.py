"""One sweep by true, tracked and predicted poses: what they share, and what each is."""

import made_hip_cohort as made
import numpy as np
import pytest

from hipus import geometry
from hipus.stages import motion_data, placed_sweeps
from hipus.stages.placed_sweeps import PREDICTED, TRACKED, TRUE


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Yield the study of made hips."""
    yield from made.opened_hips(tmp_path_factory.mktemp("placed"))


def opened(study, subject: str, sweep: str, **options):
    """Return a sweep by each kind of poses."""
    row = made.row_of(study, subject, sweep)
    return placed_sweeps.open_all_ways(motion_data.cohort_of(study), row, study=study, **options)


class TestTruePoses:
    @pytest.mark.parametrize(("subject", "sweep"), [("S101", "left_p_a"), ("S201", "right_p_d")])
    def test_they_are_where_the_hip_had_each_recorded_picture(self, study, subject, sweep):
        row = made.row_of(study, subject, sweep)
        found = placed_sweeps.true_poses(motion_data.cohort_of(study), row)
        np.testing.assert_allclose(found, made.true_way(row.sweep_type, row.side), atol=1e-9)

    def test_a_sweep_without_truth_is_refused_and_told_beforehand(self, study):
        cohort = motion_data.cohort_of(study)
        rows = motion_data.sweep_rows(study).iloc[:2]
        rows = rows.assign(sweep_id=[rows.sweep_id.iloc[0], "left_p_x"])
        assert placed_sweeps.has_true_poses(cohort, rows).tolist() == [True, False]
        with pytest.raises(FileNotFoundError, match="left_p_x.npz is missing: only a simulated"):
            placed_sweeps.true_poses(cohort, rows.iloc[1])


class TestAllWays:
    def test_exact_poses_are_the_true_ones_but_for_the_world(self, study):
        found = opened(study, "S101", "left_p_d")[TRUE]
        assert (found.poses, found.pose_arm) == ("true", "truth")
        steps = [T[:-1] for T in (found.sweep.T_centre_to_world, found.T_centre_to_hip)]
        ahead = [T[1:] for T in (found.sweep.T_centre_to_world, found.T_centre_to_hip)]
        world, hip = (geometry.relative(a, b) for a, b in zip(steps, ahead, strict=True))
        np.testing.assert_allclose(world, hip, atol=1e-9)

    def test_tracked_poses_lack_what_the_tracker_lost(self, study):
        found = opened(study, "S101", "left_p_a")
        tracked, true = found[TRACKED], found[TRUE]
        lost = np.flatnonzero(~tracked.sweep.is_valid) + tracked.sweep.first_frame
        assert lost.tolist() == [made.LOST]
        assert tracked.pose_arm == "tracker"
        assert true.sweep.is_valid.all()
        np.testing.assert_array_equal(tracked.T_centre_to_hip, true.T_centre_to_hip)
        np.testing.assert_array_equal(tracked.sweep.frames, true.sweep.frames)

    def test_predicted_poses_go_the_model_s_way(self, study):
        found = opened(study, "S101", "left_p_d")[PREDICTED]
        assert found.pose_arm == "constant"  # no inertial sensor helped
        places = found.sweep.T_centre_to_world[:, 2, 3]
        np.testing.assert_allclose(np.diff(places), -made.SHARE * made.STEP_MM, atol=1e-9)
        true = geometry.relative(found.T_centre_to_hip[0], found.T_centre_to_hip)[:, 2, 3]
        np.testing.assert_allclose(np.diff(true), -made.STEP_MM, atol=1e-9)

    def test_a_turned_probe_is_turned_back_in_pictures_and_truth(self, study):
        found = opened(study, *made.TURNED)
        row = made.row_of(study, *made.TURNED)
        straight = made.true_way(row.sweep_type, row.side)
        for one in found.values():
            assert one.sweep.is_flipped
            frames = slice(one.sweep.first_frame, one.sweep.first_frame + len(one.sweep))
            np.testing.assert_allclose(one.T_centre_to_hip, straight[frames], atol=1e-9)

    def test_only_what_is_asked_for_is_opened(self, study, monkeypatch):
        monkeypatch.setattr(placed_sweeps, "predict_poses", None)
        found = opened(study, "S101", "left_p_a", poses=(TRACKED,))
        assert list(found) == [TRACKED]
        assert list(opened(study, "S101", "left_p_a", poses=(TRACKED, TRUE))) == [TRACKED, TRUE]
