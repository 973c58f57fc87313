"""Volumetric raters: correcting priors in millimetres, error scale, effort, truth kept out."""

from dataclasses import replace

import numpy as np
import pytest
from annotator_scene import VOLUME_SPACING_MM, volume

from hipus.metrics import dice_per_label
from hipus.phantom.annotator import volume as volume_module
from hipus.phantom.annotator.rater import TYPICAL
from hipus.phantom.annotator.volume import correct_volume

GREY, TRUTH = volume()
SHOWN = (1, 2, 3)


def redraw(prior, *, truth=TRUTH, rater=TYPICAL, seed=1, **options):
    return correct_volume(
        GREY, prior, truth_mask=truth, spacing_zyx_mm=VOLUME_SPACING_MM, rater=rater,
        rng=np.random.default_rng(seed), **options,
    )  # fmt: skip


class TestCorrections:
    def test_a_bad_prior_gets_better(self):
        prior = np.roll(TRUTH, (4, 6), axis=(1, 2))
        result = redraw(prior)
        before, after = (dice_per_label(mask, TRUTH, SHOWN) for mask in (prior, result.masks))
        assert (after > before + 0.1).all()
        assert result.changed_voxels == (result.masks != prior).sum()

    def test_drawing_from_nothing_finds_all_structures(self):
        result = redraw(np.zeros_like(TRUTH))
        assert set(np.unique(result.masks)) == {0, 1, 2, 3}
        assert result.changed_voxels == (result.masks > 0).sum()
        assert result.touched_slices == (result.masks > 0).any(axis=(1, 2)).sum()

    def test_the_own_drawing_as_prior_is_left_alone(self):
        own = redraw(np.zeros_like(TRUTH)).masks
        assert redraw(own).changed_voxels == 0

    def test_a_false_structure_far_from_the_hip_is_erased(self):
        prior = np.zeros_like(TRUTH)
        prior[35:38, 50:54, 55:60] = 4
        assert not (redraw(prior).masks == 4).any()

    def test_a_labrum_in_the_prior_is_dropped_and_counted_as_work(self):
        prior = np.zeros_like(TRUTH)
        prior[0, 0, :3] = 5
        result = redraw(prior, truth=np.zeros_like(TRUTH))
        assert not result.masks.any()
        assert result.changed_voxels == 3

    def test_an_empty_world_stays_empty(self):
        empty = np.zeros_like(TRUTH)
        assert not redraw(empty, truth=empty).masks.any()


class TestErrors:
    def test_error_scale_makes_raters_disagree_more(self):
        agreement = []
        for scale in (0.5, 1.0, 2.0):
            drawn = [
                redraw(np.zeros_like(TRUTH), seed=seed, error_scale=scale).masks
                for seed in range(4)
            ]
            pairs = zip(drawn[:-1], drawn[1:], strict=True)
            agreement.append(np.mean([dice_per_label(*pair, SHOWN) for pair in pairs]))
        assert agreement[0] > agreement[1] + 0.02
        assert agreement[1] > agreement[2] + 0.02

    def test_displacement_is_in_mm_along_every_axis(self):
        rater = replace(
            TYPICAL, head_sd_mm=1.0, head_idea_part=1.0, volume_part=1.0, shadow_gain=0.0,
            contrast_pull=0.0,
        )  # fmt: skip
        shift = np.zeros((4, 3), np.float32)
        shift[1] = 0.7, -1.0, 1.2
        wrong = volume_module.Misconception(shift, np.zeros(4, np.float32))
        masks = redraw(np.zeros_like(TRUTH), rater=rater, misconception=wrong).masks
        moved = [
            np.mean(np.nonzero(masks == 2)[axis]) - np.mean(np.nonzero(TRUTH == 2)[axis])
            for axis in range(3)
        ]
        np.testing.assert_allclose(
            np.multiply(moved, VOLUME_SPACING_MM), [-0.7, 1.0, -1.2], atol=0.15
        )

    def test_equal_seeds_give_equal_masks(self):
        empty = np.zeros_like(TRUTH)
        np.testing.assert_array_equal(redraw(empty).masks, redraw(empty).masks)
        assert (redraw(empty, seed=2).masks != redraw(empty).masks).any()


class TestTruthStaysOut:
    def test_no_mask_equals_the_truth_even_where_the_prior_is_the_truth(self):
        truth = TRUTH.copy()
        for seed in range(3):
            assert (redraw(np.zeros_like(TRUTH), seed=seed).masks != truth).any()
        assert (redraw(truth, error_scale=2.0).masks != truth).any()

    def test_truth_reaches_the_drawing_through_the_idea_alone(self, monkeypatch):
        prior = np.roll(TRUTH, 2, axis=0)
        imagine = volume_module.imagine_volume
        ideas = []

        def remember(*args, **given):
            ideas.append(imagine(*args, **given))
            return ideas[-1]

        monkeypatch.setattr(volume_module, "imagine_volume", remember)
        honest = redraw(prior).masks
        monkeypatch.setattr(volume_module, "imagine_volume", lambda *args, **given: ideas[0])
        # Mirrored labels fill the same box, so that only the idea could tell the truths apart.
        other = np.where(TRUTH == 1, 3, np.where(TRUTH == 3, 1, TRUTH)).astype(np.uint8)
        np.testing.assert_array_equal(redraw(prior, truth=other).masks, honest)


class TestRefusals:
    def test_masks_unlike_the_volume(self):
        with pytest.raises(ValueError, match=r"prior_mask must be \(D, H, W\) uint8 like volume"):
            redraw(TRUTH[:5])
        with pytest.raises(ValueError, match=r"truth_mask must be .* float64 with volume"):
            redraw(TRUTH, truth=TRUTH.astype(float))

    def test_spacing_and_scale_that_are_not_positive(self):
        with pytest.raises(ValueError, match="spacing_zyx_mm must be 3 positive numbers, got"):
            correct_volume(
                GREY, TRUTH, truth_mask=TRUTH, spacing_zyx_mm=(0.0, 1, 1), rater=TYPICAL,
                rng=np.random.default_rng(1),
            )  # fmt: skip
        with pytest.raises(ValueError, match="error_scale must be positive, got 0"):
            redraw(TRUTH, error_scale=0)
