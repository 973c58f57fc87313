"""Sweeps of any origin, opened as the study opens its own; models found by name."""

from dataclasses import replace

import numpy as np
import pytest

from hipus import geometry
from hipus.motion.poses import centre_poses
from hipus.motion.predictions import PosePrediction
from hipus.segmentation import stored_models
from hipus.segmentation.application import open_sweep
from hipus.sweep import Sweep

TURN = np.diag([-1.0, 1.0, -1.0, 1.0])


@pytest.fixture
def sweep(rng) -> Sweep:
    """Return 12 frames of anisotropic pixels, swept 1 mm a frame along +z as right hips are."""
    T = geometry.transform(None, np.arange(12)[:, None] * [0.05, 0.0, 1.0])
    return Sweep(
        rng.integers(1, 255, (12, 7, 10), dtype=np.uint8),
        time_s=np.arange(12) / 10,
        T_probe_to_reference=geometry.transform(None, [40.0, -9.0, 3.0]) @ T,
        T_pixel_to_probe=np.diag([0.4, 0.7, 1.0, 1.0]),
        sweep_id="mine",
    )


def turned(sweep: Sweep) -> Sweep:
    """Return the same way of the hand with the probe held turned: pictures mirrored, z reversed."""
    return replace(
        sweep,
        frames=sweep.frames[:, :, ::-1],
        T_probe_to_reference=centre_poses(sweep) @ TURN,
        T_pixel_to_probe=geometry.transform(None, [-0.4 * 4.5, -0.7 * 3.0, 0.0])
        @ np.diag([0.4, 0.7, 1.0, 1.0]),
    )


class TestOpening:
    def test_the_world_is_the_middle_frame_that_has_a_pose(self, sweep):
        lost = sweep.T_probe_to_reference.copy()
        lost[[0, 1, 2]] = np.nan
        found = open_sweep(replace(sweep, T_probe_to_reference=lost, is_valid=None))
        assert found.is_valid.tolist() == [False] * 3 + [True] * 9
        np.testing.assert_allclose(found.T_centre_to_world[7], np.eye(4), atol=1e-12)
        np.testing.assert_allclose(found.T_centre_to_world[11, :3, 3], [0.2, 0, 4], atol=1e-9)

    @pytest.mark.parametrize("known", [{"side": "right"}, {"is_flipped": True}])
    def test_a_turned_probe_is_found_or_named_and_turned_back(self, sweep, known):
        upright, found = open_sweep(sweep, side="right"), open_sweep(turned(sweep), **known)
        assert (upright.is_flipped, found.is_flipped) == (False, True)
        np.testing.assert_array_equal(found.frames, upright.frames)
        np.testing.assert_allclose(found.T_pixel_to_world, upright.T_pixel_to_world, atol=1e-9)

    def test_predicted_poses_need_no_calibration_and_bring_their_turn(self, sweep):
        T = centre_poses(sweep)[2:9]
        one = PosePrediction("S1", "mine", 2, T, is_flipped=True)  # of the pictures turned back
        recorded = replace(
            turned(sweep), T_pixel_to_probe=None, pixel_spacing_xy_mm=(0.4, 0.7),
            T_probe_to_reference=np.full((12, 4, 4), np.nan), is_valid=None,
        )  # fmt: skip
        found = open_sweep(recorded, prediction=one)
        expected = open_sweep(sweep.select(slice(2, 9)))
        assert (found.first_frame, found.is_flipped) == (2, True)
        np.testing.assert_array_equal(found.frames, expected.frames)
        np.testing.assert_allclose(found.T_pixel_to_world, expected.T_pixel_to_world, atol=1e-9)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"T_pixel_to_probe": None, "pixel_spacing_xy_mm": None}, "size of a pixel must be"),
            ({"T_pixel_to_probe": None, "pixel_spacing_xy_mm": (1, 1)}, "must be calibrated"),
            ({"T_probe_to_reference": np.full((12, 4, 4), np.nan)}, "none of 12 frames is tracked"),
        ],
    )
    def test_what_cannot_be_placed_is_refused(self, sweep, change, message):
        with pytest.raises(ValueError, match=message):
            open_sweep(replace(sweep, is_valid=None, **change))

    def test_standing_still_does_not_tell_a_turned_probe(self, sweep):
        still = np.repeat(sweep.T_probe_to_reference[:1], 12, axis=0)
        with pytest.raises(ValueError, match="needed to tell a flip"):
            open_sweep(replace(sweep, T_probe_to_reference=still), side="left")


class TestNames:
    def test_the_longest_trained_is_found_first(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        for profile in stored_models.NEWEST_FIRST:
            folder = stored_models.models_folder(profile) / "3.2"
            folder.mkdir(parents=True)
            (folder / "model.json").write_text("{}")
        assert stored_models.find("3.2") == stored_models.models_folder("paper") / "3.2"
        assert stored_models.find("3.2", ["small"]) == stored_models.models_folder("small") / "3.2"

    def test_without_any_it_says_none(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        with pytest.raises(FileNotFoundError, match="there is none. Stage `train_21` makes it"):
            stored_models.find("2.1")
