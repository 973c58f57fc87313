"""From a recording to what motion is learned from: cut, turned back, mirrored, shrunk."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from made_recordings import MOUNTING, STILL, recording, untracked

from hipus import geometry, sweep_cleaning
from hipus.motion.cleaning import mean_picture
from hipus.motion.poses import steps
from hipus.motion.preparation import prepare, thumbnails

SEED = 5
PX = 32


def made(**choices):
    """Return a recording of the one texture."""
    return recording(np.random.default_rng(SEED), **choices)


def prepared(sweep, *, side="right", **choices):
    """Return a p_a sweep prepared at 32 px."""
    options = {"input_px": PX, "sweep_type": "p_a", "subject_id": "S001"} | choices
    return prepare(sweep, side=side, **options)


@pytest.fixture(scope="module")
def usual():
    """Return a right hip's sweep, prepared."""
    return prepared(made())


@pytest.fixture(scope="module")
def reference(usual):
    """Return the mean picture of a training sweep."""
    return mean_picture([usual], "p_a")


class TestWhatIsPrepared:
    def test_arrays_fit_each_other(self, usual):
        count = len(usual)
        assert usual.frames.shape == (count, 40, 56)
        assert usual.frames.dtype == np.uint8
        assert usual.thumbnails.shape == (count, PX, PX)
        assert usual.thumbnails.dtype == usual.flow.dtype == np.float32
        assert usual.flow.shape == (count - 1, 2, PX, PX)
        assert usual.T_centre_to_world.shape == (count, 4, 4)
        assert usual.imu_rotations.shape == (count - 1, 3, 3)
        assert usual.pixel_spacing_xy_mm == pytest.approx((0.3, 0.4))
        assert usual.name == "S001/p_a"

    def test_hesitation_at_both_ends_is_cut(self, usual):
        sweep = made()
        assert abs(usual.first_frame - STILL) <= 3
        assert abs(usual.first_frame + len(usual) - (len(sweep) - STILL)) <= 3
        kept = slice(usual.first_frame, usual.first_frame + len(usual))
        np.testing.assert_array_equal(usual.frames, sweep.frames[kept])
        np.testing.assert_array_equal(usual.time_s, sweep.time_s[kept])

    def test_a_sweep_that_does_not_travel_by_its_kind_is_taken_whole(self):
        whole = prepared(made(), sweep_type="graf")
        assert (whole.first_frame, len(whole)) == (0, len(made()))

    def test_thumbnails_are_means_over_areas_and_squeezed(self):
        frame = np.zeros((1, 32, 64), np.uint8)
        frame[0, :2, :4] = 80  # the first thumbnail pixel covers 2 rows and 4 columns
        frame[0, 0, 4] = 160  # an eighth of the second one
        small = thumbnails(frame, 16)
        assert small.shape == (1, 16, 16)
        assert list(small[0, 0, :3]) == [80, 20, 0]

    def test_grey_values_lie_between_0_and_1(self, usual):
        np.testing.assert_allclose(usual.thumbnails * 255, thumbnails(usual.frames, PX), atol=1e-4)

    def test_maps_may_be_added_by_name(self, usual):
        values = np.full((len(usual) - 1, PX, PX), 0.5)
        more = usual.with_extra(correlation=values).with_extra(other=values)
        assert set(more.extra) == {"correlation", "other"}
        assert more.extra["correlation"].dtype == np.float32
        assert not usual.extra

    def test_a_map_of_another_size_is_refused(self, usual):
        with pytest.raises(ValueError, match=r"S001/p_a: extra map 'x' must be \(\d+, 32, 32\)"):
            usual.with_extra(x=np.zeros((len(usual), PX, PX)))


class TestSidesAndFlips:
    @pytest.mark.parametrize("side", ["left", "right"])
    @pytest.mark.parametrize("is_flipped", [False, True])
    def test_all_sweeps_are_told_alike(self, usual, side, is_flipped):
        # One texture, swept the left hip's way or the right one's, by either end of the probe.
        other = prepared(made(side=side, is_flipped=is_flipped), side=side)
        assert (other.is_mirrored, other.is_flipped) == (side == "left", is_flipped)
        np.testing.assert_array_equal(other.frames, usual.frames)
        np.testing.assert_array_equal(other.flow, usual.flow)
        expected = steps(usual.T_centre_to_world)
        np.testing.assert_allclose(steps(other.T_centre_to_world), expected, atol=1e-9)
        np.testing.assert_allclose(other.imu_rotations, usual.imu_rotations, atol=1e-3)
        assert (expected[1:-1, 2, 3] > 0).any()
        assert (expected[:, 2, 3] > -1e-9).all()

    @pytest.mark.parametrize("side", ["left", "right"])
    @pytest.mark.parametrize("is_flipped", [False, True])
    def test_the_sensor_turns_with_the_tracked_picture(self, side, is_flipped):
        one = prepared(made(side=side, is_flipped=is_flipped), side=side)
        tracked = steps(one.T_centre_to_world)[:, :3, :3]
        assert geometry.geodesic_angle_deg(tracked).min() > 0.6
        assert geometry.geodesic_angle_deg(one.imu_rotations, tracked).max() < 0.02

    def test_without_a_side_nothing_is_mirrored_or_judged_by_travel(self):
        one = prepared(made(side="left"), side="")
        assert not one.is_mirrored
        assert not one.is_flipped
        assert np.nansum(steps(one.T_centre_to_world)[:, 2, 3]) < 0


class TestFromPictures:
    @pytest.mark.parametrize("is_flipped", [False, True])
    def test_nothing_tracked_decides_anything(self, reference, is_flipped):
        sweep = made(is_flipped=is_flipped)
        options = {"from_pictures": True, "reference_picture": reference}
        seen, blind = prepared(sweep, **options), prepared(untracked(sweep), **options)
        assert seen.is_flipped == blind.is_flipped == is_flipped
        assert seen.first_frame == blind.first_frame
        for name in ("frames", "thumbnails", "flow", "time_s", "imu_rotations"):
            np.testing.assert_array_equal(getattr(seen, name), getattr(blind, name))
        assert np.isnan(blind.T_centre_to_world).all()
        assert seen.is_valid.all()
        assert not blind.is_valid.any()

    def test_wrong_poses_cannot_mislead_it(self, reference):
        sweep = made()
        backwards = replace(sweep, T_probe_to_reference=sweep.T_probe_to_reference[::-1])
        assert prepared(backwards).is_flipped
        found = prepared(backwards, from_pictures=True, reference_picture=reference)
        assert not found.is_flipped

    def test_an_untracked_sweep_is_always_judged_by_its_pictures(self, reference):
        sweep = untracked(made(is_flipped=True))
        assert prepared(sweep, reference_picture=reference).is_flipped

    def test_without_a_reference_no_flip_is_looked_for(self):
        assert not prepared(untracked(made(is_flipped=True))).is_flipped

    def test_frames_of_another_size_meet_the_same_reference(self, reference):
        larger = prepared(untracked(made(shape=(48, 80))), reference_picture=reference)
        assert larger.thumbnails.shape[1:] == (PX, PX)
        assert larger.frames.shape[1:] == (48, 80)
        assert not larger.is_flipped

    def test_a_reference_of_another_size_is_refused(self):
        with pytest.raises(ValueError, match=r"must be \(32, 32\) like the thumbnails, got \(9,"):
            prepared(untracked(made()), reference_picture=np.zeros((9, 9)))

    def test_the_mean_picture_weighs_sweeps_alike(self, usual):
        bright = replace(usual, thumbnails=np.ones((3, PX, PX), np.float32))
        dark = replace(usual, thumbnails=np.zeros((9, PX, PX), np.float32))
        other = replace(bright, sweep_type="p_d")
        np.testing.assert_allclose(mean_picture([bright, dark, other], "p_a"), 0.5)

    def test_no_sweep_of_a_type_has_no_mean_picture(self, usual):
        with pytest.raises(ValueError, match="at least one 'p_d' sweep, got none"):
            mean_picture([usual], "p_d")


class TestSensor:
    def test_no_log_no_rotation(self):
        assert prepared(replace(made(), imu=None)).imu_rotations is None

    def test_an_unknown_mounting_in_the_probe_gives_no_rotation(self):
        sweep = made()
        bare = replace(sweep, imu=replace(sweep.imu, T_imu_to_probe=None))
        assert prepared(bare).imu_rotations is None

    def test_an_uncalibrated_picture_gives_no_rotation(self):
        assert prepared(untracked(made(), is_calibrated=False)).imu_rotations is None

    @pytest.mark.parametrize("is_flipped", [False, True])
    def test_a_nominal_mounting_stands_in_for_a_calibration(self, reference, is_flipped):
        sweep = untracked(made(is_flipped=is_flipped), is_calibrated=False)
        # As the recorded picture sits in the probe: turned, if the probe was held turned.
        turn = np.diag([-1.0, 1.0, -1.0, 1.0]) if is_flipped else np.eye(4)
        found = prepared(
            sweep,
            T_centre_to_probe=MOUNTING @ turn,
            reference_picture=reference,
        )
        calibrated = prepared(made(), from_pictures=True)
        assert found.is_flipped == is_flipped
        np.testing.assert_allclose(found.imu_rotations, calibrated.imu_rotations, atol=1e-6)

    def test_steps_inside_a_long_gap_are_unknown(self, usual):
        sweep = made()
        inside = (sweep.imu.time_s > 6.5) & (sweep.imu.time_s < 7.5)
        gap = replace(
            sweep.imu,
            **{
                name: getattr(sweep.imu, name)[~inside]
                for name in ("time_s", "angular_velocity_rad_s", "acceleration_m_s2")
            },
        )
        found = prepared(replace(sweep, imu=gap))
        is_unknown = np.isnan(found.imu_rotations).all(axis=(1, 2))
        last, first = gap.time_s[gap.time_s <= 6.5].max(), gap.time_s[gap.time_s >= 7.5].min()
        touched = (found.time_s[1:] > last) & (found.time_s[:-1] < first)
        assert 10 <= touched.sum() <= 12
        np.testing.assert_array_equal(is_unknown, touched)
        np.testing.assert_array_equal(np.isfinite(found.imu_rotations[~touched]), True)

    def test_a_log_of_another_time_is_refused(self):
        sweep = made()
        late = replace(sweep.imu, time_s=sweep.imu.time_s + 100)
        with pytest.raises(ValueError, match="imu covers no step"):
            prepared(replace(sweep, imu=late))


class TestBadInput:
    def test_invalid_poses_stay_unknown_and_nothing_else_changes(self, usual):
        sweep = made()
        is_valid = np.ones(len(sweep), bool)
        is_valid[[15, 16, 20]] = False
        found = prepared(replace(sweep, is_valid=is_valid))
        lost = np.array([15, 16, 20]) - found.first_frame
        assert set(np.flatnonzero(~found.is_valid)) == set(lost)
        assert np.isnan(found.T_centre_to_world[lost]).all()
        np.testing.assert_array_equal(found.frames, usual.frames)

    def test_fewer_than_six_frames_are_refused(self):
        with pytest.raises(ValueError, match="sweep 'p_a' must have at least 6 frames.* got 5"):
            prepared(made().select(slice(10, 15)))

    def test_six_frames_are_enough(self):
        assert len(prepared(made().select(slice(10, 16)))) == 6

    def test_a_cut_that_leaves_too_little_is_not_made(self, caplog, monkeypatch):
        monkeypatch.setattr(sweep_cleaning, "trim_hesitation", lambda sweep: slice(10, 15))
        with caplog.at_level(logging.WARNING):
            found = prepared(made())
        assert (found.first_frame, len(found)) == (0, len(made()))
        assert "leaves too few frames, not cut" in caplog.text

    def test_one_grey_is_refused(self):
        sweep = made()
        blank = replace(sweep, frames=np.full_like(sweep.frames, 7))
        with pytest.raises(ValueError, match="'p_a': all pictures are of one grey, 7"):
            prepared(blank)

    def test_a_frozen_recording_is_refused(self):
        sweep = made()
        frozen = replace(sweep, frames=np.repeat(sweep.frames[:1], len(sweep), axis=0))
        with pytest.raises(ValueError, match=r"all \d+ pictures are the same, a frozen"):
            prepared(frozen)

    def test_repeated_frames_stay_with_a_warning(self, usual, caplog):
        sweep = made()
        frames = sweep.frames.copy()
        frames[[16, 17]] = frames[15]
        with caplog.at_level(logging.WARNING):
            found = prepared(replace(sweep, frames=frames))
        assert "2 frames repeat the one before" in caplog.text
        first = 15 - found.first_frame
        np.testing.assert_allclose(found.flow[first : first + 2], 0, atol=1e-3)
        assert len(found) == len(usual)

    def test_a_tracked_sweep_that_stays_in_its_plane_is_refused(self):
        sweep = made()
        still = np.repeat(sweep.T_probe_to_reference[:1], len(sweep), axis=0)
        with pytest.raises(ValueError, match="travels 0.00 mm along its normal"):
            prepared(replace(sweep, T_probe_to_reference=still))

    @pytest.mark.parametrize("input_px", [15, 41])
    def test_sizes_beyond_the_frame_or_too_small_are_refused(self, input_px):
        message = rf"between 16 and the frame's smaller side, 40 px in sweep 'p_a', got {input_px}"
        with pytest.raises(ValueError, match=message):
            prepared(made(), input_px=input_px)

    def test_an_unknown_side_is_refused(self):
        with pytest.raises(ValueError, match="side must be one of .*, got 'both'"):
            prepared(made(), side="both")
