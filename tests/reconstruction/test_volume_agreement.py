"""Volumes of one sweep placed by two sets of poses."""

import numpy as np
import pytest

from hipus import geometry
from hipus.labels import HipLabel
from hipus.reconstruction import pose_agreement, volume_agreement
from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.volume_agreement import Placed

SHAPE, SPACING = (40, 48), (0.5, 0.4)
LABELS = (HipLabel.ILIUM, HipLabel.FEMORAL_HEAD)
RADIUS_MM = 5.0
GRID = VoxelGrid((-4.0, -3.0, -2.0), (0.5, 0.5, 0.5), (9, 13, 17))


def sweep(step_mm: float, count: int = 25) -> np.ndarray:
    """Return T_pixel_to_world of frames along their normal, the middle one at the origin."""
    offsets = step_mm * (np.arange(count) - count // 2)
    centre = geometry.transform(None, np.outer(offsets, [0, 0, 1.0]))
    return geometry.compose(centre, pose_agreement.pixel_to_centre(SHAPE, SPACING))


def ball(T: np.ndarray, rng) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures of a bright ball about the origin in noise, and its labels."""
    v, u = np.mgrid[: SHAPE[0], : SHAPE[1]]
    pixels = np.stack([u, v, 0 * u], axis=-1).reshape(-1, 3)
    inside = np.linalg.norm(geometry.apply(T, pixels), axis=-1).reshape(len(T), *SHAPE) < RADIUS_MM
    noise = rng.integers(0, 60, inside.shape)
    frames = (100 * inside + noise).astype(np.uint8)
    return frames, (HipLabel.FEMORAL_HEAD * inside).astype(np.uint8)


def placed(grey, *, labels=None, known=None) -> Placed:
    """Return a made-up volume on the grid."""
    grey = np.broadcast_to(np.asarray(grey, np.float32), GRID.shape_zyx).copy()
    known = np.ones(GRID.shape_zyx, bool) if known is None else known
    marked = np.zeros(GRID.shape_zyx, np.uint8) if labels is None else labels
    return Placed(grey, marked, known)


def compare(other: Placed, reference: Placed, edges=(0.0, 2.0, 4.0)):
    """Compare about the origin."""
    return volume_agreement.compare_shells(
        other, reference, grid=GRID, centre_mm=np.zeros(3), edges_mm=edges, labels=LABELS
    )


class TestGrid:
    def test_holds_all_placements_but_no_more_than_the_cube(self):
        T = [sweep(0.5), geometry.compose(geometry.transform(None, [3.0, 0, 0]), sweep(0.5))]
        grid = volume_agreement.grid_of(
            T, SHAPE, centre_mm=[0, 0, 1.0], radius_mm=8.0, spacing_mm=0.5
        )
        low = np.array(grid.origin_xyz_mm)
        high = low + 0.5 * (np.array(grid.shape_zyx[::-1]) - 1)
        # x: 23.5 mm wide and moved by 3, so the cube decides; y: 15.6 mm high, which is no
        # multiple of 0.5; z: frames reach from -6 to 6 mm.
        np.testing.assert_allclose(low, [-8, -7.8, -6])
        np.testing.assert_allclose(high, [8, 7.7, 6])

    def test_a_sweep_that_stays_away_from_the_point_has_none(self):
        with pytest.raises(ValueError, match=r"no frame comes within 2.0 mm of the point"):
            volume_agreement.grid_of(
                [sweep(0.5)], SHAPE, centre_mm=(0, 0, 40.0), radius_mm=2.0, spacing_mm=0.5
            )


class TestPlace:
    def test_gaps_between_frames_take_the_nearest_frame_up_to_the_reach(self):
        frames = np.stack([np.full(SHAPE, 10), np.full(SHAPE, 200)]).astype(np.uint8)
        T = sweep(4.0, 3)[[0, 2]]  # at -4 and +4 mm
        grid = VoxelGrid((0.0, 0.0, -5.0), (0.5, 0.5, 0.5), (21, 3, 3))
        made = volume_agreement.place(frames, frames // 100, T_pixel_to_world=T, grid=grid)
        z = -5 + 0.5 * np.arange(21)
        np.testing.assert_array_equal(made.is_known[:, 1, 1], np.abs(np.abs(z) - 4) <= 1)
        np.testing.assert_array_equal(
            made.grey[:, 1, 1], np.select([np.abs(z + 4) <= 1, np.abs(z - 4) <= 1], [10, 200])
        )
        np.testing.assert_array_equal(made.labels[:, 1, 1], 2 * (np.abs(z - 4) <= 1))

    def test_without_labels_there_are_none(self, rng):
        frames, _ = ball(sweep(0.5), rng)
        made = volume_agreement.place(frames, None, T_pixel_to_world=sweep(0.5), grid=GRID)
        assert made.is_known.all()
        assert not made.labels.any()

    def test_a_sweep_outside_the_grid_leaves_everything_unknown(self, rng):
        frames, labels = ball(sweep(0.5), rng)
        away = geometry.compose(geometry.transform(None, [0, 0, 99.0]), sweep(0.5))
        made = volume_agreement.place(frames, labels, T_pixel_to_world=away, grid=GRID)
        assert not made.is_known.any()
        assert not made.grey.any()

    def test_labels_of_other_frames_are_refused(self, rng):
        frames, labels = ball(sweep(0.5), rng)
        with pytest.raises(ValueError, match=r"labels must be \(25, 40, 48\) like frames, got"):
            volume_agreement.place(frames, labels[1:], T_pixel_to_world=sweep(0.5), grid=GRID)


class TestShells:
    def test_counts_are_those_of_a_slow_search(self):
        z, y, x = np.meshgrid(
            *(start + 0.5 * np.arange(count)
              for start, count in zip(GRID.origin_xyz_mm[::-1], GRID.shape_zyx, strict=True)),
            indexing="ij",
        )  # fmt: skip
        distance = np.sqrt(x**2 + y**2 + z**2)
        found = compare(placed(1), placed(1))
        assert [one.voxel_count for one in found] == [
            (distance < 2).sum(),
            ((distance >= 2) & (distance < 4)).sum(),
        ]

    def test_a_volume_agrees_with_itself(self, rng):
        labels = rng.integers(0, 3, GRID.shape_zyx, dtype=np.uint8)
        one = placed(rng.uniform(0, 255, GRID.shape_zyx), labels=labels)
        for shell in compare(one, one):
            assert shell.known_share == 1
            assert shell.correlation == pytest.approx(1)
            assert shell.mean_absolute_difference == 0
            assert shell.structural_similarity == pytest.approx(1)
            assert shell.dice == (1, 1)
            assert shell.dice_any == 1

    def test_grey_values_count_only_where_both_are_known(self, rng):
        grey = rng.uniform(0, 255, GRID.shape_zyx).astype(np.float32)
        known = np.ones(GRID.shape_zyx, bool)
        known[:, :, ::2] = False
        spoilt = np.where(known, grey + 3, 0)
        (shell,) = compare(placed(spoilt, known=known), placed(grey), edges=(0.0, 20.0))
        assert shell.known_share == pytest.approx(known.mean())
        assert shell.mean_absolute_difference == pytest.approx(3, abs=1e-4)
        assert shell.correlation == pytest.approx(1, abs=1e-6)

    def test_overlap_counts_what_a_shrunken_volume_no_longer_shows(self):
        labels = np.full(GRID.shape_zyx, HipLabel.ILIUM, np.uint8)
        half = labels.copy()
        half[:, :, :6] = 0
        shares = compare(placed(1, labels=half), placed(1, labels=labels), edges=(0.0, 20.0))[0]
        kept = (17 - 6) / 17
        assert shares.dice[0] == pytest.approx(2 * kept / (1 + kept))
        assert np.isnan(shares.dice[1])

    def test_labels_that_are_not_asked_for_do_not_count(self):
        labels = np.full(GRID.shape_zyx, HipLabel.LABRUM, np.uint8)
        (shell,) = compare(placed(1, labels=labels), placed(1, labels=labels), edges=(0.0, 20.0))
        assert np.isnan(shell.dice_any)

    def test_a_shell_beyond_the_volume_is_empty_and_says_so(self):
        shell = compare(placed(1), placed(1), edges=(50.0, 60.0))[0]
        assert shell.voxel_count == 0
        assert np.isnan([shell.known_share, shell.correlation, shell.structural_similarity]).all()

    def test_refuses_edges_that_do_not_increase(self):
        with pytest.raises(ValueError, match=r"edges_mm must be 2 or more increasing distances"):
            compare(placed(1), placed(1), edges=(0.0, 5.0, 5.0))

    def test_refuses_a_volume_of_another_grid(self):
        other = Placed(*(np.zeros((2, 2, 2), kind) for kind in (np.float32, np.uint8, bool)))
        with pytest.raises(ValueError, match=r"other must have the grid's shape \(9, 13, 17\)"):
            compare(other, placed(1))


class TestStructuralSimilarity:
    def test_equals_scikit_images_inside_a_known_volume(self, rng):
        metrics = pytest.importorskip("skimage.metrics")
        first = rng.uniform(0, 255, (20, 22, 24)).astype(np.float32)
        second = np.clip(first + rng.normal(0, 40, first.shape), 0, 255).astype(np.float32)
        known = np.ones(first.shape, bool)
        ours = volume_agreement.structural_similarity(
            Placed(first, first, known), Placed(second, second, known)
        )
        _, theirs = metrics.structural_similarity(
            first, second, win_size=7, data_range=255, full=True, use_sample_covariance=False
        )
        # Its borders are mirrored, ours stop; inside there is one definition.
        inner = (slice(3, -3),) * 3
        np.testing.assert_allclose(ours[inner], theirs[inner], atol=2e-4)

    def test_unknown_voxels_take_no_part(self, rng):
        grey = rng.uniform(0, 255, GRID.shape_zyx).astype(np.float32)
        known = rng.uniform(size=GRID.shape_zyx) < 0.6
        spoilt = np.where(known, grey, 200).astype(np.float32)
        similarity = volume_agreement.structural_similarity(
            placed(spoilt, known=known), placed(grey)
        )
        np.testing.assert_allclose(similarity[known], 1, atol=1e-4)
        assert not similarity[~known].any()


def test_a_wrong_step_length_hurts_more_the_farther_from_the_aligned_frame(rng):
    true, short = sweep(0.5, 41), sweep(0.4, 41)
    pictures = rng.integers(0, 255, (41, *SHAPE), dtype=np.uint8)
    _, labels = ball(true, rng)
    grid = volume_agreement.grid_of(
        [true, short], SHAPE, centre_mm=np.zeros(3), radius_mm=9.0, spacing_mm=0.5
    )
    made = [
        volume_agreement.place(pictures, labels, T_pixel_to_world=T, grid=grid)
        for T in (short, true)
    ]
    shells = volume_agreement.compare_shells(
        *made, grid=grid, centre_mm=np.zeros(3), edges_mm=(0, 3, 6, 9), labels=LABELS
    )
    correlation = [shell.correlation for shell in shells]
    assert correlation[0] > correlation[1] > correlation[2]
    assert shells[0].dice_any == 1
    assert shells[1].dice_any < 0.95
