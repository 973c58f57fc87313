"""Predictions on the grid of their reference, means over structures, one number per subject."""

import numpy as np
import pandas as pd
import pytest

from hipus import images
from hipus.formats.mask_files import read_mask, write_mask
from hipus.mask_scores import score_masks
from hipus.segmentation import volume_scores
from hipus.segmentation.volume_scores import MEAN, STRUCTURE_NAMES, read_on, score_volume

SPACING, ORIGIN = (0.5, 1.0, 2.0), (3.0, -4.0, 5.0)


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a mask somewhere and says where."""

    def write(array, name="case.mha", spacing=SPACING, **place):
        volume = images.Volume(array, spacing, **{"origin_xyz_mm": ORIGIN} | place)
        known = {"scheme": "hip", "made_by": "a test", "origin": "simulated"}
        return write_mask(volume, tmp_path / name, **known)

    return write


@pytest.fixture
def reference(written):
    """Return a reference volume with two structures."""
    array = np.zeros((4, 5, 6), np.uint8)
    array[1, 1:3, 2:5], array[2:, 3:, :2] = 1, 2
    return read_mask(written(array, "reference.mha"))


class TestReading:
    def test_a_mask_on_the_grid_is_returned_as_it_is(self, written, reference):
        array = np.roll(reference.array, 1, axis=2)
        np.testing.assert_array_equal(read_on(written(array), reference), array)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"spacing": (0.5, 2.0, 1.0)}, "of 0.5 x 2 x 1 mm"),
            ({"origin_xyz_mm": (3.0, -4.0, 5.01)}, r"at \(3, -4, 5.01\)"),
            ({"direction": np.diag([-1.0, -1.0, 1.0])}, r", axes \[\[-1"),
        ],
    )
    def test_one_that_lies_elsewhere_is_refused(self, written, reference, change, said):
        path = written(reference.array, **change)
        with pytest.raises(ValueError, match=f"must lie on its reference's grid.*{said}"):
            read_on(path, reference)

    def test_one_of_another_shape_is_refused_though_it_has_as_many_voxels(self, written, reference):
        path = written(reference.array.reshape(4, 6, 5))
        with pytest.raises(ValueError, match=r"\(4, 5, 6\) voxels.*got \(4, 6, 5\) voxels"):
            read_on(path, reference)

    def test_one_of_another_scheme_is_refused(self, reference, tmp_path):
        volume = images.Volume(np.zeros((4, 5, 6), np.uint8), SPACING, ORIGIN)
        path = tmp_path / "still.mha"
        write_mask(volume, path, scheme="stills", made_by="a test", origin="simulated")
        with pytest.raises(ValueError, match="still.mha: labels must be 'hip', got 'stills'"):
            read_on(path, reference, scheme=None)

    def test_a_missing_one_is_an_error(self, reference, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"S001_left_p_a.mha is missing"):
            read_on(tmp_path / "S001_left_p_a.mha", reference)


class TestScores:
    def test_are_those_of_the_references_spacing(self, reference):
        prediction = np.roll(reference.array, 1, axis=2)
        found = score_volume(prediction, reference)
        alone = score_masks(
            prediction, reference.array, spacing_zyx_mm=SPACING, labels=(1, 2, 3, 4)
        )
        assert found[:2] == alone[:2]
        assert found[0].hd_mm == 2.0
        assert [np.isnan(one.dice) for one in found] == [False, False, True, True]

    def test_the_labrum_is_no_structure_of_the_study(self, reference):
        prediction = reference.array.copy()
        prediction[0, 0, 0] = 5
        with pytest.raises(ValueError, match="prediction must hold 0 and the labels"):
            score_volume(prediction, reference)


@pytest.fixture
def scores():
    """Return two subjects' scores: two sweeps and one; the second sweep lacks a structure."""
    values = {("S1", "a"): (0.8, 0.6), ("S1", "b"): (0.4, np.nan), ("S2", "a"): (1.0, 0.0)}
    rows = [
        dict(zip(("subject_id", "sweep_id"), key, strict=True))
        | {
            "model_id": "3.2",
            "structure": name,
            "dice": dice,
            "hd_mm": 1 / dice if dice else np.inf,
        }
        for key, pair in values.items()
        for name, dice in zip(("ilium", "femoral_head"), pair, strict=True)
    ]
    table = pd.DataFrame(rows)
    return table.assign(hd_mm=np.where(table.dice == 0, np.inf, 1 / table.dice.replace(0, 1)))


class TestMeans:
    def test_of_structures_leave_out_what_has_no_value_and_keep_what_is_infinite(self, scores):
        by = ["subject_id", "sweep_id"]
        found = volume_scores.with_mean(scores, by=by, columns=["dice", "hd_mm"])
        assert len(found) == len(scores) + 3
        means = found[found.structure == MEAN].set_index(by)
        assert means.dice.to_dict() == pytest.approx(
            {("S1", "a"): 0.7, ("S1", "b"): 0.4, ("S2", "a"): 0.5}
        )
        assert means.hd_mm["S1", "b"] == pytest.approx(2.5)
        assert means.hd_mm["S2", "a"] == np.inf

    def test_of_subjects_are_over_sweeps(self, scores):
        found = volume_scores.subject_dice(scores).set_index(["subject_id", "structure"]).dice
        assert found["S1", "ilium"] == pytest.approx(0.6)
        assert found["S1", "femoral_head"] == pytest.approx(0.6)
        assert found["S1", MEAN] == pytest.approx((0.7 + 0.4) / 2)
        assert found["S2", MEAN] == pytest.approx(0.5)

    def test_of_frames_count_each_frame_once(self, scores):
        frames = scores[scores.subject_id == "S1"].assign(sweep_id="a", frame_index=[0, 0, 3, 3])
        found = volume_scores.subject_dice(frames).set_index("structure").dice
        assert found[MEAN] == pytest.approx((0.7 + 0.4) / 2)

    def test_the_structures_are_those_that_the_study_segments(self):
        expected = ("ilium", "femoral_head", "chondro_osseous_border", "femoral_cortex")
        assert expected == STRUCTURE_NAMES
