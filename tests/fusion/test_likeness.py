"""What of two sweeps is compared: contrasts of the pelvis, labels, and a cube about the head."""

import numpy as np
import pytest
import torch
from made_crossing import (
    HEAD_MM,
    RADIUS_MM,
    SHAPE_HW,
    SPACING_XY_MM,
    true_poses,
    view_of,
)

from hipus import geometry
from hipus.fusion.likeness import (
    ANCHORS,
    THIGH,
    Focus,
    LabelledView,
    PelvisOverlap,
    pelvis_pixels,
)
from hipus.labels import HipLabel

FIRST_MIDDLE = true_poses()[0][20]
HEAD_IN_FIRST_MM = geometry.apply(geometry.invert(FIRST_MIDDLE), HEAD_MM)


@pytest.fixture(scope="module")
def views() -> tuple[LabelledView, LabelledView]:
    """Return both sweeps where they truly lay."""
    return tuple(view_of(T, T) for T in true_poses())


def overlap(views, *, label_share: float = 0.3, focus: Focus | None = None) -> PelvisOverlap:
    """Return what is compared in voxels of 1.6 mm."""
    return PelvisOverlap(
        views, voxel_mm=1.6, window_mm=6.4, device="cpu", label_share=label_share, focus=focus
    )


def poses(shift_mm=(0.0, 0.0, 0.0)) -> list[torch.Tensor]:
    """Return true poses in the first's middle frame, the second's shifted."""
    first, second = (geometry.compose(geometry.invert(FIRST_MIDDLE), T) for T in true_poses())
    second = geometry.compose(geometry.transform(None, shift_mm), second)
    return [torch.tensor(T, dtype=torch.float32) for T in (first, second)]


def rest(view) -> tuple:
    """Return what a view holds beside its frames."""
    return view.T_centre_to_world, view.pixel_spacing_xy_mm, view.masks


class TestAgreement:
    def test_a_sweep_agrees_with_itself_best_and_with_its_negative_worst(self, views):
        first, second = views
        negative = LabelledView(255 - first.frames, *rest(first))
        T = poses()
        itself, other, opposite = (
            overlap((first, one), label_share=0.0).agreement(T[0], place).item()
            for one, place in ((first, T[0]), (second, T[1]), (negative, T[0]))
        )
        assert itself > other > 0 > opposite
        assert opposite == pytest.approx(-itself, abs=0.05)

    def test_the_gradient_of_a_shift_points_back(self, views):
        together = overlap(views)
        for away in (1.0, -1.0):
            shift = torch.tensor([away, 0.0, away], requires_grad=True)
            first, second = poses()
            moved = second.clone()
            moved[:, :3, 3] = second[:, :3, 3] + shift
            together.agreement(first, moved).backward()
            assert (shift.grad[[0, 2]] * away < 0).all()

    @pytest.mark.parametrize("gain", [0.5, 0.8])
    def test_another_gain_changes_next_to_nothing(self, views, gain):
        quiet = LabelledView(
            (views[1].frames * gain).astype(np.uint8),
            views[1].T_centre_to_world,
            SPACING_XY_MM,
            views[1].masks,
        )
        plain = overlap(views).agreement(*poses()).item()
        assert overlap((views[0], quiet)).agreement(*poses()).item() == pytest.approx(
            plain, abs=0.04
        )

    def test_labels_alone_need_no_grey_values(self, views):
        blank = [
            LabelledView(np.full_like(v.frames, 90), v.T_centre_to_world, SPACING_XY_MM, v.masks)
            for v in views
        ]
        found = overlap(blank, label_share=1.0)
        near, far = (found.agreement(*poses(s)).item() for s in ((0, 0, 0), (3.0, 0, 3.0)))
        assert near > far + 0.1

    def test_without_a_share_labels_are_not_written(self, views):
        with_labels, without = (overlap(views, label_share=share) for share in (0.3, 0.0))
        assert with_labels.pictures[0][0].shape[0] == 1 + len(ANCHORS)
        assert without.pictures[0][0].shape[0] == 1


class TestFocus:
    def test_only_a_cube_about_the_head_is_compared(self, views):
        near = overlap(views, label_share=0.0, focus=Focus(HEAD_IN_FIRST_MM, 8.0))
        middle = (
            np.array(near.grid.origin_xyz_mm) + 1.6 * (np.array(near.grid.shape_zyx[::-1]) - 1) / 2
        )
        np.testing.assert_allclose(middle, HEAD_IN_FIRST_MM)
        assert near.grid.shape_zyx == (11, 11, 11)

    def test_pixels_far_from_the_head_are_left_out(self, views):
        everywhere = overlap(views, label_share=0.0)
        near = overlap(views, label_share=0.0, focus=Focus(HEAD_IN_FIRST_MM, 8.0))
        places = near.pictures[0][2].numpy()
        assert len(places) < 0.5 * len(everywhere.pictures[0][2])
        assert np.ptp(places, axis=0).max() <= 16.0
        np.testing.assert_allclose(places.mean(axis=0), HEAD_IN_FIRST_MM[:2], atol=1.2)

    def test_what_lies_elsewhere_does_not_matter(self, views):
        rows, columns = np.mgrid[: SHAPE_HW[0], : SHAPE_HW[1]]
        x, y = (columns - 21.5) * SPACING_XY_MM[0], (rows - 18.5) * SPACING_XY_MM[1]
        far = np.hypot(x - HEAD_MM[0], y - HEAD_MM[1]) > RADIUS_MM + 8
        masks = [np.where(far & np.isin(v.masks, THIGH), 0, v.masks) for v in views]
        # Both pictures of a depth are standardised together, so only whole rows are changed.
        rows_far = np.abs(y[:, 0] - HEAD_MM[1]) > 9.5
        changed = views[1].frames.copy()
        changed[:, rows_far] = 255 - changed[:, rows_far]
        pairs = [
            (LabelledView(views[0].frames, views[0].T_centre_to_world, SPACING_XY_MM, masks[0]),
             LabelledView(frames, views[1].T_centre_to_world, SPACING_XY_MM, masks[1]))
            for frames in (views[1].frames, changed)
        ]  # fmt: skip
        focus = Focus(HEAD_IN_FIRST_MM, 5.0)
        near = [overlap(p, label_share=0.0, focus=focus).agreement(*poses()).item() for p in pairs]
        far = [overlap(p, label_share=0.0).agreement(*poses()).item() for p in pairs]
        assert abs(near[0] - near[1]) < 0.2 * abs(far[0] - far[1])

    def test_truth_still_agrees_better_than_a_shift(self, views):
        near = overlap(views, label_share=0.0, focus=Focus(HEAD_IN_FIRST_MM, 9.0))
        shifts = [(-1.5, 0, -1.5), (0, 0, 0), (1.5, 0, 1.5)]
        found = [near.agreement(*poses(shift)).item() for shift in shifts]
        assert found[1] == max(found)


class TestPelvisPixels:
    def test_a_margin_is_counted_in_mm_along_each_axis(self):
        masks = np.zeros((1, 21, 21), np.uint8)
        masks[0, 10, 10] = HipLabel.CHONDRO_OSSEOUS_BORDER
        keep = pelvis_pixels(masks, spacing_xy_mm=(0.5, 0.25), margin_mm=1.0)[0]
        left_out = np.argwhere(~keep)
        assert left_out[:, 1].min() == 8  # 1 mm of 0.5
        assert left_out[:, 1].max() == 12
        assert left_out[:, 0].min() == 6  # 1 mm of 0.25
        assert left_out[:, 0].max() == 20  # the shadow

    def test_without_a_thigh_all_is_pelvis(self):
        masks = np.full((2, 5, 6), HipLabel.ILIUM, np.uint8)
        assert pelvis_pixels(masks, spacing_xy_mm=(1.0, 1.0)).all()

    def test_frames_are_kept_apart(self):
        masks = np.zeros((3, 6, 6), np.uint8)
        masks[1, 2, 2] = HipLabel.FEMORAL_CORTEX
        keep = pelvis_pixels(masks, spacing_xy_mm=(1.0, 1.0))
        assert keep[[0, 2]].all()
        assert not keep[1].all()
