"""Sampling and its adjoint: hand-worked shares, <Ax, y> = <x, A'y>, gradients, blocks."""

import numpy as np
import pytest
import torch
from torch.nn.functional import grid_sample

from hipus import geometry, rotations
from hipus.reconstruction.adjoint import sample, splat

SHAPE_ZYX = (4, 5, 6)
PIXELS = torch.tensor([[u, v] for v in range(3) for u in range(4)], dtype=torch.float64)


def place(*xyz):
    """Return a (1, 4, 4) pose that puts pixel (0, 0) at voxel coordinates x, y, z."""
    return torch.from_numpy(geometry.transform(translation=np.array([xyz], float)))


@pytest.fixture
def poses(rng):
    """Return oblique, anisotropically scaled poses, partly outside the volume."""
    angles = rng.uniform(-40, 40, (3, 3))
    T = geometry.transform(rotations.from_euler(angles, "ZYX"), rng.uniform(0.3, 3.7, (3, 3)))
    return torch.from_numpy(T @ np.diag([0.7, 1.1, 1.0, 1.0]))


@pytest.fixture
def volume(rng):
    """Return a volume of two channels."""
    return torch.from_numpy(rng.normal(size=(2, *SHAPE_ZYX)))


@pytest.fixture
def values(rng):
    """Return what three frames hold at the pixels."""
    return torch.from_numpy(rng.normal(size=(2, 3, len(PIXELS))))


def peer_sample(volume, T):
    """Sample with torch's own function, in its corner convention."""
    points = torch.cat([PIXELS, torch.zeros(len(PIXELS), 1), torch.ones(len(PIXELS), 1)], dim=1)
    xyz = points.double() @ T[:, :3].mT
    half = (torch.tensor(SHAPE_ZYX[::-1]).double() - 1) / 2
    read = grid_sample(volume[None], (xyz / half - 1)[None, None], align_corners=True)
    return read[0, :, 0]


class TestHandWorked:
    def test_a_pixel_between_voxels_gives_each_its_share(self):
        written = splat(
            torch.full((1, 1, 1), 8.0, dtype=torch.float64),
            place(1.25, 2.0, 3.5)[:, :],
            pixels_px=torch.zeros(1, 2, dtype=torch.float64),
            shape_zyx=(6, 5, 4),
        )[0]
        expected = torch.zeros(6, 5, 4, dtype=torch.float64)
        expected[3, 2, 1], expected[4, 2, 1] = 3.0, 3.0
        expected[3, 2, 2], expected[4, 2, 2] = 1.0, 1.0
        assert torch.allclose(written, expected, atol=1e-14)

    def test_u_v_and_the_pose_axes_are_not_swapped(self, volume):
        T = torch.from_numpy(np.diag([2.0, 1.0, 1.0, 1.0]))[None].clone()
        T[0, 2, 3] = 3.0
        read = sample(volume, T, pixels_px=torch.tensor([[2.0, 1.0]]).double())
        assert torch.allclose(read[:, 0, 0], volume[:, 3, 1, 4])

    def test_a_pixel_just_outside_still_reaches_the_outermost_voxel(self):
        pixel = torch.zeros(1, 2, dtype=torch.float64)
        one = torch.ones(1, 1, 1, dtype=torch.float64)
        near = splat(one, place(-0.25, 0, 0), pixels_px=pixel, shape_zyx=(1, 1, 3))
        far = splat(one, place(-1.0, 0, 0), pixels_px=pixel, shape_zyx=(1, 1, 3))
        behind = splat(one, place(2.75, 0, 0), pixels_px=pixel, shape_zyx=(1, 1, 3))
        assert near.ravel().tolist() == [0.75, 0, 0]
        assert far.ravel().tolist() == [0, 0, 0]
        assert behind.ravel().tolist() == [0, 0, 0.25]

    def test_a_volume_one_voxel_thin_can_be_read(self):
        thin = torch.tensor([1.0, 3.0], dtype=torch.float64).reshape(1, 1, 1, 2)
        read = sample(thin, place(0.5, 0, 0), pixels_px=torch.zeros(1, 2).double())
        assert read.item() == pytest.approx(2.0)

    def test_weight_inside_is_kept(self, values):
        T = place(1.2, 0.7, 1.9)
        pixels = torch.tensor([[0.0, 0], [1, 1], [2, 0]]).double()
        written = splat(values[:, :1, :3], T, pixels_px=pixels, shape_zyx=SHAPE_ZYX)
        assert torch.allclose(written.sum(dim=(1, 2, 3)), values[:, 0, :3].sum(dim=1))


class TestAdjoint:
    def test_writing_is_the_adjoint_of_reading(self, volume, values, poses):
        read = sample(volume, poses, pixels_px=PIXELS)
        written = splat(values, poses, pixels_px=PIXELS, shape_zyx=SHAPE_ZYX)
        assert (read * values).sum().item() == pytest.approx((volume * written).sum().item())

    def test_writing_is_the_adjoint_of_grid_sample(self, volume, values, poses):
        free = volume.clone().requires_grad_()
        read = peer_sample(free, poses)
        written = splat(values, poses, pixels_px=PIXELS, shape_zyx=SHAPE_ZYX)
        assert torch.allclose(sample(volume, poses, pixels_px=PIXELS), read.detach(), atol=1e-12)
        assert (read * values).sum().item() == pytest.approx((volume * written).sum().item())
        assert torch.allclose(torch.autograd.grad(read, free, values)[0], written, atol=1e-12)


class TestGradients:
    def test_reading_has_right_gradients_to_volume_and_poses(self, volume, poses):
        def read(volume, poses):
            return sample(volume, poses, pixels_px=PIXELS)

        assert torch.autograd.gradcheck(read, (volume.requires_grad_(), poses.requires_grad_()))

    def test_writing_has_right_gradients_to_values_and_poses(self, values, poses):
        def write(values, poses):
            return splat(values, poses, pixels_px=PIXELS, shape_zyx=SHAPE_ZYX)

        assert torch.autograd.gradcheck(write, (values.requires_grad_(), poses.requires_grad_()))

    def test_the_pose_gradient_points_to_where_the_volume_is_brighter(self):
        ramp = torch.arange(5.0, dtype=torch.float64).expand(1, 3, 3, 5).contiguous()
        T = place(1.4, 1.0, 1.0).requires_grad_()
        sample(ramp, T, pixels_px=torch.zeros(1, 2).double()).sum().backward()
        assert torch.allclose(T.grad[0, :3, 3], torch.tensor([1.0, 0, 0]).double())

    def test_a_frame_without_pose_neither_reads_nor_writes_nor_spoils_gradients(
        self, volume, values, poses
    ):
        broken = poses.clone()
        broken[1] = torch.nan
        broken.requires_grad_()
        kept = [0, 2]
        read = sample(volume, broken, pixels_px=PIXELS)
        written = splat(values, broken, pixels_px=PIXELS, shape_zyx=SHAPE_ZYX)
        ((read**2).sum() + (written**2).sum()).backward()
        alone = splat(values[:, kept], poses[kept], pixels_px=PIXELS, shape_zyx=SHAPE_ZYX)
        assert (read[:, 1] == 0).all()
        assert torch.allclose(written, alone)
        assert (broken.grad[1] == 0).all()
        assert (broken.grad[kept].abs().sum(dim=(1, 2)) > 0).all()


class TestBlocks:
    @pytest.mark.parametrize("block_points", [1, 20, 1000])
    def test_work_in_blocks_changes_nothing(self, volume, values, poses, block_points):
        def both(points):
            free = poses.clone().requires_grad_()
            read = sample(volume, free, pixels_px=PIXELS, block_points=points)
            written = splat(
                values, free, pixels_px=PIXELS, shape_zyx=SHAPE_ZYX, block_points=points
            )
            ((read**2).sum() + (written**2).sum()).backward()
            return read.detach(), written.detach(), free.grad

        for whole, parted in zip(both(10**6), both(block_points), strict=True):
            assert torch.allclose(whole, parted, atol=1e-12)

    def test_precision_follows_the_poses(self, values, poses):
        single = splat(values.float(), poses.float(), pixels_px=PIXELS.float(), shape_zyx=SHAPE_ZYX)
        double = splat(values, poses, pixels_px=PIXELS, shape_zyx=SHAPE_ZYX)
        assert single.dtype == torch.float32
        assert torch.allclose(single.double(), double, atol=1e-5)

    @pytest.mark.gpu
    def test_a_graphics_card_gives_the_same(self, volume, values, poses):
        def both(device):
            T = poses.to(device).detach().requires_grad_()
            there = [tensor.to(device) for tensor in (volume, values, PIXELS)]
            read = sample(there[0], T, pixels_px=there[2])
            written = splat(there[1], T, pixels_px=there[2], shape_zyx=SHAPE_ZYX)
            ((read**2).sum() + (written**2).sum()).backward()
            return read.detach().cpu(), written.detach().cpu(), T.grad.cpu()

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")
        for here, there in zip(both("cpu"), both("cuda"), strict=True):
            assert torch.allclose(here, there, atol=1e-10)


class TestBadInput:
    def test_shapes_that_do_not_fit_are_named(self, volume, values, poses):
        with pytest.raises(ValueError, match=r"volume must be \(C, D, H, W\), got \(4, 5, 6\)"):
            sample(volume[0], poses, pixels_px=PIXELS)
        with pytest.raises(ValueError, match=r"T_pixel_to_voxel must be \(N, 4, 4\), got \(4, 4\)"):
            sample(volume, poses[0], pixels_px=PIXELS)
        with pytest.raises(ValueError, match=r"pixels_px must be \(P, 2\), got \(12,\)"):
            sample(volume, poses, pixels_px=PIXELS[:, 0])
        with pytest.raises(ValueError, match=r"\(C, 3, 12\), got \(2, 2, 12\)"):
            splat(values[:, :2], poses, pixels_px=PIXELS, shape_zyx=SHAPE_ZYX)
