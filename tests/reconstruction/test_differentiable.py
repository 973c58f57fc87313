"""Differentiable voxelisation against the kernel, against gradients by differences, and use."""

import numpy as np
import pytest
import torch

from hipus import geometry, rotations
from hipus.reconstruction import accumulators, voxelisation
from hipus.reconstruction.differentiable import normalised, region_pixels, voxelise
from hipus.reconstruction.grid import VoxelGrid, grid_around
from hipus.reconstruction.region import Fan, ImageRegion

REGION = ImageRegion(2, 1, 9, 8, Fan((-50.0, 60.0), (6.0, 0.0), (0.0, 8.5)))


@pytest.fixture
def scene(rng):
    """Return oblique frames, poses and an anisotropic grid that the frames partly leave."""
    frames = rng.integers(0, 256, (5, 11, 13), dtype=np.uint8)
    angles = np.linspace(10, 70, 5)[:, None] * [1.0, -0.8, 0.6]
    places = np.linspace(0, 4, 5)[:, None] * [0.2, 1.0, -0.5]
    poses = geometry.transform(rotations.from_euler(angles, "ZYX"), places)
    T = geometry.compose(poses, np.diag([0.31, 0.23, 1.0, 1.0]))
    whole = grid_around(T, ImageRegion.whole((11, 13)), spacing_xyz_mm=(0.5, 0.9, 0.7))
    smaller = tuple(size - 1 for size in whole.shape_zyx)
    # No pixel centre on a plane of voxel centres: gradients jump there.
    origin = np.subtract(whole.origin_xyz_mm, (0.13, 0.21, 0.17))
    return frames, T, VoxelGrid(tuple(origin), whole.spacing_xyz_mm, smaller)


class TestAgainstTheKernel:
    @pytest.mark.parametrize("region", [None, REGION])
    @pytest.mark.parametrize("is_weighted", [False, True])
    def test_volume_and_weight_are_the_kernels(self, scene, rng, region, is_weighted):
        frames, T, grid = scene
        T[3] = np.nan
        options = {}
        if is_weighted:
            options = {
                "frame_weights": rng.uniform(0.2, 2, 5),
                "pixel_weights": rng.uniform(0.1, 1, (11, 13)),
            }
        theirs = voxelisation.voxelise(frames, T, grid, region=region, **options)
        ours = voxelise(
            torch.from_numpy(frames),
            torch.from_numpy(T),
            grid=grid,
            region=region,
            **{name: torch.from_numpy(value) for name, value in options.items()},
        )
        hit = theirs.is_hit
        assert hit.sum() > 50
        np.testing.assert_allclose(ours.weight.numpy()[hit], theirs.weight[hit], rtol=1e-4)
        np.testing.assert_allclose(ours.volume.numpy()[hit], theirs.volume[hit], atol=2e-3)
        # What single precision cannot tell from nothing, the kernel calls not hit.
        # Frames weigh up to 2.
        assert ours.weight.numpy()[~hit].max() < 2 * accumulators.SMALLEST_LINEAR_WEIGHT


class TestGradients:
    def test_greys_weights_and_poses_have_right_gradients(self, scene):
        frames, T, grid = scene
        greys = torch.from_numpy(frames[:2, :4, :3] / 255.0).requires_grad_()
        poses = torch.from_numpy(T[:2]).requires_grad_()
        weights = torch.tensor([0.7, 1.3], dtype=torch.float64, requires_grad=True)

        def mean(greys, poses, weights):
            made = voxelise(greys, poses, grid=grid, frame_weights=weights)
            # The mean of a hardly hit voxel is too curved for differences.
            return made.volume * (made.weight.detach() > 0.05), made.weight

        assert torch.autograd.gradcheck(mean, (greys, poses, weights), atol=1e-4)

    def test_a_displaced_frame_finds_its_way_back_by_gradient(self):
        v, u = np.mgrid[:24, :32]
        frame = np.exp(-((u - 14) ** 2 + (v - 10) ** 2) / 30.0)
        grid = VoxelGrid((-6, -6, -1), (1, 1, 1), (3, 36, 46))
        there = torch.eye(4, dtype=torch.float64)[None]
        wanted = voxelise(torch.from_numpy(frame)[None], there, grid=grid).volume.detach()
        offset = torch.tensor([1.6, -1.2], dtype=torch.float64, requires_grad=True)
        optimiser = torch.optim.LBFGS([offset], lr=0.5, max_iter=40)

        def loss():
            optimiser.zero_grad()
            T = there.clone()
            T[0, :2, 3] = offset
            found = (
                (voxelise(torch.from_numpy(frame)[None], T, grid=grid).volume - wanted) ** 2
            ).sum()
            found.backward()
            return found

        optimiser.step(loss)
        assert offset.detach().abs().max() < 0.05


class TestNormalised:
    def test_means_where_there_is_weight_and_nothing_elsewhere(self):
        sums = torch.tensor([6.0, 5.0, 0.0], requires_grad=True)
        weight = torch.tensor([3.0, 0.0, 0.0], requires_grad=True)
        means = normalised(sums, weight)
        means.sum().backward()
        assert means.tolist() == [2.0, 0.0, 0.0]
        assert sums.grad.tolist() == pytest.approx([1 / 3, 0, 0])
        assert weight.grad.tolist() == pytest.approx([-2 / 3, 0, 0])


class TestPixels:
    def test_pixels_are_those_of_the_region_as_u_v(self):
        like = torch.zeros(1, dtype=torch.float32)
        pixels = region_pixels(ImageRegion(3, 1, 2, 2), (4, 6), like=like)
        assert pixels.tolist() == [[3, 1], [4, 1], [3, 2], [4, 2]]
        assert pixels.dtype == torch.float32


class TestBadInput:
    def test_what_does_not_fit_is_named(self, scene):
        frames, T, grid = (torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in scene)
        with pytest.raises(ValueError, match=r"N = 4 as T_pixel_to_world, got \(5, 11, 13\)"):
            voxelise(frames, T[:4], grid=grid)
        with pytest.raises(ValueError, match=r"frame_weights must have shape \(5,\), got \(4,\)"):
            voxelise(frames, T, grid=grid, frame_weights=torch.ones(4))
        with pytest.raises(ValueError, match=r"pixel_weights must have shape \(11, 13\)"):
            voxelise(frames, T, grid=grid, pixel_weights=torch.ones(13, 11))
