"""What a person looks through: both courses from one frame, and what the study has of a sweep."""

from dataclasses import replace

import numpy as np
import pytest

from hipus import geometry, paths, rotations, shown_sweep
from hipus.formats import metafile
from hipus.motion.poses import centre_poses
from hipus.motion.predictions import PosePrediction, write_predictions
from hipus.shown_sweep import courses_of, load_shown_sweep


def turned_world(T):
    """Return poses in another rigid world."""
    world = geometry.transform(rotations.from_euler([20.0, -7.0, 50.0], "ZYX"), [5.0, -3.0, 8.0])
    return geometry.compose(world, T)


class TestCourses:
    def test_exact_prediction_in_any_world_has_no_drift(self, tiny_sweep):
        found = courses_of(tiny_sweep, turned_world(centre_poses(tiny_sweep)))
        known = tiny_sweep.is_valid
        np.testing.assert_allclose(found.drift_mm[known], 0, atol=1e-9)
        np.testing.assert_allclose(found.drift_deg[known], 0, atol=1e-5)
        np.testing.assert_allclose(found.T_tracked[0], np.eye(4), atol=1e-12)
        np.testing.assert_allclose(found.T_predicted[known], found.T_tracked[known], atol=1e-9)

    def test_drift_is_the_distance_of_the_centres_and_unknown_at_lost_frames(self, tiny_sweep):
        T = centre_poses(tiny_sweep)
        T = geometry.relative(T[0], T)
        T[-1, :3, 3] += [0.0, 3.0, 4.0]
        found = courses_of(tiny_sweep, T)
        assert found.drift_mm[-1] == pytest.approx(5.0)
        assert found.drift_mm[0] == 0
        assert np.isnan(found.drift_mm[3])
        assert np.isnan(found.T_tracked[3]).all()

    def test_both_begin_at_the_first_frame_that_both_know(self, tiny_sweep):
        T = centre_poses(tiny_sweep)
        T[:2] = np.nan
        found = courses_of(tiny_sweep, T)
        np.testing.assert_allclose(found.T_tracked[2], np.eye(4), atol=1e-12)
        np.testing.assert_allclose(found.T_predicted[2], np.eye(4), atol=1e-12)
        assert np.isfinite(found.T_tracked[0]).all()
        assert np.isnan(found.drift_mm[:2]).all()

    def test_without_a_prediction_there_is_no_drift(self, tiny_sweep):
        found = courses_of(tiny_sweep)
        assert np.isnan(found.T_predicted).all()
        assert np.isnan(found.drift_mm).all()
        np.testing.assert_allclose(found.T_tracked[0], np.eye(4), atol=1e-12)

    def test_an_untracked_sweep_shows_what_is_predicted(self, tiny_sweep):
        T = turned_world(centre_poses(tiny_sweep))
        lost = replace(
            tiny_sweep, T_probe_to_reference=np.full((7, 4, 4), np.nan), is_valid=np.zeros(7, bool)
        )
        found = courses_of(lost, T)
        assert np.isnan(found.T_tracked).all()
        np.testing.assert_allclose(found.T_predicted[0], np.eye(4), atol=1e-12)

    def test_one_shared_frame_aligns_and_gives_no_further_drift(self, tiny_sweep):
        T = centre_poses(tiny_sweep)
        T[1:] = np.nan
        drift_mm = courses_of(tiny_sweep, T).drift_mm
        assert drift_mm[0] == 0
        assert np.isnan(drift_mm[1:]).all()

    def test_poses_of_other_frames_are_refused(self, tiny_sweep):
        with pytest.raises(ValueError, match=r"T_predicted must be \(7, 4, 4\), got \(6, 4, 4\)"):
            courses_of(tiny_sweep, np.tile(np.eye(4), (6, 1, 1)))


class TestLoading:
    @pytest.fixture
    def study(self, monkeypatch, tmp_path, tiny_sweep):
        """Return the results of a made study whose cohort has one sweep."""
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        folder = paths.results_dir("made")
        (folder / "cohort").mkdir(parents=True)

        class Cohort:
            origin = "simulated"

            def __init__(self, folder):
                self.folder = folder

            def sweep(self, subject_id, sweep_id):
                if (subject_id, sweep_id) != ("S101", "left_p_a"):
                    raise KeyError(sweep_id)
                return tiny_sweep

        monkeypatch.setattr(shown_sweep, "read_cohort", Cohort)
        return folder

    def write_poses(self, study, sweep, *, first: int, is_flipped: bool = False):
        T = centre_poses(sweep)[first:]
        one = PosePrediction("S101", "left_p_a", first, T, is_flipped=is_flipped)
        write_predictions([one], study / "motion_predictions" / shown_sweep.ARM)

    def test_sweep_without_predictions_and_truth_comes_alone(self, study, tiny_sweep):
        found = load_shown_sweep("made", "S101_left_p_a")
        assert found.sweep is tiny_sweep
        assert found.T_predicted is None
        assert found.masks is None
        assert found.caption == "S101_left_p_a (simulated, 7 frames)"

    def test_predicted_poses_stand_at_the_recorded_frames(self, study, tiny_sweep):
        self.write_poses(study, tiny_sweep, first=2)
        found = load_shown_sweep("made", "S101_left_p_a")
        assert np.isnan(found.T_predicted[:2]).all()
        np.testing.assert_allclose(found.T_predicted[2], np.eye(4), atol=1e-12)
        assert "poses predicted by sweep context imu" in found.caption
        assert np.nanmax(courses_of(tiny_sweep, found.T_predicted).drift_mm) < 1e-9

    def test_poses_of_turned_pictures_become_those_of_recorded_ones(self, study, tiny_sweep):
        turn = np.diag([-1.0, 1.0, -1.0, 1.0])
        turned = replace(
            tiny_sweep,
            T_pixel_to_probe=geometry.compose(
                geometry.transform(None, centre(tiny_sweep)),
                turn,
                geometry.transform(None, -centre(tiny_sweep)),
                tiny_sweep.T_pixel_to_probe,
            ),
        )
        self.write_poses(study, turned, first=0, is_flipped=True)
        found = load_shown_sweep("made", "S101_left_p_a")
        assert np.nanmax(courses_of(tiny_sweep, found.T_predicted).drift_mm) < 1e-9

    def test_masks_are_those_of_what_was_insonified(self, study, tiny_sweep):
        path = study / "cohort" / "truth" / "S101" / "left_p_a_masks.igs.mha"
        path.parent.mkdir(parents=True)
        masks = np.full((7, 5, 9), 2, np.uint8)
        metafile.write(path, metafile.from_sweep(replace(tiny_sweep, frames=masks)))
        found = load_shown_sweep("made", "S101_left_p_a")
        np.testing.assert_array_equal(found.masks, masks)
        assert "labels: what was insonified" in found.caption

    def test_more_poses_than_frames_are_refused(self, study, tiny_sweep):
        T = np.tile(np.eye(4), (9, 1, 1))
        one = PosePrediction("S101", "left_p_a", 0, T)
        write_predictions([one], study / "motion_predictions" / shown_sweep.ARM)
        with pytest.raises(ValueError, match="predicts frame 8, the sweep has 7"):
            load_shown_sweep("made", "S101_left_p_a")

    def test_unknown_sweep_is_told(self, study):
        with pytest.raises(KeyError, match="right_p_a"):
            load_shown_sweep("made", "S101_right_p_a")

    def test_fresh_clone_is_told_what_makes_the_sweeps(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        with pytest.raises(FileNotFoundError, match="`dvc repro cohort@made motion@made` makes"):
            load_shown_sweep("made", "S101_left_p_a")


def centre(sweep) -> np.ndarray:
    """Return where the middle of the picture lies in the probe."""
    return geometry.apply(sweep.T_pixel_to_probe, np.array([4.0, 2.0, 0.0]))
