"""Outlines of a head in two sweeps, and how far they are from one ball."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_crossing import HEAD_MM, RADIUS_MM, true_poses, view_of

from hipus import geometry
from hipus.fusion.round_head import RoundHead
from hipus.labels import HipLabel


@pytest.fixture(scope="module")
def views():
    """Return both sweeps where they truly lie."""
    return tuple(view_of(T, T) for T in true_poses())


def tensors(*poses) -> list[torch.Tensor]:
    """Return poses for refinement."""
    return [torch.tensor(T, dtype=torch.float32) for T in poses]


def sheared(T, slope: float, along: int, lateral: int) -> np.ndarray:
    """Return poses moved along one axis of the hip in proportion to another."""
    moved = np.array(T)
    moved[:, lateral, 3] += slope * T[:, along, 3]
    return moved


class TestRoundHead:
    def test_at_the_true_poses_the_ball_is_the_head(self, views):
        head, poses = RoundHead(views, device="cpu"), tensors(*true_poses())
        head.start_from(*poses)
        np.testing.assert_allclose(head.start[:3], HEAD_MM, atol=0.3)
        assert head.start[3].item() == pytest.approx(RADIUS_MM, abs=0.3)
        assert head.unlikely(*poses).item() < 0.03

    def test_its_middle_is_told_in_the_poses_world(self, views):
        T = geometry.transform(None, [5.0, -3.0, 2.0])
        head = RoundHead(views, device="cpu")
        found = head.centre_mm(*tensors(*(T @ one for one in true_poses())))
        np.testing.assert_allclose(found, geometry.apply(T, HEAD_MM), atol=0.3)

    def test_the_upper_outline_lies_on_the_heads_surface(self, views):
        frames, points = RoundHead(views, device="cpu").outlines[0]
        at = (torch.tensor(true_poses()[0])[frames] @ points.double()[:, :, None])[:, :3, 0]
        off = np.linalg.norm(at.numpy() - HEAD_MM, axis=1) - RADIUS_MM
        assert np.abs(off).max() < 0.7  # a pixel is 0.8 mm by 0.6 mm
        assert abs(off.mean()) < 0.2
        assert (at[:, 1].numpy() < HEAD_MM[1] + 0.7).all()

    def test_what_crossings_leave_open_is_a_head_that_is_not_round(self, views):
        first, second = true_poses()
        head = RoundHead(views, device="cpu")
        found = []
        for slope in (-0.3, 0.0, 0.3):
            poses = tensors(sheared(first, slope, 2, 0), sheared(second, slope, 0, 2))
            head.start_from(*poses)
            found.append(head.unlikely(*poses).item())
        assert found[1] < 0.5 * min(found[0], found[2])

    def test_a_rigid_motion_of_both_changes_nothing(self, views):
        head, poses = RoundHead(views, device="cpu"), true_poses()
        T = geometry.transform(None, [30.0, -20.0, 8.0])
        found = []
        for both in (tensors(*poses), tensors(*(T @ one for one in poses))):
            head.start_from(*both)
            found.append(head.unlikely(*both).item())
        assert found[0] == pytest.approx(found[1], abs=1e-4)

    def test_its_gradient_reaches_ball_and_poses(self, views):
        head, poses = RoundHead(views, device="cpu"), tensors(*true_poses())
        head.start_from(*poses)
        poses[1][:, 0, 3] += 1.5
        poses[1].requires_grad_()
        head.unlikely(*poses).backward()
        assert poses[1].grad[:, 0, 3].sum() > 0
        assert head.free()[0].grad.abs().max() > 0

    def test_a_sweep_that_hardly_shows_the_head_is_refused(self, views):
        masks = np.where(views[1].masks == HipLabel.FEMORAL_HEAD, 0, views[1].masks)
        other = replace(views[1], masks=masks.astype(np.uint8))
        with pytest.raises(ValueError, match="second must show .* outline at 20 points .* got 0"):
            RoundHead((views[0], other), device="cpu")
