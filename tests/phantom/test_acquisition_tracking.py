"""The optical tracker: noise, losses and their status, lateness."""

from dataclasses import replace

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.phantom.acquisition.placement import draw_side, looking_along, outward
from hipus.phantom.acquisition.tracking import (
    PERFECT,
    MarkerTrack,
    TrackerSettings,
    TrackingStatus,
    draw_sample_times,
    draw_stamps,
    draw_track,
    poses_at,
    view_angle_deg,
)


def facing(count, *, turned_deg=0.0):
    """Return markers 1 m in front of the camera that face it, or are turned away about x."""
    towards = np.diag([1.0, -1.0, -1.0])
    turn = rotations.from_rotation_vector([np.radians(turned_deg), 0, 0])
    return np.repeat(geometry.transform(towards @ turn, [0, 0, 1000.0])[None], count, axis=0)


class TestNoise:
    def test_is_as_large_as_stated_and_worst_along_the_view(self, rng):
        settings = replace(PERFECT, position_noise_mm=(0.05, 0.1, 0.3), rotation_noise_deg=0.2)
        true = facing(4000)
        T = draw_track(rng, settings, np.arange(4000) / 40, true).T_marker_to_tracker
        np.testing.assert_allclose((T - true)[:, :3, 3].std(axis=0), [0.05, 0.1, 0.3], rtol=0.05)
        # The length of three normal turns of 0.2 deg: a Maxwell mean of 2 sigma sqrt(2 / pi).
        angle = geometry.geodesic_angle_deg(true, T)
        assert angle.mean() == pytest.approx(0.2 * 2 * np.sqrt(2 / np.pi), rel=0.05)

    def test_leaves_poses_rigid(self, rng):
        track = draw_track(rng, TrackerSettings(), np.arange(300) / 40, facing(300))
        geometry.check_transform(track.T_marker_to_tracker, "T", allow_nan=True)

    def test_a_perfect_tracker_reports_the_truth(self, rng):
        true = facing(5)
        np.testing.assert_array_equal(
            draw_track(rng, PERFECT, np.arange(5) / 40, true).T_marker_to_tracker, true
        )

    def test_losses_do_not_change_the_noise_of_other_samples(self):
        time_s, true = np.arange(200) / 40, facing(200)
        tracks = [
            draw_track(np.random.default_rng(1), settings, time_s, true)
            for settings in (
                replace(TrackerSettings(), loss_probability=0.0, occlusion_rate_hz=0.0),
                replace(TrackerSettings(), loss_probability=0.3, occlusion_rate_hz=0.5),
            )
        ]
        kept = tracks[1].is_valid
        assert 20 < kept.sum() < 180
        np.testing.assert_array_equal(
            tracks[0].T_marker_to_tracker[kept], tracks[1].T_marker_to_tracker[kept]
        )


class TestLosses:
    def test_are_flagged_and_nan(self, rng):
        settings = replace(TrackerSettings(), loss_probability=0.2)
        track = draw_track(rng, settings, np.arange(500) / 40, facing(500))
        is_nan = np.isnan(track.T_marker_to_tracker).all(axis=(1, 2))
        np.testing.assert_array_equal(is_nan, track.status == TrackingStatus.MISSING)
        np.testing.assert_array_equal(track.is_valid, ~is_nan)
        assert is_nan.mean() == pytest.approx(0.2, abs=0.06)

    def test_occlusions_last_as_long_as_stated(self, rng):
        settings = replace(PERFECT, occlusion_rate_hz=0.02, occlusion_s=0.5)
        time_s = np.arange(40_000) / 40
        lost = ~draw_track(rng, settings, time_s, facing(len(time_s))).is_valid
        starts = np.count_nonzero(np.diff(lost.astype(int)) == 1)
        assert starts == pytest.approx(20, abs=12)
        assert lost.sum() / 40 / starts == pytest.approx(0.5, rel=0.6)

    @pytest.mark.parametrize(("turned_deg", "is_seen"), [(0, True), (59, True), (61, False)])
    def test_a_marker_that_turns_away_is_out_of_view(self, rng, turned_deg, is_seen):
        settings = replace(PERFECT, greatest_angle_deg=60.0)
        true = facing(3, turned_deg=turned_deg)
        np.testing.assert_allclose(view_angle_deg(true), turned_deg, atol=1e-9)
        track = draw_track(rng, settings, np.arange(3) / 40, true)
        status = TrackingStatus.OK if is_seen else TrackingStatus.OUT_OF_VIEW
        np.testing.assert_array_equal(track.status, status)
        assert np.isnan(track.T_marker_to_tracker).all() != is_seen

    def test_statuses_have_names(self):
        assert [status.name for status in TrackingStatus] == ["OK", "OUT_OF_VIEW", "MISSING"]


class TestStamps:
    @pytest.mark.parametrize("lag_s", [0.08, -0.065])
    def test_are_late_by_the_lag(self, rng, lag_s):
        time_s = np.arange(2000) / 40
        stamps = draw_stamps(rng, TrackerSettings(), time_s, lag_s=lag_s)
        assert (stamps - time_s).mean() == pytest.approx(lag_s, abs=1e-4)
        assert (stamps - time_s).std() == pytest.approx(0.0005, rel=0.1)

    def test_increase_whatever_the_jitter(self, rng):
        settings = replace(TrackerSettings(), stamp_jitter_s=0.1)
        assert np.diff(draw_stamps(rng, settings, np.arange(500) / 40, lag_s=0.0)).min() > 0

    def test_samples_keep_an_even_pace_at_any_phase(self, rng):
        times = [draw_sample_times(rng, TrackerSettings(), -0.4, 3.0) for _ in range(20)]
        assert all(-0.4 <= t[0] < -0.4 + 0.025 and t[-1] < 3.0 for t in times)
        np.testing.assert_allclose(np.diff(times[0]), 0.025)
        assert np.ptp([t[0] for t in times]) > 0.01


class TestPosesAt:
    def track(self, bad=()):
        """Return a marker that moves 1 mm per sample of 0.1 s along x, some samples bad."""
        T = facing(11)
        T[:, 0, 3] = np.arange(11)
        status = np.zeros(11, np.int8)
        for index, state in dict(bad).items():
            status[index], T[index] = state, np.nan
        return np.arange(11) / 10, MarkerTrack(T, status)

    def test_are_interpolated(self):
        found = poses_at([0.25, 0.5], *self.track(), max_gap_s=0.15)
        np.testing.assert_allclose(found.T_marker_to_tracker[:, 0, 3], [2.5, 5.0])
        assert found.is_valid.all()

    def test_bridge_no_gap_and_tell_why(self):
        bad = {4: TrackingStatus.OUT_OF_VIEW, 8: TrackingStatus.MISSING}
        found = poses_at([0.1, 0.42, 0.8, 0.9], *self.track(bad), max_gap_s=0.15)
        np.testing.assert_array_equal(
            found.status,
            [TrackingStatus.OK, TrackingStatus.OUT_OF_VIEW, TrackingStatus.MISSING, 0],
        )
        np.testing.assert_array_equal(
            np.isnan(found.T_marker_to_tracker).any(axis=(1, 2)), ~found.is_valid
        )

    def test_are_never_extrapolated(self):
        found = poses_at([-0.01, 1.01], *self.track(), max_gap_s=0.15)
        np.testing.assert_array_equal(found.status, TrackingStatus.MISSING)

    def test_a_marker_that_was_never_seen_stays_unseen(self):
        bad = dict.fromkeys(range(11), TrackingStatus.OUT_OF_VIEW)
        found = poses_at([0.3, 0.6], *self.track(bad), max_gap_s=0.15)
        np.testing.assert_array_equal(found.status, TrackingStatus.OUT_OF_VIEW)
        assert np.isnan(found.T_marker_to_tracker).all()


class TestSettings:
    def test_refuse_impossible_trackers(self):
        with pytest.raises(ValueError, match="tracker.occlusion_s must be finite and >= 0"):
            TrackerSettings(occlusion_s=-1.0)
        with pytest.raises(ValueError, match="tracker.rate_hz must be positive, got 0"):
            TrackerSettings(rate_hz=0.0)
        with pytest.raises(ValueError, match="tracker.loss_probability must be <= 1"):
            TrackerSettings(loss_probability=2.0)


class TestPlacement:
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_camera_looks_down_on_the_upper_hip(self, rng, side):
        for _ in range(30):
            setup = draw_side(rng, side)
            geometry.check_transform(setup.T_hip_to_tracker, "T_hip_to_tracker")
            hip = setup.T_hip_to_tracker[:3, 3]
            # The hip lies on the camera's axis, the camera itself above it.
            np.testing.assert_allclose(hip[:2], 0.0, atol=1e-9)
            assert 1100 <= hip[2] <= 1800
            assert (-hip) @ setup.up_in_tracker > 0.6 * hip[2]

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_reference_marker_sits_in_front_of_the_pelvis_and_is_seen(self, rng, side):
        for _ in range(30):
            setup = draw_side(rng, side)
            x, y, z = setup.T_reference_to_hip[:3, 3]
            assert x * outward(side)[0] < 0
            assert y < 0 < z
            seen = geometry.compose(setup.T_hip_to_tracker, setup.T_reference_to_hip)
            assert view_angle_deg(seen) < 75

    def test_looking_along_is_a_proper_rotation(self):
        R = looking_along([0.0, 2.0, 0.0], [0.0, 0.3, 1.0])
        rotations.check_rotation(R)
        np.testing.assert_allclose(R[:, 2], [0, 1, 0])
        np.testing.assert_allclose(R[:, 1], [0, 0, -1], atol=1e-12)
