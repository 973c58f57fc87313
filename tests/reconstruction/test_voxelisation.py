"""Voxelisation against hand-worked answers, conservation, and a slow independent reference."""

import itertools

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.reconstruction import accumulators, blocks
from hipus.reconstruction.grid import VoxelGrid, grid_around
from hipus.reconstruction.region import Fan, ImageRegion
from hipus.reconstruction.voxelisation import TIE_TOLERANCE, voxelise

GRID = VoxelGrid((0, 0, 0), (1, 1, 1), (3, 4, 5))
METHODS = list(itertools.product(("nearest", "linear"), ("mean", "maximum", "latest")))


def shifted(*xyz):
    """Return a (1, 4, 4) transform that puts pixel (0, 0) at a place, one pixel per mm."""
    return geometry.transform(translation=np.array([xyz], float))


def one_pixel(grey):
    """Return one frame of one pixel."""
    return np.full((1, 1, 1), grey, np.uint8)


@pytest.fixture(scope="module")
def oblique():
    """Return frames, poses and an anisotropic grid that the frames partly leave."""
    rng = np.random.default_rng(7)
    count = 6
    frames = rng.integers(0, 256, (count, 11, 13), dtype=np.uint8)
    angles = np.linspace(10, 70, count)[:, None] * [1.0, -0.8, 0.6]
    places = np.linspace(0, 4, count)[:, None] * [0.2, 1.0, -0.5]
    poses = geometry.transform(rotations.from_euler(angles, "ZYX"), places)
    T = geometry.compose(poses, np.diag([0.31, 0.23, 1.0, 1.0]))
    whole = grid_around(T, ImageRegion.whole((11, 13)), spacing_xyz_mm=(0.5, 0.9, 0.7))
    smaller = tuple(size - 1 for size in whole.shape_zyx)
    return frames, T, VoxelGrid(whole.origin_xyz_mm, whole.spacing_xyz_mm, smaller)


def slow_shares(position, shape_zyx, interpolation):
    """Yield (voxel zyx, weight) of a pixel at voxel coordinates x, y, z, one by one."""
    x, y, z = position
    if interpolation == "nearest":
        nearest = tuple(int(np.floor(value + 0.5 + TIE_TOLERANCE)) for value in (z, y, x))
        shares = [(nearest, 1.0)]
    else:
        low = [int(np.floor(value)) for value in (z, y, x)]
        shares = []
        for corner in itertools.product((0, 1), repeat=3):
            weight = 1.0
            for value, base, step in zip((z, y, x), low, corner, strict=True):
                weight *= (value - base) if step else 1 - (value - base)
            shares.append((tuple(np.add(low, corner)), weight))
    for voxel, weight in shares:
        if all(0 <= index < size for index, size in zip(voxel, shape_zyx, strict=True)):
            yield voxel, weight


def slow_voxelise(frames, T, grid, interpolation, compounding, *, used=None, frame_weights=None):
    """Reconstruct pixel by pixel in plain Python."""
    volume, weights = np.zeros(grid.shape_zyx), np.zeros(grid.shape_zyx)
    for n, v, u in np.ndindex(frames.shape):
        if np.isnan(T[n]).any() or (used is not None and not used[v, u]):
            continue
        world = (T[n] @ [u, v, 0, 1])[:3]
        position = (world - grid.origin_xyz_mm) / np.array(grid.spacing_xyz_mm)
        grey = float(frames[n, v, u])
        scale = 1.0 if frame_weights is None else frame_weights[n]
        for voxel, share in slow_shares(position, grid.shape_zyx, interpolation):
            if compounding == "mean":
                volume[voxel] += scale * share * grey
                weights[voxel] += scale * share
            elif share >= 0.125:
                is_first = weights[voxel] == 0
                if compounding == "latest" or is_first or grey > volume[voxel]:
                    volume[voxel] = grey
                weights[voxel] += 1
    if compounding == "mean":
        volume = np.divide(volume, weights, out=np.zeros_like(volume), where=weights > 0)
    return volume, weights


class TestHandWorkedAnswers:
    """One or two pixels whose voxels can be told by hand."""

    @pytest.mark.parametrize(("interpolation", "compounding"), METHODS)
    def test_a_pixel_on_a_voxel_centre_fills_that_voxel_only(self, interpolation, compounding):
        """World x, y, z is array z, y, x."""
        made = voxelise(
            one_pixel(90), shifted(3, 2, 1), GRID,
            interpolation=interpolation, compounding=compounding,
        )  # fmt: skip
        assert np.argwhere(made.volume).tolist() == [[1, 2, 3]]
        assert made.volume[1, 2, 3] == 90
        assert np.argwhere(made.is_hit).tolist() == [[1, 2, 3]]

    def test_two_pixels_in_two_voxels_share_by_weights_of_a_quarter(self):
        """Pixels at x = 1.25 (grey 100) and 1.75 (grey 200): 3/4 and 1/4 of each."""
        frames = np.array([[[100, 200]]], np.uint8)
        T = geometry.compose(shifted(1.25, 0, 0), np.diag([0.5, 1, 1, 1]))
        made = voxelise(frames, T, GRID, interpolation="linear")
        np.testing.assert_allclose(made.volume[0, 0, 1:3], [125, 175])
        np.testing.assert_allclose(made.weight[0, 0, 1:3], [1, 1])
        assert np.count_nonzero(made.weight) == 2

    def test_half_way_goes_up_even_when_rounding_errors_put_it_lower(self):
        """0.5 minus 1e-9 is half-way for all we can know of a pose."""
        made = voxelise(one_pixel(9), shifted(0.5 - 1e-9, 1.5, 0), GRID, interpolation="nearest")
        assert np.argwhere(made.volume).tolist() == [[0, 2, 1]]

    def test_mean_maximum_and_latest_of_three_pixels_in_one_voxel(self):
        """Greys 10, 40, 20 in frame order."""
        frames = np.array([10, 40, 20], np.uint8).reshape(3, 1, 1)
        T = np.repeat(shifted(2, 1, 0), 3, axis=0)
        for compounding, expected in (("mean", 70 / 3), ("maximum", 40), ("latest", 20)):
            made = voxelise(frames, T, GRID, interpolation="nearest", compounding=compounding)
            assert made.volume[0, 1, 2] == pytest.approx(expected, rel=1e-6)
            assert made.weight[0, 1, 2] == 3

    def test_latest_is_last_in_row_and_column_order_within_a_frame(self):
        """All nine pixels lie in one voxel; the last of the last row wins."""
        frames = np.arange(1, 10, dtype=np.uint8).reshape(1, 3, 3)
        T = geometry.compose(shifted(2, 1, 1), np.diag([-0.1, 0.1, 1, 1]))
        made = voxelise(frames, T, GRID, interpolation="nearest", compounding="latest")
        assert made.volume[1, 1, 2] == 9

    def test_a_black_pixel_is_a_hit(self):
        """Grey 0 differs from nothing."""
        for interpolation, compounding in METHODS:
            made = voxelise(
                one_pixel(0), shifted(1, 1, 1), GRID,
                interpolation=interpolation, compounding=compounding,
            )  # fmt: skip
            assert made.is_hit.sum() == 1

    def test_maximum_of_negative_pixels_is_negative(self):
        """The empty voxel's 0 takes no part."""
        frame = np.full((1, 1, 1), -4.5, np.float32)
        made = voxelise(
            frame, shifted(1, 1, 1), GRID, interpolation="nearest", compounding="maximum"
        )
        assert made.volume[1, 1, 1] == -4.5

    def test_frame_and_pixel_weights_multiply(self):
        """Greys 10 and 30 with weights 3 * 1 and 1 * 2: mean 90 / 5."""
        frames = np.array([[[10, 0]], [[0, 30]]], np.uint8)
        T = np.concatenate([shifted(1, 1, 1), shifted(0, 1, 1)])
        for interpolation in ("nearest", "linear"):
            made = voxelise(
                frames, T, GRID, interpolation=interpolation,
                frame_weights=[3, 1], pixel_weights=[[1, 2]],
            )  # fmt: skip
            assert made.volume[1, 1, 1] == pytest.approx(90 / 5)
            assert made.weight[1, 1, 1] == pytest.approx(5)


class TestAgainstASlowReference:
    """Oblique poses, anisotropic voxels, a grid smaller than the sweep."""

    @pytest.mark.parametrize(("interpolation", "compounding"), METHODS)
    def test_all_methods_agree(self, oblique, interpolation, compounding):
        """Values and weights."""
        frames, T, grid = oblique
        made = voxelise(frames, T, grid, interpolation=interpolation, compounding=compounding)
        volume, weights = slow_voxelise(frames, T, grid, interpolation, compounding)
        assert np.count_nonzero(made.is_hit) > 50
        hit = weights >= accumulators.SMALLEST_LINEAR_WEIGHT
        np.testing.assert_array_equal(made.is_hit, hit)
        np.testing.assert_allclose(made.volume[hit], volume[hit], atol=2e-3)
        np.testing.assert_allclose(made.weight[hit], weights[hit], rtol=1e-5)

    @pytest.mark.parametrize("interpolation", ["nearest", "linear"])
    def test_frame_weights_agree(self, oblique, interpolation, rng):
        """Unequal weights of frames."""
        frames, T, grid = oblique
        scale = rng.random(len(frames)) + 0.1
        made = voxelise(frames, T, grid, interpolation=interpolation, frame_weights=scale)
        volume, weights = slow_voxelise(frames, T, grid, interpolation, "mean", frame_weights=scale)
        hit = made.is_hit
        np.testing.assert_allclose(made.volume[hit], volume[hit], atol=2e-3)
        np.testing.assert_allclose(made.weight[hit], weights[hit], rtol=1e-4)

    @pytest.mark.parametrize("interpolation", ["nearest", "linear"])
    def test_a_fan_with_a_hollow_middle_in_a_clip_rectangle_agrees(self, oblique, interpolation):
        """Rows cut in two by the inner radius, and edges of the rectangle."""
        frames, T, grid = oblique
        fan = Fan(angles_deg=(-60, 45), origin_px=(6.5, 0), radii_px=(3.5, 9))
        region = ImageRegion(1, 2, 11, 8, fan)
        used = region.mask(frames.shape[1:])
        assert ((np.diff(used.astype(int), axis=1) == 1).sum(axis=1) == 2).any()
        made = voxelise(frames, T, grid, interpolation=interpolation, region=region)
        volume, weights = slow_voxelise(frames, T, grid, interpolation, "mean", used=used)
        hit = weights >= accumulators.SMALLEST_LINEAR_WEIGHT
        np.testing.assert_array_equal(made.is_hit, hit)
        np.testing.assert_allclose(made.volume[hit], volume[hit], atol=2e-3)

    @pytest.mark.parametrize("interpolation", ["nearest", "linear"])
    def test_pixels_much_larger_than_voxels_agree(self, oblique, interpolation):
        """One column crosses several cells of each axis at once."""
        frames, T, grid = oblique
        coarse = geometry.compose(T, np.diag([3.3, 2.9, 1, 1]))
        made = voxelise(frames, coarse, grid, interpolation=interpolation)
        volume, weights = slow_voxelise(frames, coarse, grid, interpolation, "mean")
        hit = weights >= accumulators.SMALLEST_LINEAR_WEIGHT
        np.testing.assert_array_equal(made.is_hit, hit)
        np.testing.assert_allclose(made.volume[hit], volume[hit], atol=2e-3)

    @pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
    @pytest.mark.parametrize("sign", [1, -1])
    def test_rows_along_any_axis_and_direction_agree(self, axes, sign, rng):
        """Axis-parallel rows: steps of 0 on two axes."""
        frames = rng.integers(0, 256, (2, 3, 4), dtype=np.uint8)
        T = np.zeros((2, 4, 4))
        T[:, axes, range(3)] = np.array([0.7, -0.6, 1.0]) * sign
        T[:, :3, 3] = [2, 2, 1]
        T[1, :3, 3] += 0.3
        T[:, 3, 3] = 1
        for interpolation in ("nearest", "linear"):
            made = voxelise(frames, T, GRID, interpolation=interpolation)
            volume, weights = slow_voxelise(frames, T, GRID, interpolation, "mean")
            np.testing.assert_allclose(made.volume, volume, atol=1e-3)
            np.testing.assert_allclose(made.weight, weights, atol=1e-5)


class TestConservation:
    """Nothing is lost on the way."""

    def test_weights_sum_to_the_number_of_pixels_inside(self, oblique):
        """Linear weights of a pixel sum to one when all eight voxels exist."""
        frames, T, _ = oblique
        region = ImageRegion.whole(frames.shape[1:])
        tight = grid_around(T, region, spacing_xyz_mm=0.5)
        origin = np.array(tight.origin_xyz_mm) - 0.5
        grid = VoxelGrid(tuple(origin), 3 * (0.5,), tuple(n + 3 for n in tight.shape_zyx))
        for interpolation in ("nearest", "linear"):
            made = voxelise(frames, T, grid, interpolation=interpolation)
            total = made.weight.sum(dtype=float)
            # Linear corners below 2^-10 of a pixel count as not hit.
            assert frames.size - 0.5 < total < frames.size * (1 + 1e-6)

    def test_a_uniform_sweep_gives_a_uniform_volume(self, oblique):
        """Interpolation weights normalise away."""
        frames, T, grid = oblique
        made = voxelise(np.full_like(frames, 77), T, grid, interpolation="linear")
        np.testing.assert_allclose(made.volume[made.is_hit], 77, rtol=1e-5)

    def test_moving_world_and_grid_together_changes_nothing(self, oblique):
        """Only relative positions count."""
        frames, T, grid = oblique
        move = np.array([16.0, -32.0, 8.0])
        moved = VoxelGrid(tuple(grid.origin_xyz_mm + move), grid.spacing_xyz_mm, grid.shape_zyx)
        here = voxelise(frames, T, grid)
        there = voxelise(frames, geometry.compose(geometry.transform(None, move), T), moved)
        np.testing.assert_allclose(here.volume, there.volume, atol=1e-2)


class TestIndependence:
    """Neither threads nor blocks change a bit."""

    @pytest.mark.parametrize(
        ("interpolation", "compounding", "is_weighted"),
        [(*method, False) for method in METHODS]
        + [("nearest", "mean", True), ("linear", "mean", True)],
    )
    def test_same_bits_for_any_threads_and_block_size(
        self, oblique, rng, interpolation, compounding, is_weighted
    ):
        """Weights are for the mean only."""
        frames, T, grid = oblique
        weights = {}
        if is_weighted:
            weights = {"frame_weights": rng.random(6), "pixel_weights": rng.random((11, 13))}

        def run(threads, block_size):
            made = voxelise(
                frames, T, grid, interpolation=interpolation, compounding=compounding,
                threads=threads, block_size=block_size, **weights,
            )  # fmt: skip
            return made.volume.tobytes(), made.weight.tobytes()

        expected = run(1, 16)
        for threads, block_size in ((2, 16), (3, 1), (5, 4), (16, 2)):
            assert run(threads, block_size) == expected

    def test_streams_and_arrays_give_the_same_bits(self, oblique):
        """An iterator of uneven blocks, and an object that only slices."""

        class OnDisk:
            shape, dtype, largest = oblique[0].shape, np.uint8, 0

            def __getitem__(self, part):
                block = oblique[0][part]
                self.largest = max(self.largest, len(block))
                return block

        frames, T, grid = oblique
        expected = voxelise(frames, T, grid).volume
        stream = iter([frames[:1], frames[1:1], frames[1:5], frames[5:]])
        np.testing.assert_array_equal(voxelise(stream, T, grid).volume, expected)
        on_disk = OnDisk()
        made = voxelise(on_disk, T, grid, block_size=2)
        np.testing.assert_array_equal(made.volume, expected)
        assert on_disk.largest == 2

    def test_float_frames_give_what_bytes_give(self, oblique):
        """The exact packed path against the float path."""
        frames, T, grid = oblique
        for interpolation in ("nearest", "linear"):
            bytes_ = voxelise(frames, T, grid, interpolation=interpolation)
            floats = voxelise(frames.astype(np.float32), T, grid, interpolation=interpolation)
            np.testing.assert_allclose(bytes_.volume, floats.volume, rtol=1e-5)
            np.testing.assert_array_equal(bytes_.is_hit, floats.is_hit)


class TestInvalidFrames:
    """Left out, counted, and otherwise without effect."""

    def test_frames_without_pose_are_left_out_and_counted(self, oblique, caplog):
        """One NaN is enough."""
        frames, T, grid = oblique
        T = T.copy()
        T[1] = np.nan
        T[4, 0, 3] = np.nan
        kept = [0, 2, 3, 5]
        for block_size in (1, 2, 16):
            made = voxelise(frames, T, grid, block_size=block_size, frame_weights=np.arange(1, 7))
            alone = voxelise(frames[kept], T[kept], grid, frame_weights=np.array(kept) + 1)
            np.testing.assert_array_equal(made.volume, alone.volume)
        assert (made.frames_used, made.frames_left_out) == (4, 2)
        assert "2 of 6 frames left out" in caplog.text

    def test_a_sweep_beside_the_grid_hits_nothing(self, oblique):
        """No error: the grid is the caller's wish."""
        frames, T, _ = oblique
        made = voxelise(frames, T, VoxelGrid((900, 0, 0), (1, 1, 1), (2, 2, 2)), threads=3)
        assert not made.is_hit.any()


class TestErrors:
    """Each names what was wrong."""

    def run(self, frames=None, T=None, **options):
        """Call with one valid pixel unless told otherwise."""
        frames = one_pixel(1) if frames is None else frames
        return voxelise(frames, shifted(0, 0, 0) if T is None else T, GRID, **options)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"interpolation": "cubic"}, r"interpolation must be one of .* got 'cubic'"),
            ({"compounding": "median"}, r"compounding must be one of .* got 'median'"),
            ({"compounding": "latest", "frame_weights": [1]}, "weights need compounding 'mean'"),
            ({"frame_weights": [1, 2]}, r"frame_weights must have shape \(1,\), got \(2,\)"),
            ({"frame_weights": [-1]}, "frame_weights must be finite, not negative"),
            ({"pixel_weights": [[0]]}, "pixel_weights must be finite, .* not all 0"),
            ({"pixel_weights": [[np.nan]]}, "pixel_weights must be finite"),
            ({"T": np.eye(4)}, r"T_pixel_to_world must be \(N, 4, 4\), got \(4, 4\)"),
            ({"T": np.zeros((0, 4, 4))}, "T_pixel_to_world holds zero frames"),
            ({"T": np.full((1, 4, 4), np.nan)}, "no valid pose in 1 frames"),
            ({"T": shifted(1e10, 0, 0)}, r"T_pixel_to_world\[0\] puts pixels 1e\+10 voxels away"),
            ({"T": np.ones((1, 4, 4))}, "T_pixel_to_world"),
            ({"frames": np.zeros((2, 1, 1), np.uint8)}, r"frames must be \(1, H, W\), got \(2,"),
            ({"frames": np.zeros((1, 1), np.uint8)}, r"frames must be \(1, H, W\), got \(1, 1\)"),
            ({"frames": iter([])}, "frames holds zero frames"),
            ({"frames": iter([np.zeros((2, 1, 1), np.uint8)])}, "must agree, got 2 and 1"),
            ({"frames": iter([np.zeros((2, 2), np.uint8)])}, r"as \(n, H, W\), got \(2, 2\)"),
            ({"frames": np.zeros((1, 1, 0), np.uint8)}, r"as \(n, H, W\), got \(1, 1, 0\)"),
            ({"frames": np.zeros((1, 1, 1))}, "uint8 or float32, got float64"),
            ({"frames": np.full((1, 1, 1), np.nan, np.float32)}, "frames must be finite"),
            ({"threads": 0}, "threads must be >= 1, got 0"),
            ({"block_size": 0}, "block_size must be >= 1 frame, got 0"),
            ({"region": ImageRegion(0, 0, 2, 1)}, "leaves the frame of 1 x 1 px"),
        ],
    )
    def test_bad_arguments(self, options, message):
        """What, expected, got."""
        with pytest.raises(ValueError, match=message):
            self.run(**options)

    def test_blocks_that_change_shape(self):
        """A stream of two kinds of frames."""
        stream = iter([one_pixel(1), np.zeros((1, 2, 1), np.uint8)])
        with pytest.raises(ValueError, match="one shape and type"):
            self.run(stream, np.repeat(shifted(0, 0, 0), 2, axis=0))

    def test_frames_too_large_for_a_block(self):
        """Broadcast, so that no memory is needed."""
        huge = np.broadcast_to(np.uint8(0), (1, 1 << 14, 1 << 14))
        with pytest.raises(ValueError, match="below 2\\^27 px each"):
            self.run(huge)

    def test_a_count_that_would_run_over(self, monkeypatch):
        """The same rule with a small limit: 4 pixels between checks."""
        monkeypatch.setattr(accumulators, "MOST_PIXELS", 4)
        monkeypatch.setattr(blocks, "MOST_PIXELS", 4)
        T = np.repeat(shifted(0, 0, 0), 12, axis=0)
        still = np.ones((12, 1, 1), np.uint8)
        with pytest.raises(ValueError, match="a voxel received 4 pixels, more than 4"):
            self.run(still, T, block_size=1, interpolation="nearest")
        moving = T.copy()
        moving[:, 0, 3] = np.arange(12) % 5
        made = self.run(still, moving, block_size=1, interpolation="nearest")
        assert made.weight.sum() == 12
