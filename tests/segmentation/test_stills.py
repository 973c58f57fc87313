"""Real stills: drawings gone, pixels alike, machine-made masks kept to their frames and cases."""

from dataclasses import replace

import made_stills
import numpy as np
import pytest

from hipus import config
from hipus.formats import real_data
from hipus.labels import StillLabel
from hipus.segmentation import stills

#: Half the 122 x 152 px that are found, and 5 empty rows below.
SHAPE = (66, 76)
TOP, LEFT = (side.start for side in made_stills.FOUND)


@pytest.fixture(scope="module")
def made():
    """Return frames and labels of one case, 3 frames."""
    return made_stills.case(np.random.default_rng(1))


@pytest.fixture
def read(tmp_path, made):
    """Return a function that writes a case, its masks changed, and reads it."""
    frames, labels = made

    def write_and_read(labels=labels, *, shape_px=SHAPE, **options):
        pictures = made_stills.write_dicom(frames, tmp_path / "171551.dcm")
        masks = made_stills.write_labels(labels, tmp_path / "171551.nii.gz", **options)
        return stills.read_stills(pictures, masks, shape_px=shape_px, attribution="NN")

    return write_and_read


def a_case(name: str, value: int, shape=(1, 4, 6)) -> stills.StillCase:
    """Return a case of one grey level."""
    frames = np.full(shape, value, np.uint8)
    index = np.arange(len(frames))
    return stills.StillCase(name, frames, frames % 4, index, index[:0], 0.2, "NN")


class TestPictures:
    def test_the_sonogram_is_cut_out_and_scaled_alike_in_both_directions(self, read, made):
        found = read()
        assert found.frames.shape == found.labels.shape == (3, *SHAPE)
        blocks = made[0][(slice(None), *made_stills.FOUND)].reshape(3, 61, 2, 76, 2)
        halved = blocks.mean(axis=(2, 4))
        inner = np.s_[:, 6:44, 6:54]  # text and the masked edge lie outside
        np.testing.assert_allclose(found.frames[inner], halved[inner], atol=0.51)
        assert not found.frames[:, 61:].any()
        assert not found.labels[:, 61:].any()

    def test_burnt_in_text_is_black(self, read, made):
        text = np.s_[:, 110:122, 140:167]
        assert (made[0][text] == 255).mean() > 0.4
        halved = np.s_[:, 48:53, 58:71]  # (110 - 15) / 2, (140 - 25) / 2
        assert not read().frames[halved].any()

    def test_a_pixel_is_the_probes_foot_over_the_columns(self, read):
        assert read().pixel_mm == pytest.approx(50.6 / 76)

    def test_a_higher_sonogram_loses_rows_without_labels_only(self, read, made):
        enough = 1 + int(np.flatnonzero(read().labels.any(axis=(0, 2)))[-1])
        lowest = int(np.flatnonzero(made[1].any(axis=(0, 2)))[-1]) - TOP
        assert abs(enough - lowest / 2) <= 1
        assert read(shape_px=(enough, 76)).labels.shape[1] == enough
        with pytest.raises(ValueError, match=rf"171551: shape_px must have > {enough - 1} rows"):
            read(shape_px=(enough - 1, 76))

    @pytest.mark.parametrize("shape", [(60,), (60, 0), (60.0, 70)])
    def test_a_working_size_is_two_whole_numbers(self, read, shape):
        with pytest.raises(ValueError, match="shape_px must be 2 positive whole numbers"):
            read(shape_px=shape)


class TestLabels:
    def test_a_pixel_gets_the_label_with_the_greatest_area(self, read):
        labels = np.zeros((3, *made_stills.SCREEN), np.uint8)
        labels[:, 61:63, 81:83] = [[1, 1], [1, 2]]  # one working pixel
        labels[:, 61:63, 83:85] = [[3, 0], [0, 0]]
        found = read(labels).labels
        row, column = (61 - TOP) // 2, (81 - LEFT) // 2
        assert found[:, row, column].tolist() == [StillLabel.ILIUM] * 3
        assert np.count_nonzero(found) == 3

    def test_frames_without_any_mask_are_dropped_and_named(self, read, made):
        labels = made[1].copy()
        labels[1] = 0
        found = read(labels)
        assert found.frame_index.tolist() == [0, 2]
        assert found.dropped_index.tolist() == [1]
        whole = read()
        np.testing.assert_array_equal(found.frames, whole.frames[[0, 2]])
        np.testing.assert_array_equal(found.labels, whole.labels[[0, 2]])

    def test_a_case_without_any_label_is_refused(self, read, made):
        with pytest.raises(ValueError, match="171551: masks are empty in all 3 frames"):
            read(0 * made[1])

    def test_masks_of_another_shape_are_refused(self, read, made):
        expected = r"171551: masks must be \(3, 150, 210\) like the frames, got \(3, 210, 150\)"
        with pytest.raises(ValueError, match=expected):
            read(made[1].swapaxes(1, 2))

    def test_masks_stored_the_other_way_round_are_refused(self, read):
        with pytest.raises(ValueError, match="orientation .identity direction., got"):
            read(direction=np.diag([-1.0, -1.0, 1.0]))

    def test_values_outside_the_scheme_are_refused(self, read, made):
        with pytest.raises(ValueError, match=r"must be \[0, 1, 2, 3\] \(StillLabel\), got \[4\]"):
            read(made[1] + 1)

    def test_labels_beside_the_sonogram_are_refused(self, read, made):
        with pytest.raises(ValueError, match="must lie in the sonogram, got .* % outside"):
            read(np.roll(made[1], 80, axis=2))


class TestFolds:
    def test_each_case_is_left_out_once_and_never_learned_from(self):
        cases = [a_case(name, value) for value, name in enumerate("abc", start=1)]
        folds = stills.leave_one_case_out(cases)
        assert [fold.left_out.case_id for fold in folds] == ["a", "b", "c"]
        learned = [[case.case_id for case in fold.training] for fold in folds]
        assert learned == [["b", "c"], ["a", "c"], ["a", "b"]]

    def test_one_case_makes_no_fold(self):
        with pytest.raises(ValueError, match="cases must be at least 2, got 1"):
            stills.leave_one_case_out([a_case("a", 1)])

    def test_a_case_may_not_come_twice(self):
        with pytest.raises(ValueError, match=r"case_id must be unique, got \['a', 'a'\]"):
            stills.leave_one_case_out([a_case("a", 1), a_case("a", 2)])

    def test_cases_have_one_size(self):
        with pytest.raises(ValueError, match="one working size, got .*'b': .4, 5."):
            stills.leave_one_case_out([a_case("a", 1), a_case("b", 2, (1, 4, 5))])

    def test_one_picture_in_two_cases_is_a_leak(self):
        shared = np.stack([np.full((4, 6), 9, np.uint8), np.full((4, 6), 1, np.uint8)])
        leaking = replace(a_case("b", 2, (2, 4, 6)), frames=shared, frame_index=np.array([3, 7]))
        with pytest.raises(ValueError, match="got frame 7 of b in a too"):
            stills.leave_one_case_out([a_case("a", 1), leaking])


class TestRegistry:
    def test_every_case_has_pictures_and_masks(self):
        found = stills.case_files()
        assert tuple(found) == made_stills.CASES
        assert found["72628"] == (
            "infant_hip_stills/dicom/72628.dcm",
            "infant_hip_stills/labels/72628.nii.gz",
        )

    def test_an_unknown_case_is_refused(self):
        with pytest.raises(ValueError, match="case_id must be one of .*, got '4711'"):
            stills.load_case("4711", shape_px=SHAPE)

    def test_a_loaded_case_names_its_author(self, tmp_path, made, monkeypatch):
        folder = tmp_path / "infant_hip_stills"
        made_stills.write_dicom(made[0], folder / "dicom" / "167854.dcm")
        made_stills.write_labels(made[1], folder / "labels" / "167854.nii.gz")
        monkeypatch.setattr(real_data, "local_path", lambda name: tmp_path / name)
        found = stills.load_case("167854", shape_px=SHAPE)
        assert found.case_id == "167854"
        assert found.attribution.startswith("Case courtesy of Ashesh Ishwarlal Ranchod")


@pytest.mark.real
class TestOpenStills:
    @pytest.fixture
    def load(self, real_file):
        """Return a function that reads a case at the size of the simulated frames."""

        def read(name):
            pictures, masks = (real_file(file) for file in stills.case_files()[name])
            return stills.read_stills(pictures, masks, shape_px=(232, 256))

        return read

    def test_the_case_with_empty_masks_is_refused_by_name(self, load):
        with pytest.raises(ValueError, match="72628: masks are empty in all 2 frames"):
            load("72628")

    def test_frames_that_the_machine_left_empty_are_dropped(self, load):
        found = load("171554")
        assert found.dropped_index.tolist() == [1, 3]
        assert found.frames.shape == (8, 232, 256)

    def test_the_deepest_labels_fit_the_size_of_every_profile(self, real_file):
        files = [real_file(name) for name in stills.case_files()["171551"]]
        sizes = [config.load(profile).stills for profile in config.profiles()]
        for shape in {(one.rows, one.columns) for one in sizes}:
            assert stills.read_stills(*files, shape_px=shape).labels.shape == (15, *shape)

    def test_heads_are_as_large_as_infants_heads_are(self, load):
        found = load("171555")
        areas_mm2 = (found.labels == StillLabel.FEMORAL_HEAD).sum(axis=(1, 2)) * found.pixel_mm**2
        diameters_mm = 2 * np.sqrt(areas_mm2 / np.pi)
        assert 13 < np.median(diameters_mm) < 20
