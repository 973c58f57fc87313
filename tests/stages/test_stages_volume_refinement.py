"""Raters who draw volumes on a grid finer than the one that networks see."""

import shutil
from types import SimpleNamespace

import made_labelled_cohort
import numpy as np
import pandas as pd
import pytest
from made_labelled_cohort import write_labelled_cohort
from study_folders import make_study_folder, without_real_data

from hipus import config, images, parallel, paths
from hipus.formats.mask_files import read_mask
from hipus.labels import HipLabel
from hipus.metrics import dice, dice_per_label
from hipus.phantom.annotator.rater import DRAWN
from hipus.phantom.annotator.volume import correct_volume
from hipus.segmentation.finer_grid import united
from hipus.stages import sweep_volumes, volume_labels
from hipus.stages.volume_labels import Task

#: Coarse beside a rater's errors, and no whole number of the pixels' 0.6 mm.
SPACING_MM = 1.1
VOXEL_MM3 = SPACING_MM**3
SUBJECTS = [("S001", "study", "train", 1, 1)]
SWEEPS = [("left", "p_a"), ("right", "p_a")]
STEMS = ["S001_left_p_a", "S001_right_p_a"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Make two sweeps and their volumes, one of a turned probe; priors are first_masks."""
    folder = make_study_folder(tmp_path_factory.mktemp("refinement"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        patch.setattr(made_labelled_cohort, "SUBJECTS", SUBJECTS)
        patch.setattr(made_labelled_cohort, "SWEEPS", SWEEPS)
        write_labelled_cohort()
        common = config.load("smoke").common
        sizes = SimpleNamespace(spacing_mm=SPACING_MM, widest_gap_mm=2.0)
        study = SimpleNamespace(profile="smoke", common=common, sweep_volumes=sizes)
        results = paths.results_dir("smoke")
        shutil.rmtree(results / "sweep_volumes")
        sweep_volumes.main(study)
        for stem in STEMS:  # the prior is the truth: what is changed is the rater's own
            for end in ("", ".labels.json"):
                source = results / "sweep_volumes" / f"{stem}_truth.mha{end}"
                shutil.copy(source, results / "first_masks" / f"{stem}.mha{end}")
        yield study


class Seen(list):
    """Notes what raters see, and lets them correct it."""

    def __call__(self, grey, prior, **named):
        """Correct a volume."""
        corrected = correct_volume(grey, prior, **named)
        self.append(SimpleNamespace(grey=grey, prior=prior, corrected=corrected, **named))
        return corrected


@pytest.fixture(scope="module")
def drawn(study, tmp_path_factory):
    """Let two raters correct both volumes on the volume's grid and on a finer one."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for factor in (1, 2):
            study.volume_labels = SimpleNamespace(refinement=factor)
            for rater in ("C", "D"):
                seen, out = Seen(), tmp_path_factory.mktemp(f"{rater}{factor}")
                patch.setattr(volume_labels, "correct_volume", seen)
                task = Task(rater, "first", paths.results_dir("smoke") / "first_masks", out)
                made = volume_labels.correct_cases(study, cases(study), task=task)
                masks = {stem: read_mask(out / f"{stem}.mha") for stem in STEMS}
                found[rater, factor] = SimpleNamespace(seen=seen, masks=masks, made=made)
    return found


def cases(study) -> pd.DataFrame:
    """Return both sweeps."""
    return volume_labels.volume_rows(study)


def volume_of(stem: str, what: str) -> np.ndarray:
    """Return a volume or its truth."""
    return images.read(sweep_volumes.volumes_dir("smoke") / f"{stem}_{what}.mha").array


class TestWhatRatersSee:
    def test_the_volumes_own_grid_where_nothing_is_divided(self, drawn):
        for stem, seen in zip(STEMS, drawn["C", 1].seen, strict=True):
            np.testing.assert_array_equal(seen.grey, volume_of(stem, "grey"))
            np.testing.assert_array_equal(seen.truth_mask, volume_of(stem, "truth"))
            assert seen.spacing_zyx_mm == pytest.approx([SPACING_MM] * 3)

    def test_the_sweep_once_more_on_voxels_of_half_the_side(self, drawn):
        for stem, seen in zip(STEMS, drawn["C", 2].seen, strict=True):
            truth = volume_of(stem, "truth")
            assert seen.spacing_zyx_mm == pytest.approx([SPACING_MM / 2] * 3)
            twice = tuple(2 * side for side in truth.shape)
            shapes = {seen.grey.shape, seen.prior.shape, seen.truth_mask.shape}
            assert shapes == {twice}
            # It is no copy of the coarse one: eight parts of a voxel differ.
            parts = seen.truth_mask.reshape([n for side in truth.shape for n in (side, 2)])
            assert (parts.min(axis=(1, 3, 5)) != parts.max(axis=(1, 3, 5))).any()

    def test_the_finer_truth_lies_where_the_coarse_one_does(self, drawn):
        for stem, seen in zip(STEMS, drawn["C", 2].seen, strict=True):
            coarse, fine = (
                one == HipLabel.FEMORAL_HEAD for one in (volume_of(stem, "truth"), seen.truth_mask)
            )
            assert dice(united(fine.astype(np.uint8), 2) > 0, coarse) > 0.95
            # A fine index is half a coarse one, less a quarter; 0.1 is a tenth of a voxel.
            middles = [np.argwhere(one).mean(axis=0) for one in (coarse, fine)]
            np.testing.assert_allclose(middles[1] / 2 - 0.25, middles[0], atol=0.1)

    def test_the_finer_picture_lies_where_the_coarse_one_does(self, drawn):
        for stem, seen in zip(STEMS, drawn["C", 2].seen, strict=True):
            grey = volume_of(stem, "grey").astype(float)
            means = seen.grey.reshape([n for side in grey.shape for n in (side, 2)])
            means = means.mean(axis=(1, 3, 5))
            own, *others = (
                np.corrcoef(np.roll(means, step, axis).ravel(), grey.ravel())[0, 1]
                for axis, step in ((0, 0), (0, 1), (0, -1), (1, 1), (1, -1), (2, 1), (2, -1))
            )
            assert own > 0.9
            assert own > max(others)

    def test_the_prior_is_divided_and_not_made_anew(self, drawn):
        for stem, seen in zip(STEMS, drawn["C", 2].seen, strict=True):
            prior = volume_of(stem, "truth")
            np.testing.assert_array_equal(seen.prior[::2, ::2, ::2], prior)
            np.testing.assert_array_equal(seen.prior[1::2, 1::2, 1::2], prior)


class TestWhatRatersLeave:
    @pytest.mark.parametrize("rater", ["C", "D"])
    @pytest.mark.parametrize("factor", [1, 2])
    def test_masks_lie_on_the_volumes_grid(self, drawn, rater, factor):
        for stem, mask in drawn[rater, factor].masks.items():
            grey = images.read(sweep_volumes.volumes_dir("smoke") / f"{stem}_grey.mha")
            assert mask.array.shape == grey.array.shape
            assert mask.spacing_zyx_mm == pytest.approx(grey.spacing_zyx_mm)
            assert mask.origin_xyz_mm == pytest.approx(grey.origin_xyz_mm)
            assert (mask.scheme, mask.made_by) == ("hip", f"simulated rater {rater}")

    def test_a_mask_is_what_was_drawn_put_together(self, drawn):
        one = drawn["D", 2]
        for seen, mask in zip(one.seen, one.masks.values(), strict=True):
            np.testing.assert_array_equal(united(seen.corrected.masks, 2), mask.array)

    def test_scores_are_of_the_written_mask_and_the_volumes_truth(self, drawn):
        one = drawn["C", 2]
        for stem, (_, rows) in zip(STEMS, one.made.scores.groupby("sweep_id"), strict=True):
            expected = dice_per_label(one.masks[stem].array, volume_of(stem, "truth"), DRAWN)
            np.testing.assert_allclose(rows.dice_corrected, expected)
            np.testing.assert_allclose(rows.dice_prior, 1.0)

    def test_effort_counts_the_voxels_that_were_drawn(self, drawn):
        for factor in (1, 2):
            one = drawn["C", factor]
            for row, seen in zip(one.made.effort.itertuples(), one.seen, strict=True):
                changed = seen.corrected.masks != seen.prior
                assert row.changed_voxels == changed.sum()
                part_mm3 = VOXEL_MM3 / factor**3
                assert row.changed_mm3 == pytest.approx(changed.sum() * part_mm3)
                assert row.slice_count == len(seen.prior)
        labelled = [drawn["C", factor].made.effort.labelled_mm3 for factor in (1, 2)]
        np.testing.assert_allclose(*labelled, rtol=0.15)

    def test_two_raters_agree_less_where_their_errors_can_show(self, drawn):
        agreement = {
            factor: [
                np.nanmean(dice_per_label(drawn["C", factor].masks[stem].array, other.array, DRAWN))
                for stem, other in drawn["D", factor].masks.items()
            ]
            for factor in (1, 2)
        }
        assert all(
            coarse > fine for coarse, fine in zip(agreement[1], agreement[2], strict=True)
        ), agreement


class TestRefusals:
    def test_a_finer_grid_needs_the_sweep_itself(self, study, tmp_path):
        study.volume_labels = SimpleNamespace(refinement=2)
        gone = cases(study).iloc[:1].assign(sweep_id="left_p_d")
        names = {"grey.mha", "truth.mha", "truth.mha.labels.json"}
        for name in names:
            source = sweep_volumes.volumes_dir("smoke") / f"{STEMS[0]}_{name}"
            shutil.copy(source, source.with_name(f"S001_left_p_d_{name}"))
        task = Task("C", "first", None, tmp_path)
        with pytest.raises(parallel.CaseError, match="S001_left_p_d failed.*left_p_d"):
            volume_labels.correct_cases(study, gone, task=task)
        assert not list(tmp_path.iterdir())

    def test_a_factor_below_one(self, study, tmp_path):
        study.volume_labels = SimpleNamespace(refinement=0)
        with pytest.raises(parallel.CaseError, match="factor must be >= 1, got 0"):
            volume_labels.correct_cases(
                study, cases(study).iloc[:1], task=Task("C", "first", None, tmp_path)
            )
