"""Ultrasound DICOM: grey levels, times, distrust of spacings, and no person's data."""

import logging
import struct

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from hipus.formats import dicom
from hipus.formats.dicom import SpacingSource

STILLS = ("167854", "167855", "171551", "171554", "171555", "172533", "172658", "72628")


def build(pixels: np.ndarray, model: str, **elements) -> Dataset:
    """Return a data set of (N, H, W) or (N, H, W, 3) uint8 pixels."""
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    found.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    found.SOPClassUID, found.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    found.Modality, found.PatientName, found.PatientID = "US", "Secret^Person", "4711-secret"
    found.NumberOfFrames, found.Rows, found.Columns = pixels.shape[:3]
    found.SamplesPerPixel = 3 if pixels.ndim == 4 else 1
    found.PhotometricInterpretation = model
    found.BitsAllocated, found.BitsStored, found.HighBit = 8, 8, 7
    found.PixelRepresentation, found.PlanarConfiguration = 0, 0
    found.PixelData = pixels.tobytes() + b"\0" * (pixels.size % 2)
    for keyword, value in elements.items():
        setattr(found, keyword, value)
    return found


@pytest.fixture
def save(tmp_path):
    """Return a function that writes a data set and returns its path."""

    def write(found: Dataset):
        path = tmp_path / "cine.dcm"
        pydicom.dcmwrite(path, found, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def grey(rng):
    """Return 3 frames of 5 x 9 px."""
    return rng.integers(0, 256, (3, 5, 9), dtype=np.uint8)


def region(**elements) -> Dataset:
    """Return a two-dimensional region calibrated in cm."""
    found = Dataset()
    found.RegionSpatialFormat = 1
    found.PhysicalUnitsXDirection = found.PhysicalUnitsYDirection = 3
    found.PhysicalDeltaX, found.PhysicalDeltaY = 0.007, -0.005
    found.RegionLocationMinX0, found.RegionLocationMinY0 = 1, 2
    found.RegionLocationMaxX1, found.RegionLocationMaxY1 = 7, 4
    for keyword, value in elements.items():
        setattr(found, keyword, value)
    return found


class TestPixels:
    def test_grey_levels_are_the_files(self, save, grey):
        found = dicom.read(save(build(grey, "MONOCHROME2")))
        np.testing.assert_array_equal(found.frames, grey)
        assert not found.is_coloured.any()

    def test_a_single_frame_is_a_cine_of_one(self, save, grey):
        data = build(grey[:1], "MONOCHROME2")
        del data.NumberOfFrames
        assert dicom.read(save(data)).frames.shape == (1, 5, 9)

    def test_inverted_grey_is_turned_round(self, save, grey):
        found = dicom.read(save(build(grey, "MONOCHROME1")))
        np.testing.assert_array_equal(found.frames, 255 - grey)

    def test_equal_channels_are_their_value(self, save, grey):
        found = dicom.read(save(build(np.repeat(grey[..., None], 3, axis=3), "RGB")))
        np.testing.assert_array_equal(found.frames, grey)
        assert not found.is_coloured.any()

    def test_colour_becomes_luma_and_is_remembered(self, save):
        pixels = np.full((2, 5, 9, 3), 80, np.uint8)
        pixels[1, 2, 3] = (200, 100, 50)
        found = dicom.read(save(build(pixels, "RGB")))
        assert found.frames[1, 2, 3] == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
        assert np.argwhere(found.is_coloured).tolist() == [[1, 2, 3]]
        assert found.frames[0, 0, 0] == 80

    def test_luma_chroma_is_converted(self, save):
        # Y 76, Cb 85, Cr 255 is pure red; 128, 128 carry no colour.
        pixels = np.full((1, 5, 9, 3), 128, np.uint8)
        pixels[0, 1, 1] = (76, 85, 255)
        found = dicom.read(save(build(pixels, "YBR_FULL")))
        assert abs(int(found.frames[0, 1, 1]) - 76) <= 1
        assert found.is_coloured[0, 1, 1]
        assert found.frames[0, 0, 0] == 128

    def test_compressed_frames_are_decompressed(self, save, grey):
        data = build(grey, "MONOCHROME2")
        data.compress(RLELossless)
        np.testing.assert_array_equal(dicom.read(save(data)).frames, grey)

    def test_a_picture_of_four_channels_is_refused(self):
        with pytest.raises(ValueError, match=r"picture must be .* got \(5, 9, 4\)"):
            dicom.to_grey(np.zeros((5, 9, 4), np.uint8))


class TestTimes:
    def test_a_frame_time_counts_from_zero(self, save, grey):
        found = dicom.read(save(build(grey, "MONOCHROME2", FrameTime=40)))
        np.testing.assert_allclose(found.time_s, [0, 0.04, 0.08])

    def test_a_frame_time_vector_adds_up(self, save, grey):
        found = dicom.read(save(build(grey, "MONOCHROME2", FrameTimeVector=[0, 40, 55])))
        np.testing.assert_allclose(found.time_s, [0, 0.04, 0.095])

    def test_stills_have_no_time(self, save, grey):
        assert dicom.read(save(build(grey, "MONOCHROME2"))).time_s is None

    def test_a_vector_of_another_length_or_that_stands_still_is_refused(self, save, grey):
        with pytest.raises(ValueError, match="FrameTimeVector must have 3 values, got 2"):
            dicom.read(save(build(grey, "MONOCHROME2", FrameTimeVector=[0, 40])))
        with pytest.raises(ValueError, match="FrameTimeVector must increase .* repeats at sample"):
            dicom.read(save(build(grey, "MONOCHROME2", FrameTimeVector=[0, 40, 0])))


class TestSpacing:
    def test_one_by_one_is_a_placeholder(self, save, grey):
        found = dicom.read(save(build(grey, "MONOCHROME2", PixelSpacing=[1, 1])))
        assert [item.source for item in found.spacings] == [SpacingSource.UNTRUSTED_PLACEHOLDER]
        with pytest.raises(ValueError, match=r"of source PIXEL_SPACING; the file states \['UNTRU"):
            found.pixel_spacing(SpacingSource.PIXEL_SPACING)

    def test_pixel_spacing_is_rows_first_in_the_file_and_x_first_here(self, save, grey):
        found = dicom.read(save(build(grey, "MONOCHROME2", PixelSpacing=[0.05, 0.07])))
        stated = found.pixel_spacing(SpacingSource.PIXEL_SPACING)
        assert stated.spacing_xy_mm == (0.07, 0.05)

    def test_a_region_in_cm_comes_first(self, save, grey):
        data = build(grey, "MONOCHROME2", PixelSpacing=[1, 1])
        data.SequenceOfUltrasoundRegions = Sequence([region()])
        found = dicom.read(save(data))
        assert found.spacings[0].source is SpacingSource.ULTRASOUND_REGION
        stated = found.pixel_spacing(SpacingSource.ULTRASOUND_REGION)
        np.testing.assert_allclose(stated.spacing_xy_mm, (0.07, 0.05))
        assert found.regions_xyxy == ((1, 2, 7, 4),)

    @pytest.mark.parametrize(
        "change",
        [{"PhysicalUnitsXDirection": 4}, {"RegionSpatialFormat": 3}, {"PhysicalDeltaX": 0.0}],
    )
    def test_regions_of_time_doppler_or_nothing_give_no_spacing(self, save, grey, change):
        data = build(grey, "MONOCHROME2")
        data.SequenceOfUltrasoundRegions = Sequence([region(**change)])
        found = dicom.read(save(data))
        assert found.spacings == ()
        with pytest.raises(ValueError, match=r"source ULTRASOUND_REGION; the file states \[\]"):
            found.pixel_spacing(SpacingSource.ULTRASOUND_REGION)

    def test_a_region_beyond_the_picture_is_no_box(self, save, grey):
        data = build(grey, "MONOCHROME2")
        data.SequenceOfUltrasoundRegions = Sequence([region(RegionLocationMaxX1=9)])
        assert dicom.read(save(data)).regions_xyxy == ()


class TestPrivacy:
    def test_elements_that_name_a_person_are_not_even_parsed(self, save, grey, monkeypatch):
        seen = []
        original = pydicom.dcmread

        def spy(*args, **kwargs):
            seen.append(original(*args, **kwargs))
            return seen[-1]

        monkeypatch.setattr(pydicom, "dcmread", spy)
        found = dicom.read(save(build(grey, "MONOCHROME2")))
        assert "PatientName" not in seen[0]
        assert "PatientID" not in seen[0]
        assert "ecret" not in repr(found)

    def test_neither_logs_nor_errors_carry_them(self, save, grey, caplog):
        caplog.set_level(logging.DEBUG)
        path = save(build(grey, "MONOCHROME2", Modality="MR"))
        with pytest.raises(ValueError, match="Modality") as caught:
            dicom.read(path)
        assert "ecret" not in str(caught.value) + caplog.text


class TestBadFiles:
    def test_a_missing_file_and_one_that_is_no_dicom(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"a\.dcm: no such DICOM file"):
            dicom.read(tmp_path / "a.dcm")
        (tmp_path / "a.dcm").write_bytes(b"no dicom" * 50)
        with pytest.raises(ValueError, match=r"a\.dcm is no readable DICOM"):
            dicom.read(tmp_path / "a.dcm")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"Modality": "DX"}, r"cine\.dcm: Modality must be US, got 'DX'"),
            ({"BitsAllocated": 16}, "BitsAllocated must be 8, got 16"),
            ({"PhotometricInterpretation": "PALETTE COLOR"}, "must be .* got 'PALETTE COLOR'"),
            ({"NumberOfFrames": 999999999}, "pixels must be 1 to 8589934592 bytes, got 44999999"),
            ({"Rows": 0}, "pixels must be 1 to 8589934592 bytes, got 0"),
        ],
    )
    def test_contents_of_another_kind(self, save, grey, change, message):
        with pytest.raises(ValueError, match=message):
            dicom.read(save(build(grey, "MONOCHROME2", **change)))

    @pytest.mark.parametrize("keyword", ["Rows", "PhotometricInterpretation", "PixelData"])
    def test_a_missing_element(self, save, grey, keyword):
        data = build(grey, "MONOCHROME2")
        del data[keyword]
        with pytest.raises(ValueError, match=rf"cine\.dcm: {keyword} is missing"):
            dicom.read(save(data))

    def test_a_deflated_data_set_is_refused_before_it_is_inflated(self, save, grey, monkeypatch):
        found = build(grey, "MONOCHROME2")
        found.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        path = save(found)
        monkeypatch.setattr(pydicom, "dcmread", lambda *_, **__: pytest.fail("was inflated"))
        with pytest.raises(ValueError, match=r"cine\.dcm: TransferSyntaxUID must not be deflated"):
            dicom.read(path)

    def test_a_transfer_syntax_without_decoder_is_named(self, save, grey):
        data = build(grey, "MONOCHROME2")
        data.compress(RLELossless)
        data.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.102")
        with pytest.raises(ValueError, match=r"no decoder for transfer syntax MPEG-4.*4\.102"):
            dicom.read(save(data))

    def test_a_file_without_transfer_syntax(self, save, grey, monkeypatch):
        data = build(grey, "MONOCHROME2")
        del data.file_meta.TransferSyntaxUID
        monkeypatch.setattr(pydicom, "dcmread", lambda *_, **__: data)
        with pytest.raises(ValueError, match="TransferSyntaxUID is missing"):
            dicom.read(save(build(grey, "MONOCHROME2")))

    @pytest.mark.parametrize("error", [struct.error("unpack"), TypeError("a UID"), KeyError("x")])
    def test_whatever_a_damaged_file_brings_about_names_it(self, save, grey, monkeypatch, error):
        def fail(*_, **__):
            raise error

        path = save(build(grey, "MONOCHROME2"))
        monkeypatch.setattr("pydicom.pixels.iter_pixels", fail)
        with pytest.raises(ValueError, match=r"cine\.dcm: frame 0 cannot be decoded: "):
            dicom.read(path)
        monkeypatch.setattr(pydicom, "dcmread", fail)
        with pytest.raises(ValueError, match=r"cine\.dcm is no readable DICOM: "):
            dicom.read(path)

    def test_truncated_pixels(self, save, grey):
        data = build(grey, "MONOCHROME2")
        data.PixelData = data.PixelData[:80]
        with pytest.raises(ValueError, match=r"cine\.dcm: frame \d cannot be decoded"):
            dicom.read(save(data))

    @pytest.mark.parametrize("declared", [2, 4])
    def test_other_frames_than_declared(self, save, grey, declared):
        data = build(grey, "MONOCHROME2")
        data.compress(RLELossless)
        data.NumberOfFrames = declared
        with pytest.raises(ValueError, match="NumberOfFrames is|cannot be decoded"):
            dicom.read(save(data))


@pytest.mark.real
class TestOpenStills:
    @pytest.mark.parametrize("case", STILLS)
    def test_text_goes_and_the_labelled_anatomy_stays(self, real_file, case):
        from hipus import images

        labels = images.read(real_file(f"infant_hip_stills/labels/{case}.nii.gz")).array
        cine = dicom.read(real_file(f"infant_hip_stills/dicom/{case}.dcm"))
        assert cine.frames.shape == labels.shape
        assert [item.source for item in cine.spacings] == [SpacingSource.UNTRUSTED_PLACEHOLDER]
        masked = dicom.mask_burnt_in_text(cine.frames, is_coloured=cine.is_coloured)
        is_anatomy = labels > 0
        assert masked.is_masked[is_anatomy].sum() <= 0.005 * is_anatomy.sum()
        kept = ~masked.is_masked
        np.testing.assert_array_equal(masked.frames[kept], cine.frames[kept])
        assert 0.25 < kept.mean() < 0.7

    @pytest.mark.parametrize(
        ("case", "box", "is_ink"),
        [
            ("171551", (285, 720, 575, 750), lambda level: level >= 250),
            ("167854", (515, 612, 860, 640), lambda level: level >= 215),
            ("171555", (130, 105, 555, 130), lambda level: level >= 250),
            ("72628", (152, 45, 188, 72), lambda level: level <= 5),
        ],
    )
    def test_captions_that_people_read_there_are_gone(self, real_file, case, box, is_ink):
        cine = dicom.read(real_file(f"infant_hip_stills/dicom/{case}.dcm"))
        masked = dicom.mask_burnt_in_text(cine.frames, is_coloured=cine.is_coloured)
        x0, y0, x1, y1 = box
        caption = is_ink(cine.frames[0, y0:y1, x0:x1])
        assert caption.sum() > 50
        assert masked.is_masked[0, y0:y1, x0:x1][caption].mean() > 0.99
