"""Masks and their sidecars: what comes back, and what is refused."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from hipus import images
from hipus.formats import mask_files, metafile
from hipus.formats.mask_files import LabelMask, read_mask, sidecar_file, write_mask
from hipus.labels import SCHEMES, HipLabel, StillLabel

SPACING_ZYX = (0.3, 0.7, 1.1)
ABOUT = {"scheme": "hip", "made_by": "model 3.2", "of": "S001/left_p_a", "origin": "simulated"}


@pytest.fixture
def labels(rng) -> np.ndarray:
    """Return an asymmetric volume with every number of the hip scheme."""
    return rng.integers(0, 6, (4, 5, 7), dtype=np.uint8)


@pytest.fixture
def written(labels, tmp_path):
    """Return the path of a written hip mask."""
    place = images.Volume(labels, SPACING_ZYX, (1.0, -2.0, 3.0), np.diag([1.0, -1.0, -1.0]))
    return write_mask(place, tmp_path / "mask.mha", **ABOUT)


class TestRoundTrip:
    @pytest.mark.parametrize("suffix", [".mha", ".nii.gz", ".nii", ".nrrd"])
    def test_a_volume_comes_back_with_its_place_and_its_story(self, labels, tmp_path, suffix):
        direction = np.diag([1.0, -1.0, -1.0])
        given = images.Volume(labels, SPACING_ZYX, (1.0, -2.0, 3.0), direction)
        found = read_mask(write_mask(given, tmp_path / f"mask{suffix}", **ABOUT))
        np.testing.assert_array_equal(found.array, labels)
        np.testing.assert_allclose(found.spacing_zyx_mm, SPACING_ZYX, rtol=1e-6)
        np.testing.assert_allclose(found.origin_xyz_mm, (1.0, -2.0, 3.0), rtol=1e-6)
        np.testing.assert_allclose(found.direction, direction, atol=1e-6)
        assert {name: getattr(found, name) for name in ABOUT} == ABOUT
        assert found.labels is HipLabel
        np.testing.assert_array_equal(found.volume.array, labels)

    def test_a_stack_of_frames_takes_the_spacing_that_is_given(self, labels, tmp_path):
        path = write_mask(labels, tmp_path / "stack.mha", spacing_zyx_mm=SPACING_ZYX, **ABOUT)
        assert read_mask(path).spacing_zyx_mm == pytest.approx(SPACING_ZYX)

    def test_a_picture_has_no_scale(self, labels, tmp_path):
        found = read_mask(write_mask(labels[0], tmp_path / "mask.png", **ABOUT))
        np.testing.assert_array_equal(found.array, labels[0])
        assert found.spacing_zyx_mm is None
        with pytest.raises(ValueError, match=r"mask of \(5, 7\) is a picture without spacing"):
            _ = found.volume

    def test_the_truth_of_a_cohorts_frames_can_be_read_by_its_scheme(self, tiny_sweep, tmp_path):
        masks = (tiny_sweep.frames % 6).astype(np.uint8)
        path = tmp_path / "truth_masks.igs.mha"
        metafile.write(path, metafile.from_sweep(replace(tiny_sweep, frames=masks)))
        np.testing.assert_array_equal(read_mask(path, scheme="hip").array, masks)

    def test_whole_numbers_in_another_type_are_taken(self, labels, tmp_path):
        images.write(images.Volume(labels.astype(np.float32), SPACING_ZYX), tmp_path / "m.mha")
        found = read_mask(tmp_path / "m.mha", scheme="hip")
        assert found.array.dtype == np.uint8
        np.testing.assert_array_equal(found.array, labels)
        assert (found.made_by, found.origin) == ("", "")


class TestSidecar:
    def test_it_names_every_number(self, written):
        content = json.loads(sidecar_file(written).read_text())
        assert sidecar_file(written).name == "mask.mha.labels.json"
        assert content == ABOUT | {
            "labels": {
                "background": 0, "ilium": 1, "femoral_head": 2, "chondro_osseous_border": 3,
                "femoral_cortex": 4, "labrum": 5,
            }
        }  # fmt: skip

    @pytest.mark.parametrize("name", ["stills", "still"])
    def test_the_scheme_of_the_stills_has_both_names_and_is_written_as_one(self, tmp_path, name):
        array = np.array([[0, 1], [2, 3]], np.uint8)
        path = write_mask(array, tmp_path / "a.png", **(ABOUT | {"scheme": name}))
        found = read_mask(path, scheme=name)
        assert found.scheme == json.loads(sidecar_file(path).read_text())["scheme"] == "stills"
        assert found.labels is StillLabel

    def test_every_scheme_of_the_study_can_be_written(self):
        assert set(mask_files.SCHEMES.values()) == set(SCHEMES.values())
        assert {mask_files.scheme_name(name) for name in SCHEMES} == set(mask_files.SCHEMES)

    def test_an_interrupted_write_leaves_no_mask_with_the_old_sidecar(
        self, written, labels, monkeypatch
    ):
        def fail(*_):
            raise OSError("disk full")

        monkeypatch.setattr(mask_files, "write_text", fail)
        with pytest.raises(OSError, match="disk full"):
            write_mask(labels, written, spacing_zyx_mm=SPACING_ZYX, **ABOUT)
        with pytest.raises(ValueError, match=r"has no mask\.mha\.labels\.json"):
            read_mask(written)

    def test_without_one_the_scheme_must_be_told(self, written):
        sidecar_file(written).unlink()
        with pytest.raises(ValueError, match=r"say what its numbers mean, --labels hip\|stills"):
            read_mask(written)
        assert read_mask(written, scheme="hip").scheme == "hip"

    def test_another_scheme_than_asked_for_is_refused(self, written):
        with pytest.raises(ValueError, match="says that labels are 'hip', asked for 'stills'"):
            read_mask(written, scheme="stills")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "is no sidecar of a mask"),
            ("[]", "is no sidecar of a mask"),
            ('{"scheme": "knee"}', r"label scheme must be one of hip\|stills, got 'knee'"),
            ('{"scheme": 1}', r"\['scheme'\] must be text"),
            ('{"scheme": "hip", "labels": {"ilium": 3}}', "labels must be {'background': 0"),
        ],
    )
    def test_a_damaged_one_is_refused(self, written, text, message):
        sidecar_file(written).write_text(text)
        with pytest.raises(ValueError, match=message):
            read_mask(written)


class TestRefusals:
    def test_numbers_outside_the_scheme_are_named(self, labels, tmp_path):
        labels[0, 0, :2] = 9, 17
        with pytest.raises(
            ValueError, match="values 9, 17 in 2 places are not in scheme 'hip', 0 to 5"
        ):
            write_mask(labels, tmp_path / "m.mha", spacing_zyx_mm=SPACING_ZYX, **ABOUT)
        assert not list(tmp_path.iterdir())

    def test_halves_and_nan_are_no_labels(self, labels, tmp_path):
        values = labels.astype(np.float32)
        values[1, 1, 1:3] = 0.5, np.nan
        images.write(images.Volume(values, SPACING_ZYX), tmp_path / "m.mha")
        with pytest.raises(ValueError, match=r"values 0\.5, nan in 2 places"):
            read_mask(tmp_path / "m.mha", scheme="hip")

    def test_a_mask_of_the_hip_is_none_of_the_stills(self, labels, tmp_path):
        images.write(images.Volume(labels, SPACING_ZYX), tmp_path / "m.mha")
        with pytest.raises(ValueError, match="values 4, 5 in .* not in scheme 'stills', 0 to 3"):
            read_mask(tmp_path / "m.mha", scheme="still")

    @pytest.mark.parametrize(
        ("shape", "name", "message"),
        [
            ((5, 7), "m.mha", r"a mask of \(5, 7\) has no scale, it must end in \.png"),
            ((4, 5, 7), "m.png", r"m\.png must end in one of"),
            ((4, 5, 7), "m.mha", r"spacing_zyx_mm must be given for a stack of \(4, 5, 7\)"),
            ((4,), "m.mha", r"mask must be a volume, \(N, H, W\) or \(H, W\), got \(4,\)"),
        ],
    )
    def test_a_form_that_the_file_cannot_hold(self, tmp_path, shape, name, message):
        with pytest.raises(ValueError, match=message):
            write_mask(np.zeros(shape, np.uint8), tmp_path / name, **ABOUT)

    def test_an_unknown_origin(self, labels, tmp_path):
        with pytest.raises(ValueError, match="origin must be one of .* got 'clinic'"):
            write_mask(labels[0], tmp_path / "m.png", **(ABOUT | {"origin": "clinic"}))

    def test_files_that_are_missing_or_no_masks(self, tmp_path):
        for name in ("gone.png", "gone.mha"):
            with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
                read_mask(tmp_path / name, scheme="hip")
        (tmp_path / "m.png").write_bytes(b"no picture")
        with pytest.raises(ValueError, match=r"m\.png cannot be read as a picture"):
            read_mask(tmp_path / "m.png", scheme="hip")
        cv2.imwrite(str(tmp_path / "m.png"), np.zeros((3, 4, 3), np.uint8))
        with pytest.raises(ValueError, match="must have one channel, got 3"):
            read_mask(tmp_path / "m.png", scheme="hip")

    def test_a_picture_that_cannot_be_encoded(self, tmp_path, monkeypatch):
        monkeypatch.setattr(cv2, "imencode", lambda *_: (False, None))
        with pytest.raises(ValueError, match="cannot be written as a picture"):
            write_mask(np.zeros((2, 2), np.uint8), tmp_path / "m.png", **ABOUT)


def test_a_mask_knows_its_labels_without_a_file():
    mask = LabelMask(np.zeros((2, 3), np.uint8), "stills", None)
    assert mask.labels.OS_ISCHIUM == 3
