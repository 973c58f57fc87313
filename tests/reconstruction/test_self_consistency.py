"""Crossing sweeps of one made-up body: steps of wrong length, placements that are off."""

import numpy as np
import pytest
import torch

from hipus import geometry, rotations
from hipus.reconstruction.crossing import Chain, Overlap, Placement
from hipus.reconstruction.self_consistency import (
    QUARTER_TURN,
    Level,
    View,
    refine_by_crossing,
)

SPACING = (0.8, 0.6)
SHAPE_HW = (36, 40)
LEVELS = (Level(2.0, 8.0, 25), Level(1.2, 5.0, 20))
#: Where the second sweep's middle lies in the first's: 3 mm and 6 degrees off the protocol.
T_SECOND_TO_FIRST = geometry.transform(
    rotations.from_rotation_vector(np.radians([2.0, -5.0, 2.0])) @ QUARTER_TURN, [2.0, -0.5, -2.0]
)


@pytest.fixture(scope="module")
def body():
    """Return a function from places (..., 3), mm, to grey values."""
    rng = np.random.default_rng(3)
    centres, widths = rng.uniform(-18, 18, (90, 3)), rng.uniform(1.5, 3.0, 90)
    heights = rng.uniform(40, 120, 90)

    def grey(places):
        total = np.full(places.shape[:-1], 20.0)
        for centre, width, height in zip(centres, widths, heights, strict=True):
            total += height * np.exp(-((places - centre) ** 2).sum(axis=-1) / (2 * width**2))
        return total

    return grey


def true_poses(count: int, step_mm: float) -> np.ndarray:
    """Return poses about the middle frame, with a little tilt and sideways drift."""
    away = np.arange(count) - count // 2
    turn = np.radians(0.2) * away[:, None] * [1.0, 0.5, 0.0]
    place = away[:, None] * np.array([0.05, 0.0, step_mm])
    return geometry.transform(rotations.from_rotation_vector(turn), place)


def pictures(body, T_centre_to_body) -> np.ndarray:
    """Return what frames show."""
    height, width = SHAPE_HW
    u = (np.arange(width) - (width - 1) / 2) * SPACING[0]
    v = (np.arange(height) - (height - 1) / 2) * SPACING[1]
    plane = np.stack([*np.meshgrid(u, v), np.zeros(SHAPE_HW)], axis=-1).reshape(-1, 3)
    greys = body(geometry.apply(T_centre_to_body, plane))
    return np.clip(greys, 0, 255).round().astype(np.uint8).reshape(-1, *SHAPE_HW)


def stretched(T, factor: float) -> np.ndarray:
    """Return the same sweep with elevational steps of another length."""
    steps = geometry.relative(T[:-1], T[1:])
    steps[:, 2, 3] *= factor
    poses = [np.eye(4)]
    for step in steps:
        poses.append(poses[-1] @ step)
    return np.stack(poses)


def length(T) -> float:
    """Return the way from the first to the last frame."""
    return float(np.linalg.norm(geometry.relative(T[0], T[-1])[:3, 3]))


@pytest.fixture(scope="module")
def truth(body):
    """Return the true poses of both sweeps, each about its middle, and their pictures."""
    first, second = true_poses(40, 0.7), true_poses(36, 0.85)
    return first, second, pictures(body, first), pictures(body, T_SECOND_TO_FIRST @ second)


@pytest.fixture(scope="module")
def predicted(truth):
    """Return both sweeps as predicted: the first 20 % too long, the second 15 % too short."""
    return (
        View(truth[2], stretched(truth[0], 1.2), SPACING),
        View(truth[3], stretched(truth[1], 0.85), SPACING),
    )


@pytest.fixture(scope="module")
def refined(predicted):
    """Return the refined sweeps."""
    torch.set_num_threads(1)
    return refine_by_crossing(*predicted, levels=LEVELS)


class TestRefinement:
    def test_both_sweeps_get_their_length_back(self, truth, predicted, refined):
        for T_true, view, T in (
            (truth[0], predicted[0], refined.T_first_to_world),
            (truth[1], predicted[1], refined.T_second_to_world),
        ):
            before = abs(length(view.T_centre_to_world) / length(T_true) - 1)
            assert before > 0.14
            assert abs(length(T) / length(T_true) - 1) < 0.03

    def test_the_factors_are_those_of_the_lengths(self, refined):
        assert refined.factors_first.mean() == pytest.approx(1 / 1.2, abs=0.03)
        assert refined.factors_second.mean() == pytest.approx(1 / 0.85, abs=0.04)
        assert refined.factor_course[-1] == pytest.approx(
            [refined.factors_first.mean(), refined.factors_second.mean()], abs=0.01
        )

    def test_one_hip_comes_out_of_two_sweeps(self, truth, refined):
        middles = [len(T) // 2 for T in truth[:2]]
        found = geometry.relative(
            refined.T_first_to_world[middles[0]],
            refined.T_second_to_first @ refined.T_second_to_world[middles[1]],
        )
        apart = geometry.relative(T_SECOND_TO_FIRST, found)
        assert np.linalg.norm(apart[:3, 3]) < 0.7
        assert geometry.geodesic_angle_deg(apart) < 2.0

    def test_rotations_and_the_first_pose_are_kept(self, predicted, refined):
        start = predicted[0].T_centre_to_world
        np.testing.assert_allclose(refined.T_first_to_world[0], start[0], atol=1e-5)
        np.testing.assert_allclose(refined.T_first_to_world[:, :3, :3], start[:, :3, :3], atol=1e-5)
        geometry.check_transform(refined.T_second_to_world)

    def test_agreement_grows_within_each_level(self, refined):
        assert refined.level.tolist() == [0] * 25 + [1] * 20
        for level in (0, 1):
            course = refined.agreement[refined.level == level]
            assert course[-1] > course[0]

    def test_where_the_predictions_worlds_lie_does_not_matter(self, predicted, refined):
        moved = geometry.transform(rotations.from_rotation_vector([0.4, -1.0, 0.2]), [80, -9, 33.0])
        there = View(predicted[0].frames, moved @ predicted[0].T_centre_to_world, SPACING)
        short = (Level(2.0, 8.0, 3),)
        ours = refine_by_crossing(*predicted, levels=short)
        theirs = refine_by_crossing(there, predicted[1], levels=short)
        np.testing.assert_allclose(theirs.factors_first, ours.factors_first, rtol=1e-4)
        np.testing.assert_allclose(
            theirs.T_first_to_world, moved @ ours.T_first_to_world, atol=1e-3
        )
        np.testing.assert_allclose(
            theirs.T_second_to_first, moved @ ours.T_second_to_first, atol=1e-2
        )

    def test_true_poses_stay_where_they_are(self, truth):
        views = (View(truth[2], truth[0], SPACING), View(truth[3], truth[1], SPACING))
        R = T_SECOND_TO_FIRST[:3, :3]
        kept = refine_by_crossing(*views, R_second_to_first=R, levels=LEVELS)
        assert kept.factors_first.mean() == pytest.approx(1, abs=0.03)
        assert kept.factors_second.mean() == pytest.approx(1, abs=0.04)


class TestChain:
    def test_an_expectation_must_be_positive(self, truth):
        with pytest.raises(ValueError, match="factor_sd must be positive, got 0"):
            Chain(truth[0], knots=1, device="cpu", factor_sd=0)

    def test_a_smaller_expectation_moves_a_factor_less(self, truth):
        chains = [Chain(truth[0], knots=1, device="cpu", factor_sd=sd) for sd in (0.2, 0.1)]
        for chain in chains:
            chain.log_factor.data.fill_(1.0)
        wide, narrow = (float(chain.factors().detach()[0]) for chain in chains)
        assert wide == pytest.approx(np.exp(0.2))
        assert narrow == pytest.approx(np.exp(0.1))

    def test_factors_change_only_the_steps_across_the_pictures(self, truth):
        chain = Chain(truth[0], knots=1, device="cpu")
        same = chain.poses().detach().numpy()
        np.testing.assert_allclose(same, geometry.relative(truth[0][20], truth[0]), atol=1e-4)
        with torch.no_grad():
            chain.log_factor += np.log(1.5) / 0.2
        longer = chain.poses().detach().double().numpy()
        steps = geometry.relative(*(geometry.closest_rigid(longer)[part] for part in _PAIRS))
        true = geometry.relative(truth[0][:-1], truth[0][1:])
        np.testing.assert_allclose(steps[:, :3, 3], true[:, :3, 3] * [1, 1, 1.5], atol=1e-4)

    def test_knots_let_the_factor_vary_along_the_sweep(self, truth):
        chain = Chain(truth[0], knots=3, device="cpu")
        with torch.no_grad():
            chain.log_factor += torch.tensor([0.0, 1.0, 0.0])
        factors = chain.factors().detach().numpy()
        assert factors[[0, -1]] == pytest.approx(1, abs=1e-6)
        assert factors.argmax() in (19, 20)
        assert factors.max() == pytest.approx(np.exp(0.2), rel=0.01)


_PAIRS = (slice(None, -1), slice(1, None))


class TestOverlap:
    def test_the_right_placement_agrees_best(self, truth, predicted):
        overlap = Overlap(predicted, voxel_mm=1.2, window_mm=5.0, device="cpu")
        first = torch.from_numpy(truth[0]).float()
        agreement = {}
        for shift in (-2.0, 0.0, 2.0):
            moved = geometry.transform(None, [shift, 0, 0]) @ T_SECOND_TO_FIRST @ truth[1]
            agreement[shift] = overlap.agreement(first, torch.from_numpy(moved).float()).item()
        assert agreement[0.0] > 0.6
        assert agreement[0.0] > max(agreement[-2.0], agreement[2.0]) + 0.1

    def test_brightness_and_contrast_of_a_sweep_do_not_matter(self, truth, predicted):
        darker = View((predicted[0].frames // 2).astype(np.uint8), truth[0], SPACING)
        poses = [torch.from_numpy(T).float() for T in (truth[0], T_SECOND_TO_FIRST @ truth[1])]
        found = [
            Overlap((view, predicted[1]), voxel_mm=1.2, window_mm=5.0, device="cpu").agreement(
                *poses
            )
            for view in (predicted[0], darker)
        ]
        assert found[1].item() == pytest.approx(found[0].item(), abs=0.05)

    def test_sweeps_apart_are_refused(self, truth, predicted):
        overlap = Overlap(predicted, voxel_mm=2.0, window_mm=8.0, device="cpu")
        first = torch.from_numpy(truth[0]).float()
        away = torch.from_numpy(geometry.transform(None, [500.0, 0, 0]) @ truth[1]).float()
        with pytest.raises(ValueError, match="first and second must overlap"):
            overlap.agreement(first, away)


class TestBadInput:
    def test_views_say_what_is_wrong(self, truth):
        frames, T = truth[2], truth[0]
        with pytest.raises(ValueError, match=r"frames must be \(N, H, W\) with N = 39"):
            View(frames, T[:-1], SPACING)
        with pytest.raises(ValueError, match="pixel_spacing_xy_mm must be 2 positive numbers"):
            View(frames, T, (0.8, -1.0))
        broken = T.copy()
        broken[3] = np.nan
        with pytest.raises(ValueError, match=r"T_centre_to_world\[3\] is not finite"):
            View(frames, broken, SPACING)

    def test_levels_and_knots_say_what_is_wrong(self, predicted):
        with pytest.raises(ValueError, match="level must have 0 < voxel_mm < window_mm"):
            Level(4.0, 2.0, 10)
        with pytest.raises(ValueError, match="knots and levels must be at least 1, got 0 and 2"):
            refine_by_crossing(*predicted, levels=LEVELS, knots=0)
        with pytest.raises(ValueError, match="R_second_to_first"):
            Placement(2 * np.eye(3), device="cpu")
