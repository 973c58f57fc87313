"""Slice-wise raters: what they draw, where they err, and how little of the truth they know."""

from dataclasses import replace

import numpy as np
import pytest
from annotator_scene import SIDE_MM, sweep, truth_mask
from scipy import ndimage

from hipus.metrics import dice_per_label
from hipus.phantom.annotator import slices
from hipus.phantom.annotator.idea import Misconception
from hipus.phantom.annotator.rater import DRAWN, TYPICAL
from hipus.phantom.annotator.slices import annotate_slicewise

FRAMES, TRUTH = sweep()
#: A rater whose idea is nearly right and who ignores the picture.
CAREFUL = replace(
    TYPICAL.scaled(1e-3 / TYPICAL.head_sd_mm), contrast_pull=0.0, missed_part=1e-9, detail_mm=0.05
)
#: No lasting error, so that only what a test sets is wrong.
NO_MISCONCEPTION = Misconception(np.zeros((4, 2), np.float32), np.zeros(4, np.float32))


def annotate(frames=FRAMES, truth=TRUTH, *, rater=TYPICAL, seed=1, **options):
    return annotate_slicewise(
        frames, truth, pixel_side_mm=SIDE_MM, rater=rater, rng=np.random.default_rng(seed),
        **options,
    )  # fmt: skip


class TestDrawing:
    def test_all_four_structures_come_out_recognisable_and_the_labrum_does_not(self):
        masks = annotate().masks
        assert masks.dtype == np.uint8
        assert masks.shape == FRAMES.shape
        assert set(np.unique(masks)) == {0, 1, 2, 3, 4}
        assert (dice_per_label(masks, TRUTH, DRAWN) > 0.4).all()

    def test_a_careful_rater_who_knows_nearly_everything_comes_close(self):
        scores = dice_per_label(annotate(rater=CAREFUL).masks, TRUTH, DRAWN)
        assert (scores > 0.97).all()

    def test_equal_seeds_give_equal_masks_and_others_do_not(self):
        np.testing.assert_array_equal(annotate().masks, annotate().masks)
        assert (annotate(seed=1).masks != annotate(seed=2).masks).any()

    def test_structures_absent_from_the_truth_are_not_invented(self):
        truth = np.where(TRUTH == 3, 0, TRUTH).astype(np.uint8)
        assert not (annotate(truth=truth).masks == 3).any()

    def test_nothing_is_drawn_on_black_margins(self):
        frames = FRAMES.copy()
        frames[:, :, :20] = 0
        masks = annotate(frames).masks
        assert not masks[:, :, :20].any()
        assert (masks[:, :, 20:46] == 1).any()

    def test_an_empty_truth_gives_empty_masks_and_no_effort(self):
        result = annotate(truth=np.zeros_like(TRUTH))
        assert not result.masks.any()
        assert (result.changed_voxels, result.touched_slices) == (0, 0)


class TestErrors:
    def test_a_lasting_shift_moves_a_structure_against_the_axes_given(self):
        shift = np.zeros((4, 2), np.float32)
        shift[1] = -1.0, 2.0  # Read one up and two right: the head moves down and left.
        wrong = Misconception(shift, np.zeros(4, np.float32))
        rater = replace(CAREFUL, head_sd_mm=1.0, head_idea_part=1.0, shadow_gain=0.0)
        masks = annotate(rater=rater, misconception=wrong).masks
        truth = np.array(ndimage.center_of_mass(TRUTH[0] == 2))
        moved = np.array(ndimage.center_of_mass(masks[0] == 2)) - truth
        np.testing.assert_allclose(moved * SIDE_MM, [1.0, -2.0], atol=0.15)

    def test_growth_adds_to_the_radius(self):
        wrong = Misconception(np.zeros((4, 2), np.float32), np.array([0, 1, 0, 0], np.float32))
        rater = replace(
            CAREFUL, head_sd_mm=1.0, head_idea_part=1.0, shadow_gain=0.0, border_sd_mm=1e-4
        )
        truth = np.where(TRUTH == 2, 2, 0).astype(np.uint8)
        area = (annotate(truth=truth, rater=rater, misconception=wrong).masks[0] == 2).sum()
        assert np.sqrt(area / np.pi) * SIDE_MM == pytest.approx(9.0, abs=0.1)

    def test_errors_grow_in_shadow(self):
        frames = np.full_like(FRAMES, 90)
        rater = replace(TYPICAL, shadow_gain=2.0, contrast_pull=0.0)
        scores = []
        for grey in (90, 10):
            drawn = [annotate(frames * 0 + grey, rater=rater, seed=s).masks for s in range(4)]
            scores.append(np.mean([dice_per_label(m, TRUTH, (1, 3, 4)) for m in drawn]))
        assert scores[0] > scores[1] + 0.05

    def test_thin_parts_are_missed_and_the_head_is_not(self):
        rater = replace(CAREFUL, missed_part=0.3, shadow_gain=0.0)
        masks = annotate(rater=rater).masks
        kept = [((masks == label) & (label == TRUTH)).sum() / (label == TRUTH).sum()
                for label in DRAWN]  # fmt: skip
        assert 0.5 < np.mean([kept[0], kept[2], kept[3]]) < 0.85
        assert kept[1] > 0.97

    def test_neighbouring_frames_err_alike_and_distant_ones_do_not(self):
        truth = np.stack([truth_mask()] * 12)
        frames = np.stack([FRAMES[0]] * 12)
        rater = replace(TYPICAL, frame_length=3.0, band_idea_part=0.0, head_idea_part=0.0)
        changes = {
            step: np.mean([
                1 - np.nanmean(dice_per_label(masks[0], masks[1], DRAWN))
                for seed in range(6)
                for masks in [annotate(
                    frames[:2], truth[:2], rater=rater, seed=seed, frame_indices=[0, step],
                    misconception=NO_MISCONCEPTION,
                ).masks]
            ])
            for step in (1, 30)
        }  # fmt: skip
        assert changes[1] < 0.6 * changes[30]


class TestContrast:
    def test_the_picture_pulls_a_wrong_idea_back(self):
        wrong = Misconception(np.ones((4, 2), np.float32), np.zeros(4, np.float32))
        scores = []
        for pull in (0.0, 0.9):
            rater = replace(
                CAREFUL, ilium_sd_mm=0.5, band_idea_part=1.0, contrast_pull=pull, shadow_gain=0.0
            )
            masks = annotate(rater=rater, misconception=wrong).masks
            scores.append(dice_per_label(masks, TRUTH, (1,))[0])
        assert scores[1] > scores[0] + 0.15

    def test_a_black_picture_pulls_nowhere(self):
        frames = np.ones_like(FRAMES)
        free = annotate(frames, rater=replace(TYPICAL, contrast_pull=0.0)).masks
        np.testing.assert_array_equal(
            annotate(frames, rater=replace(TYPICAL, contrast_pull=1.0)).masks, free
        )


class TestTruthStaysOut:
    def test_no_mask_equals_the_truth(self):
        truth = np.where(TRUTH > 4, 0, TRUTH)
        for seed in range(5):
            masks = annotate(seed=seed).masks
            assert all((mask != true).any() for mask, true in zip(masks, truth, strict=True))

    def test_truth_reaches_the_drawing_through_the_idea_alone(self, monkeypatch):
        honest = annotate().masks
        imagine = slices.imagine
        seen = iter(TRUTH)
        monkeypatch.setattr(
            slices, "imagine", lambda truth, *args, **given: imagine(next(seen), *args, **given)
        )
        # Another truth is handed in; ideas still come from the old one: nothing may change.
        other = np.roll(TRUTH, 30, axis=2)
        np.testing.assert_array_equal(annotate(truth=other).masks, honest)

    def test_an_idea_holds_no_detail_finer_than_the_rater_s(self):
        smooth = truth_mask()
        dotted = smooth.copy()
        dotted[60, 84] = 0
        rater = replace(CAREFUL, detail_mm=0.5)
        drawn = [annotate(FRAMES[:1], mask[None], rater=rater).masks for mask in (smooth, dotted)]
        np.testing.assert_array_equal(*drawn)


class TestPrior:
    def test_a_prior_like_the_own_drawing_is_left_alone(self):
        own = annotate().masks
        result = annotate(prior_masks=own)
        np.testing.assert_array_equal(result.masks, own)
        assert (result.changed_voxels, result.touched_slices) == (0, 0)

    def test_only_the_bad_frame_of_a_prior_is_touched(self):
        prior = annotate().masks
        prior[3] = 0
        result = annotate(prior_masks=prior)
        assert result.touched_slices == 1
        assert result.changed_voxels == (result.masks[3] != 0).sum()

    def test_a_tolerant_rater_keeps_what_a_strict_one_redraws(self):
        prior = np.roll(annotate().masks, 1, axis=1)
        effort = [
            annotate(rater=replace(TYPICAL, tolerance_mm=mm), prior_masks=prior).changed_voxels
            for mm in (0.0, 0.3, 2.0)
        ]
        assert effort[0] > effort[2]
        assert effort == sorted(effort, reverse=True)


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"truth": TRUTH[:3]}, r"truth_masks must be \(N, H, W\) uint8 like frames, got \(3,"),
            ({"truth": TRUTH.astype(int)}, "truth_masks must be .* int64 with frames"),
            ({"prior_masks": TRUTH[0]}, r"prior_masks must be \(N, H, W\)"),
            ({"frame_indices": [1, 2]}, r"frame_indices must be \(5,\), got \(2,\)"),
        ],
    )
    def test_arrays_that_do_not_fit(self, change, message):
        with pytest.raises(ValueError, match=message):
            annotate(**change)

    def test_pixels_without_a_size(self):
        with pytest.raises(ValueError, match="pixel_side_mm must be positive, got 0"):
            annotate_slicewise(
                FRAMES, TRUTH, pixel_side_mm=0, rater=TYPICAL, rng=np.random.default_rng(1)
            )
