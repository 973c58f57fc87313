"""Local correlation: known decorrelation is measured, in-plane motion is not mistaken for it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.ndimage import shift as shifted

from hipus.motion import correlation_maps as maps_of
from hipus.motion.correlation_maps import correlation_features, correlation_maps

ROWS, COLUMNS = 90, 120


def speckle(rng, count, *, mixing=0.0, shift_vu_px=(0.0, 0.0)):
    """Return frames whose neighbours share `1 - mixing` of their (Gaussian) texture."""
    texture = gaussian_filter(rng.standard_normal((count, ROWS, COLUMNS)), (0, 1.2, 1.5))
    texture /= texture.std()
    for i in range(1, count):
        kept = np.sqrt(1 - mixing) if mixing < 1 else 0.0
        texture[i] = kept * texture[i - 1] + np.sqrt(1 - kept**2) * texture[i]
    moved = [shifted(t, np.multiply(i, shift_vu_px), order=3) for i, t in enumerate(texture)]
    return np.clip(128 + 30 * np.stack(moved), 0, 255).astype(np.uint8)


def inner(maps):
    """Return maps without their border."""
    return maps[..., 15:-15, 15:-15]


class TestCorrelationMaps:
    def test_the_same_frame_twice_correlates_fully_and_the_last_has_no_partner(self, rng):
        frames = np.repeat(speckle(rng, 1), 3, axis=0)
        maps = correlation_maps(frames, lags=(1, 2))
        assert maps.shape == (2, 3, ROWS, COLUMNS)
        assert maps.dtype == np.float32
        np.testing.assert_allclose(maps[0, :2], 1, atol=0.01)
        np.testing.assert_allclose(maps[1, 0], 1, atol=0.01)
        assert not maps[0, 2].any()
        assert not maps[1, 1:].any()

    def test_correlation_falls_with_the_lag_as_the_texture_is_mixed(self, rng):
        maps = correlation_maps(speckle(rng, 6, mixing=0.4), lags=(1, 2, 3))
        means = [maps[k, : 6 - lag].mean() for k, lag in enumerate((1, 2, 3))]
        # An autoregressive texture correlates as the power of the lag.
        np.testing.assert_allclose(means, np.sqrt(0.6) ** np.array([1, 2, 3]), atol=0.05)

    def test_independent_frames_do_not_correlate(self, rng):
        maps = correlation_maps(speckle(rng, 4, mixing=1.0), lags=(1,))
        assert abs(maps[0, :3].mean()) < 0.03

    def test_a_negative_is_anticorrelated(self, rng):
        frame = speckle(rng, 1)[0]
        maps = correlation_maps(np.stack([frame, 255 - frame]), lags=(1,))
        np.testing.assert_allclose(maps[0, 0], -1, atol=0.01)

    def test_flow_undoes_motion_in_the_plane_at_every_lag(self, rng):
        frames = speckle(rng, 4, shift_vu_px=(3.0, -2.0))
        flow = np.zeros((3, 2, 45, 40), np.float32)
        # 90 x 120 px frames, 45 x 40 px flow: v is halved, u a third.
        flow[:, 0], flow[:, 1] = -2 / 3, 3 / 2
        still = inner(correlation_maps(frames, lags=(1, 3)))
        undone = inner(correlation_maps(frames, flow, lags=(1, 3)))
        assert still[0, :3].mean() < 0.3
        assert undone[0, :3].min() > 0.95
        # Nine rows have left the picture by then.
        assert undone[1, 0, :-15].min() > 0.95

    def test_one_wild_corner_of_the_flow_moves_nothing(self, rng):
        frames = np.repeat(speckle(rng, 1), 2, axis=0)
        flow = np.zeros((1, 2, 20, 20), np.float32)
        flow[:, :, :8, :8] = 50
        np.testing.assert_array_equal(correlation_maps(frames, flow), correlation_maps(frames))

    def test_only_the_part_that_changed_loses_correlation(self, rng):
        first, other = speckle(rng, 2, mixing=1.0)
        second = first.copy()
        second[:, 60:] = other[:, 60:]
        local = correlation_maps(np.stack([first, second]), lags=(1,))[0, 0]
        assert local[:, :40].min() > 0.9
        assert abs(local[:, 80:].mean()) < 0.1
        # On a grid of 4 x 4 the picture's left half stays left: rows and columns are not swapped.
        grid = correlation_maps(np.stack([first, second]), lags=(1,), map_px=4)[0, 0]
        assert grid.shape == (4, 4)
        np.testing.assert_allclose(grid[:, 0], 1, atol=0.05)
        assert (grid[:, 3] < 0.3).all()

    def test_flat_grey_correlates_with_nothing(self):
        frames = np.full((2, 50, 60), 90, np.uint8)
        np.testing.assert_allclose(correlation_maps(frames, lags=(1,)), 0, atol=1e-3)

    def test_brightness_and_contrast_do_not_matter(self, rng):
        frame = speckle(rng, 1)[0]
        darker = (frame * 0.6 + 20).astype(np.uint8)
        assert correlation_maps(np.stack([frame, darker]), lags=(1,))[0, 0].min() > 0.98

    def test_agrees_with_a_slow_gaussian_window(self, rng):
        frames = speckle(rng, 2, mixing=0.5)
        detail = [frame - gaussian_filter(frame.astype(float), 2.5) for frame in frames]
        pairs = ((0, 1), (0, 0), (1, 1))
        mean = [gaussian_filter(detail[a] * detail[b], 4.0) for a, b in pairs]
        slow = mean[0] / np.sqrt(mean[1] * mean[2])
        fast = correlation_maps(frames, lags=(1,))[0, 0]
        assert np.abs(inner(fast) - inner(slow)).mean() < 0.05
        assert np.corrcoef(inner(fast).ravel(), inner(slow).ravel())[0, 1] > 0.95

    @pytest.mark.parametrize("sigma_px", [1.0, 4.0, 9.0])
    def test_the_window_has_the_width_it_says(self, sigma_px):
        point = np.zeros((201, 201), np.float32)
        point[100, 100] = 1
        window = maps_of._smooth(point, sigma_px)
        ratio = 201 / window.shape[0]
        at = np.arange(len(window)) - (window.sum(1) @ np.arange(len(window))) / window.sum()
        sd = ratio * np.sqrt(window.sum(1) @ at**2 / window.sum())
        assert sd == pytest.approx(sigma_px, rel=0.25)

    def test_refuses_what_cannot_be_correlated(self):
        frames = np.zeros((3, 20, 30), np.uint8)
        with pytest.raises(ValueError, match=r"frames must be \(N, H, W\) uint8 with N >= 2"):
            correlation_maps(frames[:1])
        with pytest.raises(ValueError, match="float32"):
            correlation_maps(frames.astype(np.float32))
        with pytest.raises(ValueError, match=r"flow must be \(2, 2, P, Q\), got \(3, 2, 9, 9\)"):
            correlation_maps(frames, np.zeros((3, 2, 9, 9)))
        with pytest.raises(ValueError, match=r"lags must be positive .* got \(1, 0\)"):
            correlation_maps(frames, lags=(1, 0))
        with pytest.raises(ValueError, match="must be positive, got"):
            correlation_maps(frames, map_px=0)


class TestCorrelationFeatures:
    def test_there_is_one_row_a_step_with_all_parts(self, rng):
        frames = speckle(rng, 5, mixing=0.3)
        flow = np.zeros((4, 2, 32, 32), np.float32)
        features = correlation_features(frames, flow)
        assert features.shape == (4, 3 * (36 + 8) + 36 + 32)
        assert features.dtype == np.float32
        assert np.isfinite(features).all()

    def test_a_step_of_lag_two_takes_every_comparison_that_spans_it(self):
        at_lag = np.array([0.9, 0.5, 0.1, 0.0], np.float32)[:, None, None]
        # Frames 0-2, 1-3 are compared (values 0.9, 0.5); the rest of the array has no partner.
        steps = maps_of._per_step(at_lag[:4], 2)[:, 0, 0]
        np.testing.assert_allclose(steps, [0.9, 0.7, 0.5])

    def test_a_sweep_played_backwards_has_its_features_reversed(self, rng):
        frames = speckle(rng, 6, mixing=0.3)
        forward = correlation_features(frames)
        backward = correlation_features(frames[::-1])
        np.testing.assert_allclose(forward, backward[::-1], atol=1e-5)

    def test_a_lag_longer_than_the_sweep_gives_zeros(self, rng):
        features = correlation_features(speckle(rng, 2, mixing=0.3), lags=(1, 3))
        assert features.shape == (1, 2 * 44 + 36 + 32)
        assert features[0, :44].all()
        assert not features[0, 44:88].any()

    def test_grey_and_flow_stand_where_they_are_in_the_picture(self):
        frames = np.zeros((2, 60, 120), np.uint8)
        frames[:, :10] = 255
        flow = np.zeros((1, 2, 32, 16), np.float32)
        flow[0, 0, :, 12:] = 4
        flow[0, 1, 24:, :] = 8
        features = correlation_features(frames, flow, lags=(1,))[0]
        grey, along_u, along_v = np.split(features[44:], [36, 52])
        np.testing.assert_allclose(grey.reshape(6, 6)[0], 1)
        assert not grey.reshape(6, 6)[1:].any()
        # Shares of the side: 4 of 16 px, 8 of 32 px.
        np.testing.assert_allclose(along_u.reshape(4, 4)[:, 3], 0.25)
        assert not along_u.reshape(4, 4)[:, :3].any()
        np.testing.assert_allclose(along_v.reshape(4, 4)[3], 0.25)
        assert not along_v.reshape(4, 4)[:3].any()

    def test_the_grid_is_the_mean_of_the_map(self, rng):
        frames = gaussian_filter1d(speckle(rng, 3, mixing=0.5).astype(float), 1, axis=2)
        frames = frames.astype(np.uint8)
        features = correlation_features(frames, lags=(1,))
        maps = correlation_maps(frames, lags=(1,), map_px=48)[0, :2]
        np.testing.assert_allclose(features[:, :36].mean(axis=1), maps.mean(axis=(1, 2)), rtol=1e-4)
