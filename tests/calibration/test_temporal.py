"""The lag between a video and a tracker: its sign, its accuracy, and when there is none."""

import numpy as np
import pytest

from hipus import geometry
from hipus.calibration import temporal

VIDEO_S = np.arange(102, 114, 0.087)
TRACKER_S = np.arange(100, 116, 0.0214)


def motion(time_s):
    """Return an irregular smooth motion in mm."""
    return 8 * np.sin(5.9 * time_s) + 4 * np.sin(2.3 * time_s + 1) + np.sin(8.1 * time_s)


def estimate(lag_s, *, scale=11.0, noise_px=0.0, rng=None, **options):
    """Return the calibration of a pair whose poses are stamped `lag_s` late."""
    video_px = 300 + scale * motion(VIDEO_S)
    if noise_px:
        video_px = video_px + rng.normal(0, noise_px, len(video_px))
    # What the probe does at t carries the stamp t + lag.
    return temporal.calibrate(VIDEO_S, video_px, TRACKER_S, motion(TRACKER_S - lag_s), **options)


class TestLag:
    @pytest.mark.parametrize("lag_s", [-0.2137, -0.0648, 0.0, 0.0333, 0.31])
    @pytest.mark.parametrize("scale", [11.0, -0.02])
    def test_known_lag_is_recovered_whatever_sign_and_scale(self, lag_s, scale):
        assert estimate(lag_s, scale=scale).lag_s == pytest.approx(lag_s, abs=5e-4)

    def test_lag_is_positive_when_poses_are_stamped_late(self):
        assert estimate(+0.1).lag_s > 0.09

    def test_late_tracker_stamps_raise_the_lag_by_as_much(self, rng):
        video_px = motion(VIDEO_S) + rng.normal(0, 1, len(VIDEO_S))
        first, second = (
            temporal.calibrate(VIDEO_S, video_px, TRACKER_S + late_s, motion(TRACKER_S)).lag_s
            for late_s in (0.0, 0.05)
        )
        assert second - first == pytest.approx(0.05, abs=1e-6)

    def test_noise_widens_the_interval(self, rng):
        clear, noisy = (estimate(-0.08, noise_px=noise_px, rng=rng) for noise_px in (1.0, 30.0))
        assert noisy.lag_sd_s > 3 * clear.lag_sd_s

    def test_interval_holds_the_lag_in_about_95_of_100_recordings(self, rng):
        found = [estimate(-0.08, noise_px=15.0, rng=rng).lag_interval_s for _ in range(60)]
        # 150 other recordings held it 94 times in 100; 60 give a standard deviation of 3 %.
        assert np.mean([low_s < -0.08 < high_s for low_s, high_s in found]) > 0.85

    def test_wrong_sign_has_a_second_optimum_that_is_reported_with_its_margin(self):
        found = estimate(-0.0648, max_lag_s=0.6)
        assert found.correlation > 0 > found.second_correlation
        # Half a period of the main oscillation (5.9 rad/s) away.
        assert abs(found.second_lag_s - found.lag_s) == pytest.approx(np.pi / 5.9, abs=0.05)
        assert found.margin == pytest.approx(found.correlation - abs(found.second_correlation))

    def test_fitted_position_is_the_tracker_in_the_video_s_unit(self):
        found = estimate(0.12)
        assert found.fitted_position == pytest.approx(300 + 11 * motion(VIDEO_S), abs=1.5)
        assert found.residual_rms < 0.6
        assert (found.samples_used, found.samples_total) == (len(VIDEO_S), len(VIDEO_S))

    def test_video_samples_inside_a_tracker_gap_are_left_out(self):
        is_kept = (TRACKER_S < 105) | (TRACKER_S > 106)
        found = temporal.calibrate(
            VIDEO_S, motion(VIDEO_S), TRACKER_S[is_kept], motion(TRACKER_S[is_kept])
        )
        assert found.samples_total - found.samples_used == pytest.approx(11, abs=1)
        assert found.lag_s == pytest.approx(0, abs=5e-4)


class TestErrors:
    def test_still_video_is_refused(self):
        with pytest.raises(ValueError, match="video_position does not move"):
            temporal.calibrate(VIDEO_S, np.full(len(VIDEO_S), 7.7), TRACKER_S, motion(TRACKER_S))

    def test_still_tracker_is_refused(self):
        with pytest.raises(ValueError, match="tracker_position does not move"):
            temporal.calibrate(VIDEO_S, motion(VIDEO_S), TRACKER_S, 0 * TRACKER_S)

    def test_nan_is_refused_with_its_sample(self):
        video_px = motion(VIDEO_S)
        video_px[5] = np.nan
        with pytest.raises(ValueError, match="video_position must be finite, got nan at sample 5"):
            temporal.calibrate(VIDEO_S, video_px, TRACKER_S, motion(TRACKER_S))

    def test_few_samples_are_refused(self):
        with pytest.raises(ValueError, match="video_position: 20 samples needed, got 19"):
            temporal.calibrate(VIDEO_S[:19], motion(VIDEO_S[:19]), TRACKER_S, motion(TRACKER_S))

    def test_positions_must_match_their_times(self):
        with pytest.raises(ValueError, match=r"tracker_position must be \(\d+,\), got \(3,\)"):
            temporal.calibrate(VIDEO_S, motion(VIDEO_S), TRACKER_S, np.zeros(3))

    def test_repeated_time_is_refused(self):
        times_s = VIDEO_S.copy()
        times_s[4] = times_s[3]
        with pytest.raises(ValueError, match="video_time_s must increase strictly"):
            temporal.calibrate(times_s, motion(VIDEO_S), TRACKER_S, motion(TRACKER_S))

    def test_recordings_that_do_not_overlap_are_refused(self):
        with pytest.raises(ValueError, match="do not overlap enough"):
            temporal.calibrate(VIDEO_S, motion(VIDEO_S), TRACKER_S + 60, motion(TRACKER_S))

    def test_unrelated_motions_are_refused(self, rng):
        video_px = rng.normal(0, 1, len(VIDEO_S))
        with pytest.raises(ValueError, match="do not match at any lag"):
            temporal.calibrate(VIDEO_S, video_px, TRACKER_S, motion(TRACKER_S))

    def test_lag_beyond_the_range_is_refused(self):
        with pytest.raises(ValueError, match="lies at the end of the lags that could be tried"):
            estimate(0.19, max_lag_s=0.15)

    def test_pure_sine_is_ambiguous_within_half_a_period(self):
        with pytest.raises(ValueError, match=r"ambiguous: lag .* match within 0.02"):
            temporal.calibrate(VIDEO_S, np.sin(9 * VIDEO_S), TRACKER_S, np.sin(9 * TRACKER_S))


class TestRecordings:
    def frames_and_poses(self, lag_s):
        """Return frames of a line that moves with the probe, with one dark frame; and poses."""
        v = np.arange(150)[:, None]
        rows = 75 + 4 * motion(VIDEO_S)
        frames = [np.repeat(200 * np.exp(-0.5 * ((v - row) / 1.5) ** 2), 60, 1) for row in rows]
        frames = np.stack(frames).round().astype(np.uint8)
        frames[17] = 0
        moved = motion(TRACKER_S - lag_s)[:, None] * [0.1, -0.9, 0.2]
        return frames, geometry.transform(None, moved + [10, 0, 300])

    def test_lag_is_recovered_from_frames_and_poses(self):
        frames, T = self.frames_and_poses(-0.12)
        T[100:104] = np.nan
        found = temporal.calibrate_recordings(frames, VIDEO_S, TRACKER_S, T)
        assert found.calibration.lag_s == pytest.approx(-0.12, abs=1e-3)
        assert found.calibration.samples_total == len(VIDEO_S) - 1
        assert not found.plane.is_found[17]
        assert found.tool.explained_share == pytest.approx(1.0)

    def test_times_must_match_the_frames(self):
        frames, T = self.frames_and_poses(0.0)
        with pytest.raises(ValueError, match=r"video_time_s must be \(\d+,\)"):
            temporal.calibrate_recordings(frames, VIDEO_S[1:], TRACKER_S, T)


@pytest.mark.real
class TestRealWaterTank:
    @pytest.fixture
    def found(self, real_file):
        from hipus.formats import metafile

        folder = "plus/WaterTankBottomTranslation"
        video = metafile.read(real_file(f"{folder}VideoBuffer.igs.mha"))
        tracker = metafile.read(real_file(f"{folder}TrackerBuffer-trimmed.igs.mha"))
        probe = tracker.transforms["ProbeToTracker"]
        return temporal.calibrate_recordings(
            video.frames, video.time_s, tracker.time_s, probe.matrices, is_valid=probe.is_valid
        )

    def test_lag_is_that_of_plus_within_two_milliseconds(self, found):
        assert found.calibration.lag_s == pytest.approx(-0.0648266, abs=0.002)

    def test_second_optimum_is_that_of_the_wrong_sign(self, found):
        calibration = found.calibration
        assert calibration.second_lag_s == pytest.approx(0.448, abs=0.01)
        assert calibration.correlation * calibration.second_correlation < 0
        assert calibration.margin > 0.05

    def test_interval_is_wider_than_the_agreement_with_plus(self, found):
        low_s, high_s = found.calibration.lag_interval_s
        assert low_s < -0.0648266 < high_s
        assert high_s - low_s < 0.06
