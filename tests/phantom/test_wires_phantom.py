"""Calibration phantoms: pictures of wires, and whether the calibration finds the truth."""

from dataclasses import replace

import numpy as np
import pytest

from hipus import geometry
from hipus.calibration import nwire, spatial, temporal
from hipus.calibration.plus_phantom import read_phantom
from hipus.calibration.temporal_plane import plane_position
from hipus.calibration.wires import NWirePhantom, SegmentationSettings
from hipus.phantom.acquisition.session import draw_session
from hipus.phantom.acquisition.tracking import PERFECT
from hipus.phantom.wire_images import WirePicture, cut, draw_frames
from hipus.phantom.wires import (
    FCAL_2_0,
    Z_PHANTOM,
    WirePhantom,
    simulate_calibration_session,
    simulate_water_tank,
)

SHAPE = (320, 360)


def session(seed=11, **fixed):
    """Return a session with a known calibration and lag."""
    return draw_session(np.random.default_rng(seed), **fixed)


def as_user(recording) -> NWirePhantom:
    """Return the phantom as a user knows it: wires, registered pose, rough pixel size."""
    wires = recording.phantom
    side = np.linalg.norm(recording.T_pixel_to_probe[:3, 0])
    return NWirePhantom(
        names=wires.wire_names,
        front_mm=wires.front_mm,
        back_mm=wires.back_mm,
        T_phantom_to_reference=recording.T_phantom_to_reference,
        segmentation=SegmentationSettings(approximate_spacing_mm=1.03 * side),
    )


@pytest.fixture(scope="module", params=[FCAL_2_0, Z_PHANTOM], ids=["fCal", "Z"])
def recording(request):
    """Return a calibration session of either phantom."""
    return simulate_calibration_session(
        np.random.default_rng(2), session(), phantom=request.param, count=60, frame_shape=SHAPE
    )


@pytest.fixture(scope="module")
def findings(recording):
    """Return the wires that the finder of the calibration sees in it."""
    return nwire.find_in_frames(recording.frames, as_user(recording))


class TestWirePhantoms:
    @pytest.mark.real
    def test_fcal_2_0_is_the_public_phantom(self, real_file):
        public = read_phantom(real_file("plus/PlusDeviceSet_fCal_Sim_SpatialCalibration_2.0.xml"))
        np.testing.assert_array_equal(FCAL_2_0.front_mm, public.front_mm)
        np.testing.assert_array_equal(FCAL_2_0.back_mm, public.back_mm)

    def test_both_fit_under_the_probe(self):
        for phantom in (FCAL_2_0, Z_PHANTOM):
            assert np.ptp(phantom.front_mm[:, 0]) < 38
            assert np.ptp(phantom.front_mm[:, 2]) <= 20

    def test_refuses_wires_without_ends_or_direction(self):
        with pytest.raises(ValueError, match=r"back_mm must be finite \(1, 3\), got \(2, 3\)"):
            WirePhantom("bad", ("a",), np.zeros((1, 3)), np.zeros((2, 3)))
        with pytest.raises(ValueError, match="every wire must run >= 1 mm along"):
            WirePhantom("bad", ("a",), np.zeros((1, 3)), np.array([[5.0, 0, 0]]))


class TestCut:
    def test_meets_a_wire_where_similar_triangles_say(self):
        # A wire from (0, 0, 0) to (20, 40, 10); the picture is the plane y = 10, a quarter on.
        T = geometry.transform(np.column_stack([[1, 0, 0], [0, 0, 1], [0, -1, 0]]), [0, 10.0, 0])
        points = cut(T[None], np.zeros((1, 3)), np.array([[20.0, 40.0, 10.0]]))
        np.testing.assert_allclose(points, [[[5.0, 2.5]]])

    def test_a_parallel_wire_is_never_met(self):
        points = cut(np.eye(4)[None], np.array([[0.0, 0, 3]]), np.array([[1.0, 0, 3]]))
        assert not np.isfinite(points).all()


class TestPictures:
    def lone_wire(self, along, **settings):
        """Draw one wire through the middle of a frame with square pixels of 0.1 mm."""
        along = np.array(along) / np.linalg.norm(along)
        ends = (-30 * along[None], 30 * along[None])
        T_pixel_to_image = geometry.transform(0.1 * np.eye(3), [-10.0, -8.0, 0.0])
        return draw_frames(
            np.random.default_rng(0),
            np.eye(4)[None],
            ends,
            T_pixel_to_image,
            (161, 201),
            picture=WirePicture(background_db=-200.0, fading_db=0.0, **settings),
        )[0]

    def test_a_square_wire_is_a_dot_of_the_stated_width(self):
        picture = WirePicture()
        frame = self.lone_wire([0.0, 0.0, 1.0])
        assert np.unravel_index(frame.argmax(), frame.shape) == (80, 100)
        # 6 dB down is half the amplitude: sigma sqrt(2 ln 2) from the peak.
        down = frame >= frame.max() - round(255 * 6.02 / picture.dynamic_range_db)
        half = np.sqrt(2 * np.log(2)) * np.array(picture.psf_sigma_mm) / 0.1
        assert down[80].sum() == pytest.approx(2 * half[0], abs=1.5)
        assert down[:, 100].sum() == pytest.approx(2 * half[1], abs=1.5)

    def test_its_peak_is_the_stated_one(self):
        picture = WirePicture()
        peak = 255 * (1 + picture.wire_db / picture.dynamic_range_db)
        assert self.lone_wire([0, 0, 1]).max() == pytest.approx(peak, abs=1)

    def test_an_oblique_wire_is_longer_and_fainter_in_its_direction(self):
        square, oblique = self.lone_wire([0, 0, 1.0]), self.lone_wire([1.0, 0, 1.0])
        assert oblique.max() < square.max()
        seen = oblique > 100
        assert seen.any(axis=0).sum() > 1.5 * (square > 100).any(axis=0).sum()
        assert seen.any(axis=1).sum() <= (square > 100).any(axis=1).sum() + 1

    def test_a_wire_beside_the_picture_or_along_it_is_not_seen(self):
        assert self.lone_wire([1.0, 0.0, 0.05]).max() == 0
        T = geometry.transform(0.1 * np.eye(3), [-10.0, -8.0, 0.0])
        ends = (np.array([[0.0, 0, 5]]), np.array([[0.0, 0, 30]]))
        quiet = WirePicture(background_db=-200.0)
        frame = draw_frames(
            np.random.default_rng(0), np.eye(4)[None], ends, T, (161, 201), picture=quiet
        )
        assert frame.max() == 0

    def test_the_bath_has_the_stated_level(self):
        picture = WirePicture(background_db=-30.0)
        T = geometry.transform(0.1 * np.eye(3), [-10.0, 20.0, 0.0])
        far = (np.array([[0.0, 0, 500]]), np.array([[0.0, 0, 510]]))
        frame = draw_frames(
            np.random.default_rng(0), np.eye(4)[None], far, T, (300, 300), picture=picture
        )
        amplitude = 10 ** ((frame / 255 - 1) * picture.dynamic_range_db / 20)
        assert 20 * np.log10(amplitude.mean()) == pytest.approx(-30.0, abs=0.5)

    def test_refuses_pictures_that_cannot_be(self):
        with pytest.raises(ValueError, match="picture.psf_sigma_mm must be 3 positive numbers"):
            WirePicture(psf_sigma_mm=(0.4, 0.0, 0.9))
        with pytest.raises(ValueError, match="picture.dynamic_range_db must be positive, got 0"):
            WirePicture(dynamic_range_db=0.0)


class TestWireSessions:
    def test_the_finder_finds_and_names_the_wires(self, recording, findings):
        assert findings.is_found.mean() > 0.95
        side = np.linalg.norm(recording.T_pixel_to_probe[:3, 0])
        off_mm = side * np.linalg.norm(findings.points_px - recording.wire_points_px, axis=-1)
        assert np.nanmedian(off_mm) < 0.05
        assert np.nanmax(off_mm) < 0.5

    @pytest.mark.parametrize("method", ["classic", "joint"])
    def test_the_calibration_comes_near_the_truth(self, recording, findings, method):
        poses = recording.T_probe_to_reference_at_images(recording.lag_s)
        found = spatial.calibrate(findings.points_px, poses, as_user(recording), method=method)
        assert recording.target_registration_error_mm(found.T_pixel_to_probe).mean() < 0.7

    def test_with_perfect_devices_it_is_the_truth(self):
        one = simulate_calibration_session(
            np.random.default_rng(4), session(), count=60, frame_shape=SHAPE, tracker=PERFECT
        )
        user = replace(as_user(one), T_phantom_to_reference=one.T_phantom_to_reference_true)
        points = nwire.find_in_frames(one.frames, user).points_px
        poses = one.T_probe_to_reference_at_images(one.lag_s)
        found = spatial.calibrate(points, poses, user, method="joint")
        assert one.target_registration_error_mm(found.T_pixel_to_probe).max() < 0.1

    def test_the_registration_is_off_by_tenths_of_a_millimetre(self, recording):
        middle = recording.phantom.middle_mm
        known, true = (
            geometry.apply(T, middle)
            for T in (recording.T_phantom_to_reference, recording.T_phantom_to_reference_true)
        )
        assert 0.01 < np.linalg.norm(known - true) < 0.8

    def test_the_truth_maps_dots_onto_wires(self, recording):
        T = geometry.compose(
            geometry.invert(recording.T_phantom_to_reference_true),
            recording.T_probe_to_reference_at_images(recording.lag_s),
            recording.T_pixel_to_probe,
        )
        dots = np.concatenate(
            [recording.wire_points_px, np.zeros((*recording.wire_points_px.shape[:2], 1))], axis=2
        )
        on_wire = geometry.apply(T, dots)
        along = recording.phantom.back_mm - recording.phantom.front_mm
        along = along / np.linalg.norm(along, axis=1, keepdims=True)
        off = np.linalg.norm(np.cross(on_wire - recording.phantom.front_mm, along), axis=2)
        assert np.nanmean(off) < 0.3

    def test_an_uncorrected_lag_makes_the_calibration_worse(self, recording, findings):
        user, errors = as_user(recording), []
        for lag_s in (recording.lag_s, recording.lag_s + 0.15):
            poses = recording.T_probe_to_reference_at_images(lag_s)
            found = spatial.calibrate(findings.points_px, poses, user)
            errors.append(found.errors.error_mm_mean)
        assert errors[1] > 1.3 * errors[0]

    def test_equal_generators_give_equal_recordings(self):
        first, second = (
            simulate_calibration_session(
                np.random.default_rng(5), session(), count=3, frame_shape=SHAPE
            )
            for _ in range(2)
        )
        np.testing.assert_array_equal(first.frames, second.frames)
        np.testing.assert_array_equal(first.T_probe_to_reference, second.T_probe_to_reference)

    def test_target_registration_error_of_a_known_shift(self, recording):
        shifted = geometry.transform(translation=[0.3, 0.0, -0.4]) @ recording.T_pixel_to_probe
        np.testing.assert_allclose(recording.target_registration_error_mm(shifted), 0.5)
        assert len(recording.target_registration_error_mm(shifted, count=4)) == 16

    def test_refuses_a_picture_too_shallow_and_a_session_too_short(self):
        rng = np.random.default_rng(0)
        with pytest.raises(
            ValueError, match="depth_mm must be >= 32 to see all layers of the fCal"
        ):
            simulate_calibration_session(rng, session(depth_mm=25.0))
        with pytest.raises(ValueError, match="a session needs >= 2 frames, got 1"):
            simulate_calibration_session(rng, session(), count=1)


class TestWaterTank:
    @pytest.mark.parametrize(("seed", "lag_s"), [(1, -0.065), (2, 0.12), (3, 0.0)])
    def test_the_lag_is_found_within_2_ms(self, seed, lag_s):
        tank = simulate_water_tank(np.random.default_rng(seed), session(seed, lag_s=lag_s))
        found = temporal.calibrate_recordings(
            tank.frames, tank.time_s, tank.pose_time_s, tank.T_probe_to_reference
        )
        assert tank.lag_s == lag_s
        assert found.calibration.lag_s == pytest.approx(lag_s, abs=0.002)

    def test_the_bottom_is_where_the_poses_put_it(self):
        tank = simulate_water_tank(
            np.random.default_rng(1), session(), duration_s=4.0, tracker=PERFECT
        )
        track = plane_position(tank.frames)
        T = geometry.compose(
            geometry.invert(tank.T_phantom_to_reference_true),
            tank.T_probe_to_reference_at_images(tank.lag_s),
            tank.T_pixel_to_probe,
        )
        middle = (tank.frames.shape[2] - 1) / 2
        points = np.stack([np.full(len(T), middle), track.position_px, np.zeros(len(T))], axis=1)
        heights = geometry.apply(T, points[:, None])[:, 0, 2]
        np.testing.assert_allclose(heights, 0.0, atol=0.15)

    def test_refuses_a_motion_that_leaves_the_picture(self):
        with pytest.raises(ValueError, match="amplitude_mm must be positive and <= "):
            simulate_water_tank(np.random.default_rng(0), session(), amplitude_mm=20.0)
