"""Sweeps opened for segmentation: cut, turned and placed, with truth that follows."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from made_motion_cohort import COUNT, SHAPE, SPACING_MM, recorded

from hipus import geometry
from hipus.formats import metafile
from hipus.labels import HipLabel
from hipus.motion import poses
from hipus.motion.predictions import PosePrediction
from hipus.segmentation.sweep_volumes import (
    make_sweep_volume,
    open_study_sweep,
    truth_masks_file,
)

#: Frames that count.
START, STOP = 2, 16
#: Centre (u, v) and radius of a disc that every frame shows, on the left, with a labrum in it.
DISC_PX = (12, 24, 7)


def disc_masks() -> np.ndarray:
    """Return masks of the disc and of a labrum above its middle."""
    v, u = np.mgrid[: SHAPE[0], : SHAPE[1]]
    one = np.where((u - DISC_PX[0]) ** 2 + (v - DISC_PX[1]) ** 2 <= DISC_PX[2] ** 2, 2, 0)
    one[DISC_PX[1] - 9 : DISC_PX[1] - 8, DISC_PX[0]] = HipLabel.LABRUM
    return np.tile(one.astype(np.uint8), (COUNT, 1, 1))


def write_masks(folder, masks: np.ndarray, sweep) -> None:
    """Write the truth of the frames."""
    path = truth_masks_file(folder, "S001", "left_p_a")
    metafile.write(path, metafile.from_sweep(replace(sweep, frames=masks)))


@pytest.fixture
def sweep(rng):
    """Return a recorded sweep of a left hip; frame 9 has no pose."""
    sweep, _ = recorded(rng, "left", 0.8)
    T = sweep.T_probe_to_reference.copy()
    T[9] = np.nan
    return replace(sweep, T_probe_to_reference=T, is_valid=None)


@pytest.fixture
def cohort(sweep, tmp_path):
    """Return a cohort of this one sweep, with truth."""
    write_masks(tmp_path, disc_masks(), sweep)
    return SimpleNamespace(folder=tmp_path, sweep=lambda *_: sweep)


def row(**more) -> SimpleNamespace:
    """Return the sweep's row."""
    known = {"subject_id": "S001", "sweep_id": "left_p_a", "side": "left", "sweep_type": "p_a"}
    return SimpleNamespace(**(known | {"trim_start": START, "trim_stop": STOP} | more))


def held_turned(sweep):
    """Return the sweep as a probe turned about its beam records it: pixels lie where they lay."""
    mirror = geometry.transform(np.diag([-1.0, 1.0, -1.0]), [SHAPE[1] - 1, 0.0, 0.0])
    T = sweep.T_pixel_to_probe
    turn = T @ np.linalg.inv(mirror) @ np.linalg.inv(T)
    return replace(
        sweep,
        frames=np.ascontiguousarray(sweep.frames[:, :, ::-1]),
        T_probe_to_reference=sweep.T_probe_to_reference @ turn,
    )


class TestTracked:
    def test_frames_truth_and_poses_are_cut_alike(self, cohort, sweep):
        opened = open_study_sweep(cohort, row())
        assert (len(opened), opened.first_frame, opened.is_flipped) == (STOP - START, START, False)
        np.testing.assert_array_equal(opened.frames, sweep.frames[START:STOP])
        np.testing.assert_array_equal(opened.time_s, sweep.time_s[START:STOP])
        np.testing.assert_array_equal(np.flatnonzero(~opened.is_valid), [9 - START])
        assert set(np.unique(opened.masks)) == {0, HipLabel.FEMORAL_HEAD}
        assert len(opened.masks) == len(opened)

    def test_the_world_is_the_middle_one_of_the_known_frames(self, cohort, sweep):
        opened = open_study_sweep(cohort, row())
        # 13 of 14 frames are known; the seventh of them is frame 6, before the gap.
        np.testing.assert_allclose(opened.T_centre_to_world[6], np.eye(4), atol=1e-12)
        T = poses.centre_poses(sweep)
        step = geometry.relative(T[START + 6], T[START])
        np.testing.assert_allclose(opened.T_centre_to_world[0], step, atol=1e-9)

    def test_without_stated_ends_the_motion_tells_them(self, cohort):
        plain, nothing = row(), row(trim_start=np.nan, trim_stop=np.nan)
        del plain.trim_start, plain.trim_stop
        whole = [open_study_sweep(cohort, one) for one in (plain, nothing)]
        assert [(one.first_frame, len(one)) for one in whole] == [(0, COUNT)] * 2

    def test_a_probe_held_turned_gives_the_same_sweep(self, cohort, sweep):
        upright = open_study_sweep(cohort, row())
        turned = held_turned(sweep)
        write_masks(cohort.folder, disc_masks()[:, :, ::-1], turned)
        cohort.sweep = lambda *_: turned
        found = open_study_sweep(cohort, row())
        assert found.is_flipped
        np.testing.assert_array_equal(found.frames, upright.frames)
        np.testing.assert_array_equal(found.masks, upright.masks)
        np.testing.assert_allclose(found.T_pixel_to_world, upright.T_pixel_to_world, atol=1e-9)


class TestPredicted:
    def test_only_the_prediction_places_the_frames(self, cohort, sweep):
        away = geometry.transform(None, [100.0, -50.0, 7.0])
        T = geometry.compose(away, poses.centre_poses(sweep)[START:STOP])
        tracked = open_study_sweep(cohort, row())
        unknown = np.full_like(sweep.T_probe_to_reference, np.nan)
        blind = replace(
            sweep, T_probe_to_reference=unknown, is_valid=None, T_pixel_to_probe=None,
            pixel_spacing_xy_mm=SPACING_MM,
        )  # fmt: skip
        cohort.sweep = lambda *_: blind
        prediction = PosePrediction("S001", "left_p_a", START, T)
        found = open_study_sweep(cohort, row(trim_start=0), prediction=prediction)
        np.testing.assert_allclose(found.T_pixel_to_world, tracked.T_pixel_to_world, atol=1e-9)
        np.testing.assert_array_equal(found.masks, tracked.masks)
        assert (found.first_frame, found.is_flipped) == (START, False)

    def test_pictures_that_were_turned_are_turned_here_too(self, cohort, sweep):
        T = poses.centre_poses(sweep)[START:STOP] @ np.diag([-1.0, 1.0, -1.0, 1.0])
        prediction = PosePrediction("S001", "left_p_a", START, T, is_flipped=True)
        found = open_study_sweep(cohort, row(), prediction=prediction)
        np.testing.assert_array_equal(found.frames, sweep.frames[START:STOP, :, ::-1])
        np.testing.assert_array_equal(found.masks > 0, disc_masks()[START:STOP, :, ::-1] == 2)


class TestVolume:
    def test_the_disc_becomes_a_cylinder_where_its_pixels_are(self, cohort):
        opened = open_study_sweep(cohort, row())
        made = make_sweep_volume(opened, spacing_mm=0.5)
        z, y, x = np.nonzero(made.labels["truth"] == HipLabel.FEMORAL_HEAD)
        places = np.array(made.grid.origin_xyz_mm) + 0.5 * np.stack([x, y, z], axis=1)
        middle = (np.array(DISC_PX[:2]) - (np.array(SHAPE[::-1]) - 1) / 2) * SPACING_MM
        np.testing.assert_allclose(places[:, :2].mean(axis=0), middle, atol=0.3)
        assert np.ptp(places[:, 0]) == pytest.approx(2 * 7 * SPACING_MM[0], abs=1.1)
        assert np.ptp(places[:, 1]) == pytest.approx(2 * 7 * SPACING_MM[1], abs=1.1)
        # Swept towards -z by 13 steps of 0.8 mm, a sixth more or less.
        assert 8 < np.ptp(places[:, 2]) < 13

    def test_other_masks_stand_beside_the_truth_on_its_grid(self, cohort):
        opened = open_study_sweep(cohort, row())
        made = make_sweep_volume(opened, spacing_mm=0.8, masks={"2.2": opened.masks})
        assert list(made.labels) == ["truth", "2.2"]
        np.testing.assert_array_equal(made.labels["truth"], made.labels["2.2"])
        again = make_sweep_volume(opened, grid=made.grid)
        np.testing.assert_array_equal(again.grey, made.grey)

    def test_a_sweep_without_truth_has_none(self, cohort):
        truth_masks_file(cohort.folder, "S001", "left_p_a").unlink()
        opened = open_study_sweep(cohort, row())
        assert opened.masks is None
        assert make_sweep_volume(opened, spacing_mm=0.8).labels == {}

    def test_frames_without_a_pose_are_in_no_volume(self, cohort, sweep):
        opened = open_study_sweep(cohort, row())
        made = make_sweep_volume(opened, spacing_mm=0.5)
        spoilt = opened.frames.copy()
        spoilt[9 - START] = 255
        again = make_sweep_volume(replace(opened, frames=spoilt), spacing_mm=0.5)
        np.testing.assert_array_equal(again.grey, made.grey)
        np.testing.assert_array_equal(again.labels["truth"], made.labels["truth"])

    def test_nobody_else_may_be_called_truth(self, cohort):
        opened = open_study_sweep(cohort, row())
        with pytest.raises(ValueError, match="masks must not be named 'truth'"):
            make_sweep_volume(opened, spacing_mm=0.8, masks={"truth": opened.masks})


class TestRefusals:
    def test_frames_that_the_sweep_has_not(self, cohort, sweep):
        T = np.tile(np.eye(4), (4, 1, 1))
        prediction = PosePrediction("S001", "left_p_a", COUNT - 2, T)
        with pytest.raises(ValueError, match="left_p_a: frames 16 to 19 are predicted, the sweep"):
            open_study_sweep(cohort, row(), prediction=prediction)

    def test_an_untracked_sweep_needs_predicted_poses(self, cohort, sweep):
        unknown = np.full_like(sweep.T_probe_to_reference, np.nan)
        blind = replace(sweep, T_probe_to_reference=unknown, is_valid=None)
        cohort.sweep = lambda *_: blind
        with pytest.raises(ValueError, match="none of 14 frames is tracked, give predicted poses"):
            open_study_sweep(cohort, row())

    def test_pixels_of_unknown_size(self, cohort, sweep):
        unscaled = replace(sweep, T_pixel_to_probe=None, pixel_spacing_xy_mm=None)
        cohort.sweep = lambda *_: unscaled
        with pytest.raises(ValueError, match="left_p_a: pixel_spacing_xy_mm must be known"):
            open_study_sweep(cohort, row())

    def test_truth_of_another_sweep(self, cohort, sweep):
        write_masks(cohort.folder, disc_masks()[:-1], sweep.select(slice(0, COUNT - 1)))
        with pytest.raises(ValueError, match="must have a mask for each of 18 frames, got 17"):
            open_study_sweep(cohort, row())
