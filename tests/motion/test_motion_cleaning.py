"""Turned probes told from pictures: parts of a sweep, wherever the probe sat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_sweeps import made_sweep

from hipus.motion.cleaning import (
    PARTS,
    is_flipped_probe,
    likeness,
    mean_picture,
    part_means,
    without_poses,
)
from hipus.sweep import Sweep

ROWS, COLUMNS = 32, 48


def blob(u_px, v_px, size_px=4.0):
    """Return a picture with a bright spot."""
    v, u = np.mgrid[:ROWS, :COLUMNS]
    return 180 * np.exp(-((u - u_px) ** 2 + (v - v_px) ** 2) / (2 * size_px**2))


def shaft_and_trochanter(rng, *, shift_px=0, is_flipped=False, count=24):
    """Return frames: a wandering spot, then a large spot with a small one to its right."""
    frames = []
    for i in range(count):
        late = i >= 2 * count // 3
        first = blob(24 + shift_px + (0 if late else rng.uniform(-6, 6)), 12, 5)
        frames.append(first + (0.8 * blob(33 + shift_px, 22, 3) if late else 0))
    frames = np.clip(np.array(frames) + rng.normal(20, 6, (count, ROWS, COLUMNS)), 0, 255)
    return frames.astype(np.uint8)[:, :, :: -1 if is_flipped else 1]


def sweep_of(frames):
    """Return an untracked sweep with given frames."""
    count = len(frames)
    return without_poses(
        Sweep(
            frames,
            time_s=np.arange(count) / 10,
            T_probe_to_reference=np.tile(np.eye(4), (count, 1, 1)),
        )
    )


def is_told(frames, reference):
    """Tell whether a sweep of unknown side is turned."""
    return is_flipped_probe(sweep_of(frames), frames, "", reference)


@pytest.fixture
def reference(rng):
    """Return the mean parts of six sweeps, 0 to 1."""
    return np.mean([part_means(shaft_and_trochanter(rng)) for _ in range(6)], axis=0) / 255


class TestParts:
    def test_are_means_of_equal_shares(self):
        frames = np.arange(6.0)[:, None, None] * np.ones((2, 3))
        np.testing.assert_allclose(part_means(frames, 3)[:, 0, 0], [0.5, 2.5, 4.5])

    def test_of_uneven_length_take_every_frame_once(self):
        frames = np.arange(7.0)[:, None, None] * np.ones((1, 1))
        np.testing.assert_allclose(part_means(frames, 3).ravel(), [0.5, 2.5, 5])

    def test_share_frames_when_there_are_too_few(self):
        frames = np.array([10.0, 20.0, 30.0])[:, None, None]
        np.testing.assert_allclose(part_means(frames, 6).ravel(), [10, 10, 20, 20, 30, 30])

    def test_one_part_is_the_mean_of_all(self, rng):
        frames = rng.integers(0, 256, (9, 4, 5), dtype=np.uint8)
        np.testing.assert_allclose(part_means(frames, 1)[0], frames.mean(0), rtol=1e-5)

    @pytest.mark.parametrize(("frames", "count"), [(0, 2), (3, 0)])
    def test_need_a_part_and_a_frame(self, frames, count):
        with pytest.raises(ValueError, match=f"got {count} parts, {frames} frames"):
            part_means(np.zeros((frames, 2, 2)), count)


class TestLikeness:
    def test_of_itself_is_one_in_any_grey_scale(self, rng):
        parts = part_means(shaft_and_trochanter(rng))
        assert likeness(parts / 255, parts) == pytest.approx(1, abs=1e-4)

    @pytest.mark.parametrize("shift_vu_px", [(0, 12), (2, -12), (-1, 5)])
    def test_is_the_same_wherever_the_probe_sat(self, rng, shift_vu_px):
        parts = part_means(shaft_and_trochanter(rng))
        assert likeness(np.roll(parts, shift_vu_px, (1, 2)), parts) == pytest.approx(1, abs=1e-4)

    def test_ends_where_the_shift_is_too_large(self, rng):
        noise = rng.normal(size=(PARTS, ROWS, COLUMNS))
        assert likeness(np.roll(noise, 12, 2), noise) > 0.999
        assert likeness(np.roll(noise, 14, 2), noise) < 0.3

    def test_parts_must_share_one_shift(self, rng):
        noise = rng.normal(size=(2, ROWS, COLUMNS))
        apart = np.stack([np.roll(noise[0], 5, 1), np.roll(noise[1], -5, 1)])
        assert likeness(apart, noise) == pytest.approx(0.5, abs=0.15)


class TestTurnedProbes:
    @pytest.mark.parametrize("is_flipped", [False, True])
    @pytest.mark.parametrize("shift_px", [-9, 0, 9])
    def test_are_told_by_the_part_that_tells_wherever_it_lies(
        self, rng, reference, is_flipped, shift_px
    ):
        frames = shaft_and_trochanter(rng, shift_px=shift_px, is_flipped=is_flipped)
        assert is_told(frames, reference) is is_flipped

    def test_a_shifted_sweep_misleads_pictures_compared_in_place(self, rng, reference):
        frames = shaft_and_trochanter(rng, shift_px=-9)
        seen, known = frames.mean(axis=0), reference.mean(axis=0)
        upright, turned = (
            np.corrcoef(p.ravel(), known.ravel())[0, 1] for p in (seen, seen[:, ::-1])
        )
        assert turned > upright
        assert not is_told(frames, reference)

    def test_one_picture_of_whole_sweeps_still_serves(self, rng):
        known = (blob(14, 12) + 0.5 * blob(25, 22)) / 255
        frames = np.clip(255 * known + rng.normal(20, 5, (9, ROWS, COLUMNS)), 0, 255)
        frames = frames.astype(np.uint8)
        assert not is_told(frames, known)
        assert is_told(frames[:, :, ::-1], known)

    def test_are_not_looked_for_without_a_reference(self, rng):
        assert not is_told(shaft_and_trochanter(rng, is_flipped=True), None)

    @pytest.mark.parametrize("shape", [(9, 9), (8, 9, 9), (48,), (1, 1, ROWS, COLUMNS)])
    def test_a_reference_of_another_shape_is_refused(self, rng, shape):
        with pytest.raises(ValueError, match=r"must be \(32, 48\) like the thumbnails, one or a"):
            is_told(shaft_and_trochanter(rng), np.zeros(shape))


class TestReference:
    def test_keeps_the_parts_of_a_type_with_equal_weights(self, rng):
        first = made_sweep(rng, count=16)
        long = replace(first, thumbnails=np.repeat(first.thumbnails, 3, axis=0) / 2)
        other = replace(first, sweep_type="p_d")
        found = mean_picture([first, long, other], "p_a")
        assert found.shape == (PARTS, 16, 16)
        assert found.dtype == np.float32
        pairs = first.thumbnails.reshape(PARTS, 2, 16, 16).mean(axis=1)
        np.testing.assert_allclose(found, 0.75 * pairs, rtol=1e-5)
