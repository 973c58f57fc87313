"""Label volumes of posed frame masks: against one reconstruction a label, and by hand."""

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.reconstruction.grid import VoxelGrid, grid_around
from hipus.reconstruction.holes import fill_gaps
from hipus.reconstruction.label_volumes import Share, largest_share, shown_region, sweep_volume
from hipus.reconstruction.region import ImageRegion
from hipus.reconstruction.voxelisation import voxelise
from hipus.stages.cohort_insonified import insonified_volume

SHAPE, COUNT = (44, 60), 14
SIDES_MM = (0.3, 0.45)


@pytest.fixture
def poses(rng) -> np.ndarray:
    """Return oblique, unevenly spaced T_pixel_to_world; one frame has no pose."""
    turns = np.cumsum(rng.normal(0, 0.01, (COUNT, 3)), axis=0) + [0.2, -0.3, 0.1]
    z_mm = np.cumsum(rng.uniform(0.3, 1.6, COUNT))
    places = np.column_stack([3 + 0.1 * z_mm, rng.normal(0, 0.2, COUNT), z_mm])
    T = geometry.transform(rotations.from_rotation_vector(turns), places)
    T = T @ np.diag([*SIDES_MM, 1.0, 1.0])
    T[5] = np.nan
    return T


@pytest.fixture
def frames(rng) -> np.ndarray:
    """Return speckle with black margins left, right and below."""
    frames = rng.integers(40, 256, (COUNT, *SHAPE), dtype=np.uint8)
    frames[:, :, :7] = frames[:, :, 55:] = frames[:, 41:] = 0
    return frames


@pytest.fixture
def masks(rng) -> np.ndarray:
    """Return labels 1, 2 and 4 that touch each other, drift and flicker; 3 is nowhere."""
    v, u = np.mgrid[: SHAPE[0], : SHAPE[1]]
    masks = np.zeros((COUNT, *SHAPE), np.uint8)
    for n, (du, dv) in enumerate(rng.integers(-3, 4, (COUNT, 2))):
        masks[n][(u + du - 30) ** 2 + (v + dv - 20) ** 2 < 150] = 2
        masks[n][(abs(v - u / 3 - 6 + dv) < 3) & (u > 15)] = 1
        masks[n][(u + du > 38) & (abs(v - 22) < 8)] = 4
    return masks


def one_by_one(frames, masks, T, grid: VoxelGrid) -> tuple[np.ndarray, np.ndarray]:
    """Return grey values and labels by one reconstruction a label, and a plain argmax."""
    region = shown_region(frames)

    def made(pictures):
        volume = voxelise(pictures, T, grid, region=region, threads=1)
        return fill_gaps(volume, widest_gap_mm=2.0).volume

    shares = np.stack([made((masks == k).astype(np.float32)) for k in range(1, 5)])
    shares = np.concatenate([1 - shares.sum(axis=0, keepdims=True), shares])
    return made(frames), shares.argmax(axis=0)


class TestAgainstOneReconstructionALabel:
    def test_labels_and_grey_values_are_the_same(self, frames, masks, poses):
        found = sweep_volume(frames, poses, spacing_mm=0.6, masks={"rater": masks}, threads=1)
        grey, labels = one_by_one(frames, masks, poses, found.grid)
        np.testing.assert_array_equal(found.labels["rater"], labels)
        np.testing.assert_allclose(found.grey, grey, atol=1e-3)
        assert set(np.unique(labels)) == {0, 1, 2, 4}
        assert found.labels["rater"].dtype == np.uint8

    def test_another_grid_with_uneven_sides_that_cuts_the_sweep(self, frames, masks, poses):
        grid = VoxelGrid((6.0, 3.0, 4.0), (0.4, 0.6, 0.9), (8, 14, 31))
        found = sweep_volume(frames, poses, grid=grid, masks={"rater": masks}, threads=1)
        assert found.grid is grid
        grey, labels = one_by_one(frames, masks, poses, grid)
        np.testing.assert_array_equal(found.labels["rater"], labels)
        np.testing.assert_allclose(found.grey, grey, atol=1e-3)
        assert (labels > 0).any()

    def test_masks_do_not_know_of_each_other(self, frames, masks, poses):
        other = np.where(masks == 2, 3, 0).astype(np.uint8)
        given = {"rater": masks, "model": other, "nothing": np.zeros_like(masks)}
        found = sweep_volume(frames, poses, spacing_mm=0.6, masks=given, threads=1)
        alone = sweep_volume(frames, poses, spacing_mm=0.6, masks={"model": other}, threads=1)
        np.testing.assert_array_equal(found.labels["model"], alone.labels["model"])
        assert list(found.labels) == list(given)
        assert not found.labels["nothing"].any()
        assert set(np.unique(found.labels["model"])) == {0, 3}

    def test_what_is_known_is_hit_or_bridged(self, frames, masks, poses):
        narrow, wide = (
            sweep_volume(frames, poses, spacing_mm=0.6, masks={}, widest_gap_mm=gap, threads=1)
            for gap in (0.6, 2.0)
        )
        assert narrow.is_known[wide.is_known].mean() < 0.99
        assert wide.is_known[narrow.is_known].all()
        assert not wide.grey[~wide.is_known].any()

    @pytest.mark.parametrize("both", [False, True])
    def test_the_cohorts_own_truth_differs_only_where_labels_meet(self, masks, poses, both):
        given = masks if both else np.where(masks == 2, 2, 0).astype(np.uint8)
        bright = np.full_like(given, 200)
        T = poses[np.isfinite(poses[:, 0, 0])]
        bright, given = bright[: len(T)], given[: len(T)]
        truth = insonified_volume(given, T, spacing_mm=0.6).array
        found = sweep_volume(bright, T, spacing_mm=0.6, masks={"truth": given}, threads=1)
        labels, differs = found.labels["truth"], found.labels["truth"] != truth
        assert not truth[differs].any()
        assert differs.sum() <= (0.02 * (labels > 0).sum() if both else 0)


class TestSweptShapes:
    @pytest.mark.parametrize(("step_mm", "least_dice"), [(0.4, 0.97), (1.7, 0.95)])
    def test_a_ball_in_a_shell_comes_back_from_frames_as_sparse_as_a_sweeps(
        self, step_mm, least_dice
    ):
        z_mm = np.arange(-9, 9, step_mm)
        T = np.tile(np.diag([0.25, 0.25, 1.0, 1.0]), (len(z_mm), 1, 1))
        T[:, :3, 3] = np.column_stack([np.full((len(z_mm), 2), -10.0), z_mm])
        v, u = np.mgrid[:81, :81] * 0.25 - 10
        radius = np.sqrt(u**2 + v**2 + z_mm[:, None, None] ** 2)
        masks = np.select([radius < 6, radius < 8], [2, 1], 0).astype(np.uint8)
        bright = np.full_like(masks, 200)
        made = sweep_volume(bright, T, spacing_mm=0.5, masks={"ball": masks}, threads=1)
        axes = [
            start + 0.5 * np.arange(size)
            for start, size in zip(made.grid.origin_xyz_mm[::-1], made.grid.shape_zyx, strict=True)
        ]
        z, y, x = np.meshgrid(*axes, indexing="ij")
        radius = np.sqrt(x**2 + y**2 + z**2)
        for label, true in ((2, radius < 6), (1, (radius >= 6) & (radius < 8))):
            found = made.labels["ball"] == label
            dice = 2 * (found & true).sum() / (found.sum() + true.sum())
            assert dice > least_dice - 0.07 * (label == 1)
        # Nothing opens between the ball and its shell.
        assert (made.labels["ball"][radius < 7.5] > 0).mean() > 0.995


class TestLargestShare:
    def shares(self, *values) -> list[Share]:
        """Return shares of labels 1, 2, ... in a row of voxels."""
        whole = (slice(None),) * 3
        return [
            Share(label, whole, np.array(one, np.float32).reshape(1, 1, -1))
            for label, one in enumerate(values, start=1)
        ]

    def test_by_hand(self):
        # background: 0.25 seam beside two labels; 0.6; a tie of 0.5; a tie of two labels; all.
        given = self.shares([0.375, 0.4, 0.5, 0.5, 0.0], [0.375, 0.0, 0.0, 0.5, 0.0])
        np.testing.assert_array_equal(largest_share(given, (1, 1, 5)).ravel(), [2, 0, 1, 2, 0])

    def test_a_share_speaks_for_its_box_only(self):
        box = (slice(0, 1), slice(0, 1), slice(1, 3))
        share = Share(3, box, np.array([[[0.9, 0.2]]], np.float32))
        np.testing.assert_array_equal(largest_share([share], (1, 1, 4)).ravel(), [0, 3, 0, 0])

    def test_without_labels_all_is_background(self):
        assert not largest_share([], (2, 3, 4)).any()


class TestShownRegion:
    def test_it_is_what_any_frame_shows(self, frames):
        assert shown_region(frames) == ImageRegion(7, 0, 48, 41)
        frames[3, 43, 58] = 1
        assert shown_region(frames) == ImageRegion(7, 0, 52, 44)

    def test_margins_neither_darken_nor_widen_the_volume(self, frames, poses):
        found = sweep_volume(frames, poses, spacing_mm=0.6, threads=1)
        whole = grid_around(poses, ImageRegion.whole(SHAPE), spacing_xyz_mm=0.6)
        assert found.grid.voxel_count < 0.9 * whole.voxel_count
        assert found.grey[found.is_known].min() > 39.9

    def test_the_volume_knows_its_place(self, frames, poses):
        found = sweep_volume(frames, poses, spacing_mm=0.6, threads=1)
        placed = found.placed(found.is_known)
        assert placed.origin_xyz_mm == found.grid.origin_xyz_mm
        assert placed.spacing_zyx_mm == (0.6, 0.6, 0.6)


class TestRefusals:
    def test_masks_of_other_frames(self, frames, masks, poses):
        with pytest.raises(ValueError, match=r"masks\['m'\] must be \(14, 44, 60\) like the fra"):
            sweep_volume(frames, poses, spacing_mm=0.6, masks={"m": masks[1:]})
        with pytest.raises(ValueError, match=r"masks\['m'\] must be uint8, got int64"):
            sweep_volume(frames, poses, spacing_mm=0.6, masks={"m": masks.astype(int)})

    def test_frames_that_show_nothing_or_are_no_stack(self, frames, poses):
        with pytest.raises(ValueError, match="frames show nothing: all 14 are black"):
            sweep_volume(0 * frames, poses, spacing_mm=0.6)
        with pytest.raises(ValueError, match=r"frames must be \(N, H, W\), got \(44, 60\)"):
            shown_region(frames[0])

    def test_neither_spacing_nor_grid(self, frames, poses):
        with pytest.raises(ValueError, match="spacing_mm must be given where there is no grid"):
            sweep_volume(frames, poses)
