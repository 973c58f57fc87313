"""Optical flow: direction, order of components, lags, and what is refused."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from hipus.motion.flow import METHODS, optical_flow


@pytest.fixture
def texture(rng):
    """Return a smooth texture, 80 x 96."""
    noise = gaussian_filter(rng.standard_normal((80, 96)), 2)
    return np.clip(127 + 50 * noise / noise.std(), 0, 255).astype(np.uint8)


def window(texture, right, down):
    """Return 48 x 64 px of a texture whose content has moved so far right and down."""
    return texture[12 - down : 60 - down, 12 - right : 76 - right]


def middle(flow):
    """Return the median flow (u, v) away from the border."""
    return np.median(flow[..., 12:-12, 12:-12], axis=(-2, -1))


@pytest.mark.parametrize("method", METHODS)
class TestEveryMethod:
    def test_content_that_moves_right_has_positive_u(self, texture, method):
        flow = optical_flow(np.stack([window(texture, 0, 0), window(texture, 3, 1)]), method)
        assert flow.shape == (1, 2, 48, 64)
        assert flow.dtype == np.float32
        np.testing.assert_allclose(middle(flow[0]), [3, 1], atol=0.3)

    def test_content_that_moves_up_has_negative_v(self, texture, method):
        flow = optical_flow(np.stack([window(texture, 0, 0), window(texture, 1, -2)]), method)
        np.testing.assert_allclose(middle(flow[0]), [1, -2], atol=0.3)

    def test_what_stands_still_does_not_flow(self, texture, method):
        flow = optical_flow(np.stack([texture] * 3), method)
        np.testing.assert_allclose(flow[..., 12:-12, 12:-12], 0, atol=1e-2)

    def test_a_pair_does_not_depend_on_the_pairs_before(self, texture, method):
        frames = np.stack([window(texture, i, i % 2) for i in range(5)])
        np.testing.assert_array_equal(
            optical_flow(frames, method)[3:], optical_flow(frames[3:], method)
        )


class TestLag:
    def test_flow_over_two_frames_is_that_of_every_other_frame(self, texture):
        frames = np.stack([window(texture, i, 0) for i in range(6)])
        flow = optical_flow(frames, lag=2)
        assert len(flow) == 4
        np.testing.assert_array_equal(flow[::2], optical_flow(frames[::2]))
        np.testing.assert_allclose(middle(flow[0]), [2, 0], atol=0.3)


class TestThreads:
    def test_the_setting_of_opencv_is_left_as_it_was(self, texture):
        before = cv2.getNumThreads()
        cv2.setNumThreads(2)
        optical_flow(np.stack([texture, texture]))
        after = cv2.getNumThreads()
        cv2.setNumThreads(before)
        assert after == 2


class TestRefusals:
    @pytest.mark.parametrize(
        ("frames", "options", "message"),
        [
            (np.zeros((2, 20, 20), np.uint8), {"method": "dis"}, r"method must be one of .*'dis'"),
            (np.zeros((2, 20, 20)), {}, r"must be \(N, H, W\) uint8, got \(2, 20, 20\) float64"),
            (np.zeros((20, 20), np.uint8), {}, r"must be \(N, H, W\) uint8, got \(20, 20\)"),
            (np.zeros((2, 20, 15), np.uint8), {}, r"at least 16 px wide, got \(20, 15\)"),
            (np.zeros((2, 20, 20), np.uint8), {"lag": 0}, "lag must be >= 1 frame, got 0"),
            (np.zeros((1, 20, 20), np.uint8), {}, "flow over 1 frames needs 2 of them, got 1"),
            (np.zeros((3, 20, 20), np.uint8), {"lag": 3}, "over 3 frames needs 4 of them, got 3"),
        ],
    )
    def test_what_has_no_flow_is_named(self, frames, options, message):
        with pytest.raises(ValueError, match=message):
            optical_flow(frames, **options)
