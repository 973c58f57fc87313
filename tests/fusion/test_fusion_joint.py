"""Two misjudged trajectories made one again; what is compared and what is left out."""

import numpy as np
import pytest
import torch
from made_crossing import (
    HEAD_MM,
    RADIUS_MM,
    SPACING_XY_MM,
    T_SECOND_TO_FIRST,
    misjudged,
    true_poses,
    view_of,
)

from hipus import geometry, rotations
from hipus.fusion.hip_errors import TrueSweep, shape_error, shell_targets, target_error
from hipus.fusion.joint import Level, refine_jointly
from hipus.fusion.likeness import LabelledView, PelvisOverlap, pelvis_pixels
from hipus.fusion.trajectories import PREDICTED, TRACKED
from hipus.labels import HipLabel

LEVELS = (Level(2.0, 8.0, 15, 0), Level(1.5, 6.0, 30, 5))
TARGETS = shell_targets(HEAD_MM, RADIUS_MM, count=100)


@pytest.fixture(scope="module")
def crossing():
    """Return true poses, thought poses, views and a start that is off, of two sweeps."""
    true = true_poses()
    thought = (
        misjudged(true[0], factor=0.88, bend_mm=[1.2, 0.6, 0.0]),
        misjudged(true[1], factor=1.1, bend_mm=[-1.0, 0.5, 0.8]),
    )
    views = tuple(view_of(*pair) for pair in zip(true, thought, strict=True))
    off = geometry.transform(rotations.from_rotation_vector([0.02, 0.06, -0.02]), [0.8, -0.5, 0.6])
    return true, thought, views, geometry.compose(off, T_SECOND_TO_FIRST)


@pytest.fixture(scope="module")
def refined(crossing):
    """Return the refinement of both."""
    *_, views, start = crossing
    return refine_jointly(
        *views, T_second_to_first=start, spreads=(PREDICTED, PREDICTED), levels=LEVELS
    )


def errors(true, thought, T_second_to_first) -> tuple[float, float, float]:
    """Return the error of targets, and both sweeps' errors of shape."""
    sweeps = [TrueSweep(*pair) for pair in zip(thought, true, strict=True)]
    between = target_error(*sweeps, T_second_to_first, targets_mm=TARGETS).mean_mm
    return between, *(shape_error(one, targets_mm=TARGETS).mean_mm for one in sweeps)


class TestRefineJointly:
    def test_both_sweeps_come_close_to_each_other_and_to_truth(self, crossing, refined):
        true, thought, _, start = crossing
        before = errors(true, thought, start)
        poses = refined.T_first_to_world, refined.T_second_to_world
        after = errors(true, poses, refined.T_second_to_first)
        assert before[0] > 1.0
        assert after[0] < 0.4 * before[0]
        assert after[1] < 0.6 * before[1]
        assert after[2] < 0.6 * before[2]

    def test_the_course_of_every_pass_is_told(self, refined):
        assert np.bincount(refined.level).tolist() == [15, 30]
        assert refined.agreement[14] > refined.agreement[0]
        assert refined.agreement[-1] > refined.agreement[15]

    def test_rotations_are_those_of_the_prediction(self, crossing, refined):
        _, thought, _, _ = crossing
        angle = geometry.geodesic_angle_deg(refined.T_second_to_world, thought[1])
        assert angle.max() < 1e-3

    def test_another_world_of_the_second_changes_its_placement_only(self, crossing):
        _, thought, views, start = crossing
        T = geometry.transform(rotations.from_rotation_vector([0.4, -1.0, 0.2]), [30.0, 5.0, -9.0])
        moved = LabelledView(
            views[1].frames, geometry.compose(T, thought[1]), SPACING_XY_MM, views[1].masks
        )
        few = {"spreads": (PREDICTED, PREDICTED), "levels": (Level(3.0, 9.0, 2, 3),)}
        plain = refine_jointly(*views, T_second_to_first=start, **few)
        other = refine_jointly(views[0], moved, T_second_to_first=start @ geometry.invert(T), **few)
        np.testing.assert_allclose(
            other.T_second_to_first @ other.T_second_to_world,
            plain.T_second_to_first @ plain.T_second_to_world,
            atol=2e-3,
        )

    def test_what_is_trusted_moves_less(self, crossing):
        _, thought, views, start = crossing
        found = refine_jointly(
            *views,
            T_second_to_first=start,
            spreads=(TRACKED, PREDICTED),
            levels=(Level(3.0, 9.0, 6, 3),),
        )
        after = found.T_first_to_world, found.T_second_to_world
        moved = [
            np.linalg.norm((T - before)[:, :3, 3], axis=1).mean()
            for T, before in zip(after, thought, strict=True)
        ]
        assert moved[0] < 0.5 * moved[1]

    def test_a_pass_about_the_head_alone_brings_it_closer(self, crossing):
        true, _, views, start = crossing
        options = {"T_second_to_first": start, "spreads": (PREDICTED, PREDICTED)}
        near = Level(1.2, 4.8, 20, 5, reach_mm=9.0)
        found = []
        for levels in (LEVELS[:1], (LEVELS[0], near)):
            joint = refine_jointly(*views, levels=levels, **options)
            poses = joint.T_first_to_world, joint.T_second_to_world
            found.append(errors(true, poses, joint.T_second_to_first)[0])
        assert found[1] < 0.7 * found[0]

    def test_no_level_is_refused(self, crossing):
        *_, views, start = crossing
        with pytest.raises(ValueError, match="levels must hold at least one Level, got none"):
            refine_jointly(
                *views, T_second_to_first=start, spreads=(PREDICTED, PREDICTED), levels=()
            )


class TestLevel:
    @pytest.mark.parametrize("sizes", [(2, 1, 5, 0), (1, 4, 0, 0), (1, 4, 5, 1), (0, 4, 5, 2)])
    def test_what_is_no_pass_is_refused(self, sizes):
        with pytest.raises(ValueError, match="level must have 0 < voxel_mm < window_mm"):
            Level(*sizes)

    @pytest.mark.parametrize("reach_mm", [1.9, np.nan, np.inf, -3.0])
    def test_a_cube_smaller_than_a_window_is_refused(self, reach_mm):
        with pytest.raises(ValueError, match="reach_mm must be None or half a window and more"):
            Level(1.0, 4.0, 5, 3, reach_mm)


class TestPelvisOverlap:
    def overlap(self, views, label_share=0.3) -> PelvisOverlap:
        return PelvisOverlap(
            views, voxel_mm=2.0, window_mm=8.0, device="cpu", label_share=label_share
        )

    def poses(self, crossing, T_second_to_first):
        """Return true middle-frame poses of both as tensors."""
        (first, second), *_ = crossing
        T = first, geometry.compose(T_second_to_first, geometry.relative(second[18], second))
        return [torch.tensor(one, dtype=torch.float32) for one in T]

    @pytest.mark.parametrize("label_share", [0.0, 0.3, 1.0])
    def test_truth_agrees_better_than_a_shift_either_way(self, crossing, label_share):
        overlap = self.overlap(crossing[2], label_share)
        found = []
        for shift in (-2.0, 0.0, 2.0):
            T = geometry.compose(geometry.transform(None, [shift, 0, shift]), T_SECOND_TO_FIRST)
            found.append(overlap.agreement(*self.poses(crossing, T)).item())
        assert found[1] > max(found[0], found[2]) + 0.02

    def test_what_the_thigh_shows_changes_nothing(self, crossing):
        views = crossing[2]
        poses = self.poses(crossing, T_SECOND_TO_FIRST)
        keep = pelvis_pixels(views[1].masks, spacing_xy_mm=SPACING_XY_MM, margin_mm=2.5)
        masks = np.where(keep, 0, np.uint8(HipLabel.FEMORAL_CORTEX))
        frames = np.where(keep, views[1].frames, 255 - views[1].frames)
        # Not exactly: a contrast is cut off at what is usual at its depth, thigh included.
        plain = self.overlap((views[0], LabelledView(views[1].frames, *self.rest(views[1], masks))))
        other = self.overlap((views[0], LabelledView(frames, *self.rest(views[1], masks))))
        assert not np.array_equal(frames, views[1].frames)
        change = plain.agreement(*poses).item() - other.agreement(*poses).item()
        shown = np.where(masks > 0, 0, np.uint8(0))
        loud = self.overlap((views[0], LabelledView(frames, *self.rest(views[1], shown))))
        quiet = self.overlap((views[0], LabelledView(views[1].frames, *self.rest(views[1], shown))))
        unmasked = quiet.agreement(*poses).item() - loud.agreement(*poses).item()
        assert abs(change) < 0.3 * abs(unmasked)

    @staticmethod
    def rest(view, masks):
        """Return what a view holds beside its frames, with other masks."""
        return view.T_centre_to_world, view.pixel_spacing_xy_mm, masks

    def test_sweeps_that_nowhere_meet_are_refused(self, crossing):
        T = geometry.transform(None, [400.0, 0.0, 0.0])
        with pytest.raises(ValueError, match="must overlap, got no voxel that both reach"):
            self.overlap(crossing[2]).agreement(*self.poses(crossing, T))


class TestPelvisPixels:
    def test_the_shadow_runs_down_from_the_widened_thigh(self):
        masks = np.zeros((1, 8, 9), np.uint8)
        masks[0, 4, 4] = HipLabel.FEMORAL_CORTEX
        masks[0, 2, 0] = HipLabel.ILIUM
        keep = pelvis_pixels(masks, spacing_xy_mm=(0.5, 1.0), margin_mm=1.0)[0]
        expected = np.ones((8, 9), bool)
        expected[3:, 2:7] = False  # 1 mm: two columns sideways, one row up
        np.testing.assert_array_equal(keep, expected)


class TestLabelledView:
    def test_masks_of_other_frames_are_refused(self, crossing):
        view = crossing[2][0]
        with pytest.raises(ValueError, match=r"masks must be \(40, 38, 44\) like the frames"):
            LabelledView(view.frames, view.T_centre_to_world, SPACING_XY_MM, view.masks[1:])
