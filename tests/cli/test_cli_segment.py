"""`hipus segment`: pictures, volumes and sweeps in, masks that say what they mean out."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pydicom
import pytest
import torch
from made_labelled_cohort import SIDE_MM, TURNED, write_labelled_cohort
from made_segmenters import MIRRORED, SHAPE, SPACING_MM, save_model
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from recordings import slab

from hipus import images
from hipus.formats import dicom, metafile, tusrec
from hipus.formats.cohort_layout import read_cohort
from hipus.formats.mask_files import read_mask
from hipus.motion.poses import centre_poses
from hipus.motion.predictions import PosePrediction, write_predictions
from hipus.segmentation.first_round import segment_resized
from hipus.segmentation.prediction import Segmenter
from hipus.segmentation.sweep_volumes import make_sweep_volume, open_study_sweep

MODELS = ("2.1", "2.3", "3.1", "3.2")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a study folder with models of profile small, and a labelled cohort of smoke."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIPUS_ROOT", str(folder))
        write_labelled_cohort()
        (folder / "results/smoke/cohort/cohort.json").write_text('{"origin": "simulated"}')
    for model_id in MODELS:
        save_model(folder / "results/small/models/segmentation" / model_id, model_id)
    save_model(folder / "foreign", "3.2", labels={"ilium": 2, "femoral_head": 1})
    return folder


@pytest.fixture(autouse=True)
def one_thread():
    """Let tests that run beside each other not wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def root(monkeypatch, home):
    """Call the command in that study folder."""
    monkeypatch.setenv("HIPUS_ROOT", str(home))
    return home


@pytest.fixture
def segmenter(home):
    """Return a function that loads a model, seeing mirrored pictures where its training did."""

    def load(model_id, **options):
        folder = home / "results/small/models/segmentation" / model_id
        return Segmenter.load(folder, **({"is_mirrored": model_id in MIRRORED} | options))

    return load


@pytest.fixture
def picture(rng):
    """Return frames (7, 36, 44) with structure, not alike."""
    coarse = rng.integers(20, 255, (7, 9, 11), dtype=np.uint8)
    return np.stack([cv2.resize(one, (44, 36), interpolation=cv2.INTER_CUBIC) for one in coarse])


@pytest.fixture
def speckle(rng):
    """Return a picture (160, 200) as ultrasound has it: band limited."""
    noise = cv2.GaussianBlur(rng.normal(0, 1, (160, 200)).astype(np.float32), (0, 0), 2)
    return np.clip(90 + 25 * noise / noise.std(), 6, 255).astype(np.uint8)


@pytest.fixture
def write_png(tmp_path):
    """Return a function that writes a picture."""

    def write(picture, name="picture.png"):
        assert cv2.imwrite(str(tmp_path / name), picture)
        return tmp_path / name

    return write


@pytest.fixture
def write_dicom(tmp_path):
    """Return a function that writes (N, H, W) or (N, H, W, 3) pixels as ultrasound."""

    def write(pixels, name="cine.dcm", **elements):
        found = Dataset()
        found.file_meta = FileMetaDataset()
        found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        found.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
        found.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
        found.SOPClassUID, found.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
        found.Modality, found.PlanarConfiguration, found.PixelRepresentation = "US", 0, 0
        found.NumberOfFrames, found.Rows, found.Columns = pixels.shape[:3]
        found.SamplesPerPixel = 3 if pixels.ndim == 4 else 1
        found.PhotometricInterpretation = "RGB" if pixels.ndim == 4 else "MONOCHROME2"
        found.BitsAllocated, found.BitsStored, found.HighBit = 8, 8, 7
        found.PixelData = pixels.tobytes() + b"\0" * (pixels.size % 2)
        for keyword, value in elements.items():
            setattr(found, keyword, value)
        pydicom.dcmwrite(tmp_path / name, found, enforce_file_format=True)
        return tmp_path / name

    return write


@pytest.fixture
def write_sweep(tmp_path, picture):
    """Return a function that writes the frames as a sweep, 1 mm apart, in pixels of 0.5 x 0.6."""

    def write(name="sweep.igs.mha", **changes):
        count = len(picture)
        sweep = replace(
            slab(count=count), frames=picture, T_pixel_to_probe=np.diag([0.5, 0.6, 1.0, 1.0]),
            pixel_spacing_xy_mm=None,
        )  # fmt: skip
        return metafile.write(tmp_path / name, metafile.from_sweep(replace(sweep, **changes)))

    return write


@pytest.fixture
def volume(rng):
    """Return an anisotropic volume away from the origin, its axes turned."""
    direction = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    grey = rng.integers(0, 255, (10, 18, 22), dtype=np.uint8)
    return images.Volume(grey, (1.0, 0.8, 0.7), (5.0, -3.0, 2.0), direction)


class TestPictures:
    def test_a_picture_becomes_a_picture_with_a_sidecar(
        self, hipus, write_png, picture, segmenter, tmp_path
    ):
        target = tmp_path / "mask.png"
        options = ("--model", "2.1", "--pixel-mm", "0.4", "-o", target)
        found = hipus("segment", write_png(picture[0]), *options).json
        mask = read_mask(target)
        expected = segmenter("2.1").segment_frames(picture[:1], spacing_yx_mm=(0.4, 0.4))[0]
        np.testing.assert_array_equal(mask.array, expected)
        assert (mask.scheme, mask.made_by, mask.of) == ("hip", "model 2.1", "picture.png")
        assert mask.origin == found["origin"] == "recorded"
        assert found["structures_pixels"]["ilium"] == np.count_nonzero(expected == 1)
        assert len(set(np.unique(expected))) > 2  # else equality would say little

    def test_pixels_need_not_be_square(self, hipus, write_png, picture, segmenter, tmp_path):
        options = ("--model", "2.1", "--pixel-mm", "0.3,0.5", "--origin", "simulated")
        target = tmp_path / "mask.mha"
        found = hipus("segment", write_png(picture[0]), *options, "-o", target).json
        expected = segmenter("2.1").segment_frames(picture[:1], spacing_yx_mm=(0.5, 0.3))
        mask = read_mask(target)
        np.testing.assert_array_equal(mask.array, expected)
        assert mask.spacing_zyx_mm == pytest.approx((1, 0.5, 0.3))
        assert mask.origin == "simulated"
        assert found["pixel_spacing_xy_mm"] == [0.3, 0.5]

    def test_grey_stored_as_colour_is_grey(self, hipus, write_png, picture, tmp_path):
        plain, doubled = write_png(picture[0]), write_png(np.dstack([picture[0]] * 3), "rgb.png")
        options = ("--model", "2.1", "--pixel-mm", "0.4", "-o")
        for source, name in ((plain, "a.png"), (doubled, "b.png")):
            hipus("segment", source, *options, tmp_path / name)
        a, b = (read_mask(tmp_path / name).array for name in ("a.png", "b.png"))
        np.testing.assert_array_equal(a, b)

    def test_colour_is_refused(self, refused, write_png, picture, empty_folder):
        coloured = np.dstack([picture[0], picture[0], 255 - picture[0]])
        options = ("--model", "2.1", "--pixel-mm", "0.4", "-o", empty_folder / "a.png")
        told = refused("segment", write_png(coloured), *options)
        assert "picture.png is in colour in" in told
        assert list(empty_folder.iterdir()) == []

    def test_without_a_scale_it_asks_for_one(self, refused, write_png, picture, tmp_path):
        told = refused("segment", write_png(picture[0]), "--model", "2.1", "-o", tmp_path / "a.png")
        assert "does not state the size of a pixel: give it with --pixel-mm" in told

    @pytest.mark.parametrize(
        ("content", "message"),
        [(b"", "cannot be read as a picture"), (b"\x89PNG and no more", "cannot be read")],
    )
    def test_a_damaged_picture_is_named(self, refused, tmp_path, content, message):
        (tmp_path / "a.png").write_bytes(content)
        told = refused("segment", tmp_path / "a.png", "--model", "2.1", "-o", tmp_path / "b.png")
        assert f"a.png {message}" in told

    def test_sixteen_bits_are_refused(self, refused, write_png, picture, tmp_path):
        source = write_png(picture[0].astype(np.uint16))
        told = refused("segment", source, "--model", "2.1", "-o", tmp_path / "b.png")
        assert "must have 8 bits a channel, got uint16" in told


class TestCines:
    def test_frames_with_a_stated_scale(self, hipus, write_dicom, picture, segmenter, tmp_path):
        source = write_dicom(picture, PixelSpacing=[0.5, 0.4], FrameTime=50)
        options = ("--model", "2.3", "--keep-text", "-o", tmp_path / "mask.nii.gz")
        found = hipus("segment", source, *options).json
        expected = segmenter("2.3").segment_frames(picture, spacing_yx_mm=(0.5, 0.4))
        np.testing.assert_array_equal(read_mask(tmp_path / "mask.nii.gz").array, expected)
        assert found["pixel_spacing_from"] == "pixel_spacing"
        assert (found["frames_total"], found["masked_percent"]) == (7, 0)

    def test_a_placeholder_is_no_scale(self, refused, hipus, write_dicom, picture, tmp_path):
        source = write_dicom(picture, PixelSpacing=[1, 1])
        options = ("--model", "2.1", "--keep-text", "-o", tmp_path / "mask.mha")
        assert "does not state the size of a pixel" in refused("segment", source, *options)
        found = hipus("segment", source, *options, "--pixel-mm", "0.2").json
        assert found["pixel_spacing_from"] == "--pixel-mm"

    def test_drawings_are_blackened_unless_kept(self, hipus, write_dicom, tmp_path, speckle):
        frame = speckle.copy()
        for left in range(60, 120, 12):
            frame[60:76, left : left + 4] = 255
        source = write_dicom(frame[None], PixelSpacing=[0.4, 0.4])
        options = ("--model", "2.1", "-o", tmp_path / "mask.png")
        masked = hipus("segment", source, *options).json["masked_percent"]
        assert 1 < masked < 10
        assert hipus("segment", source, *options, "--keep-text").json["masked_percent"] == 0

    def test_colour_without_masking_is_refused(self, refused, write_dicom, picture, tmp_path):
        coloured = np.stack([picture, 255 - picture, picture], axis=-1)
        source = write_dicom(coloured, name="no_ending", PixelSpacing=[0.4, 0.4])
        options = ("--model", "2.1", "--keep-text", "-o", tmp_path / "mask.mha")
        assert "no_ending is in colour in" in refused("segment", source, *options)

    def test_nothing_but_black_has_no_sonogram(self, refused, write_dicom, tmp_path):
        source = write_dicom(np.zeros((1, 80, 90), np.uint8), PixelSpacing=[0.4, 0.4])
        told = refused("segment", source, "--model", "2.1", "-o", tmp_path / "mask.mha")
        assert "cine.dcm" in told
        assert "sonogram" in told


class TestNeighbours:
    def test_one_frame_is_too_little_for_model_2_3(self, refused, write_png, picture, tmp_path):
        options = ("--model", "2.3", "--pixel-mm", "0.4", "-o", tmp_path / "a.png")
        told = refused("segment", write_png(picture[0]), *options)
        assert "model 2.3 sees 2 frames before and after each" in told
        assert "got one frame; take model 2.1 or 2.2" in told

    def test_stills_are_no_neighbours(self, refused, write_dicom, picture, tmp_path):
        source = write_dicom(picture, PixelSpacing=[0.4, 0.4])
        options = ("--model", "2.3", "--keep-text", "-o", tmp_path / "a.mha")
        assert "got 7 stills without frame times" in refused("segment", source, *options)

    def test_the_ends_of_a_sweep_are_padded_by_repeating(
        self, hipus, write_sweep, picture, segmenter, tmp_path
    ):
        hipus("segment", write_sweep(), "--model", "2.3", "-o", tmp_path / "a.mha")
        padded = picture[[0, 0, *range(7), 6, 6]]
        expected = segmenter("2.3").segment_frames(padded, spacing_yx_mm=(0.6, 0.5))[2:-2]
        np.testing.assert_array_equal(read_mask(tmp_path / "a.mha").array, expected)


class TestFramesOfSweeps:
    def test_scale_comes_from_the_calibration_and_poses_are_not_needed(
        self, hipus, write_sweep, picture, segmenter, tmp_path
    ):
        lost = np.full((7, 4, 4), np.nan)
        source = write_sweep(T_probe_to_reference=lost, is_valid=None)
        found = hipus("segment", source, "--model", "2.1", "-o", tmp_path / "a.mha").json
        expected = segmenter("2.1").segment_frames(picture, spacing_yx_mm=(0.6, 0.5))
        np.testing.assert_array_equal(read_mask(tmp_path / "a.mha").array, expected)
        assert found["pixel_spacing_from"] == "the sweep"

    def test_a_turned_probe_is_turned_back_and_its_mask_returned(
        self, hipus, write_sweep, picture, tmp_path
    ):
        upright, turned = write_sweep(), write_sweep("turned.mha", frames=picture[:, :, ::-1])
        hipus("segment", upright, "--model", "2.1", "-o", tmp_path / "a.nrrd")
        hipus("segment", turned, "--model", "2.1", "-o", tmp_path / "b.nrrd", "--flipped")
        a, b = (read_mask(tmp_path / name).array for name in ("a.nrrd", "b.nrrd"))
        np.testing.assert_array_equal(a, b[:, :, ::-1])

    def test_a_scan_has_its_calibration_beside_it(
        self, hipus, refused, picture, tmp_path, segmenter
    ):
        sweep = replace(slab(count=7, calibrated=False), frames=picture)
        source = tusrec.write(sweep, tmp_path / "scan.h5")
        options = ("segment", source, "--model", "2.1", "-o", tmp_path / "a.mha")
        assert "give it with --pixel-mm" in refused(*options)
        tusrec.write_calibration(np.diag([0.5, 0.6, 1, 1]), tmp_path / "calib_matrix.csv")
        hipus(*options)
        expected = segmenter("2.1").segment_frames(picture, spacing_yx_mm=(0.6, 0.5))
        np.testing.assert_array_equal(read_mask(tmp_path / "a.mha").array, expected)


class TestVolumes:
    def test_the_mask_lies_where_the_volume_lies(self, hipus, volume, segmenter, tmp_path):
        source = images.write(volume, tmp_path / "v.nii.gz")
        found = hipus("segment", source, "--model", "3.2", "-o", tmp_path / "m.mha").json
        expected = segmenter("3.2").segment_volume(volume.array, spacing_zyx_mm=(1.0, 0.8, 0.7))
        mask = read_mask(tmp_path / "m.mha")
        np.testing.assert_array_equal(mask.array, expected)
        assert mask.spacing_zyx_mm == pytest.approx(volume.spacing_zyx_mm)
        assert mask.origin_xyz_mm == pytest.approx(volume.origin_xyz_mm)
        np.testing.assert_allclose(mask.direction, volume.direction, atol=1e-6)
        share = found["structures_volume_mm3"]["femoral_head"]
        assert share == pytest.approx(np.count_nonzero(expected == 2) * 0.56)
        assert len(set(np.unique(expected))) > 2

    def test_model_3_1_sees_as_many_rows_and_columns_as_in_training(
        self, hipus, volume, segmenter, tmp_path
    ):
        source = images.write(volume, tmp_path / "v.mha")
        hipus("segment", source, "--model", "3.1", "-o", tmp_path / "m.nrrd")
        expected = segment_resized(segmenter("3.1"), volume.array, shape_yx=SHAPE[3][1:])
        np.testing.assert_array_equal(read_mask(tmp_path / "m.nrrd").array, expected)

    def test_beside_a_simulated_cohort_a_volume_is_simulated(self, hipus, home, tmp_path):
        source = home / "results/smoke/sweep_volumes/S101_left_p_a_grey.mha"
        found = hipus("segment", source, "--model", "3.2", "-o", tmp_path / "m.mha").json
        assert found["origin"] == read_mask(tmp_path / "m.mha").origin == "simulated"

    def test_nan_is_refused_with_the_files_name(self, refused, volume, tmp_path):
        array = volume.array.astype(np.float32)
        array[2, 3, 4] = np.nan
        source = images.write(replace(volume, array=array), tmp_path / "v.mha")
        told = refused("segment", source, "--model", "3.2", "-o", tmp_path / "m.mha")
        assert "v.mha: volumes (D, H, W) must be finite" in told


class TestSweepsInVolumes:
    @pytest.mark.parametrize("name", ["left_p_a", "right_p_a"])
    def test_a_sweep_is_opened_as_the_study_opens_it(self, hipus, home, segmenter, tmp_path, name):
        cohort, side = read_cohort(home / "results/smoke/cohort"), name.split("_")[0]
        row = SimpleNamespace(subject_id="S001", sweep_id=name, side=side, sweep_type="p_a")
        sweep = open_study_sweep(cohort, row)
        made = make_sweep_volume(sweep, spacing_mm=SPACING_MM[3][0])
        grey = np.rint(made.grey).astype(np.uint8)
        expected = segmenter("3.2").segment_volume(grey, spacing_zyx_mm=SPACING_MM[3])
        source = cohort.folder / "S001" / f"{name}.igs.mha"
        options = ("--side", side, "--trim", "--grey", tmp_path / "grey.mha")
        found = hipus("segment", source, "--model", "3.2", "-o", tmp_path / "m.mha", *options).json
        mask = read_mask(tmp_path / "m.mha")
        np.testing.assert_array_equal(mask.array, expected)
        np.testing.assert_array_equal(images.read(tmp_path / "grey.mha").array, grey)
        assert mask.origin_xyz_mm == pytest.approx(made.grid.origin_xyz_mm)
        assert found["pictures_turned"] is (("S001", name) == TURNED)
        assert (found["first_frame"], found["frames_used"]) == (sweep.first_frame, len(sweep))

    def test_predicted_poses_stand_in_for_tracked_ones(self, hipus, home, tmp_path):
        cohort = read_cohort(home / "results/smoke/cohort")
        source = cohort.folder / "S101" / "left_p_a.igs.mha"
        T = centre_poses(cohort.sweep("S101", "left_p_a"))
        one = PosePrediction("S101", "left_p_a", 3, T[3:12])
        write_predictions([one], tmp_path / "poses.csv")
        options = ("--model", "3.2", "--spacing-mm", "1.1", "-o")
        tracked = replace(metafile.read(source).to_sweep().select(slice(3, 12)))
        cut = metafile.write(tmp_path / "cut.igs.mha", metafile.from_sweep(tracked))
        hipus("segment", cut, *options, tmp_path / "a.mha")
        told = hipus(
            "segment", source, *options, tmp_path / "b.mha", "--poses", tmp_path / "poses.csv"
        ).json
        a, b = (read_mask(tmp_path / name) for name in ("a.mha", "b.mha"))
        assert a.array.shape == b.array.shape
        assert np.mean(a.array == b.array) > 0.99
        assert (told["first_frame"], told["last_frame"]) == (3, 11)
        assert told["input"] == "predicted poses"

    def test_frame_masks_of_a_2d_model_are_put_into_a_volume(
        self, hipus, home, segmenter, tmp_path
    ):
        cohort = read_cohort(home / "results/smoke/cohort")
        row = SimpleNamespace(subject_id="S101", sweep_id="left_p_a", side="left", sweep_type="")
        sweep = open_study_sweep(cohort, row)
        labels = segmenter("2.1").segment_frames(sweep.frames, spacing_yx_mm=(SIDE_MM, SIDE_MM))
        made = make_sweep_volume(sweep, spacing_mm=1.2, masks={"2.1": labels})
        source = cohort.folder / "S101" / "left_p_a.igs.mha"
        options = ("--volume", "--trim", "--spacing-mm", "1.2", "-o", tmp_path / "m.mha")
        hipus("segment", source, "--model", "2.1", *options)
        mask = read_mask(tmp_path / "m.mha")
        np.testing.assert_array_equal(mask.array, made.labels["2.1"])
        assert len(set(np.unique(mask.array))) > 2

    def test_a_sweep_without_poses_asks_for_them(self, refused, write_sweep, tmp_path):
        source = write_sweep(T_probe_to_reference=np.full((7, 4, 4), np.nan), is_valid=None)
        told = refused("segment", source, "--model", "3.2", "-o", tmp_path / "m.mha")
        assert "no frame has a valid pose" in told
        assert "needs --poses, as `hipus track` writes them" in told

    def test_a_tracked_sweep_must_be_calibrated(self, refused, write_slab, tmp_path):
        source = write_slab(calibrated=False)
        told = refused("segment", source, "--model", "3.2", "-o", tmp_path / "m.mha")
        assert "holds no calibration: name one with --image-to-probe" in told

    def test_a_scale_beside_a_calibration_is_refused(self, refused, write_sweep, tmp_path):
        options = ("--model", "3.2", "--pixel-mm", "0.2", "-o", tmp_path / "m.mha")
        assert "is calibrated: --pixel-mm is for" in refused("segment", write_sweep(), *options)

    def test_poses_alone_do_not_tell_the_size_of_a_pixel(
        self, hipus, refused, write_slab, tmp_path
    ):
        one = PosePrediction("S1", "x", 0, centre_poses(slab()))
        write_predictions([one], tmp_path / "poses.csv")
        source = write_slab(calibrated=False)
        options = ("--model", "3.2", "--poses", tmp_path / "poses.csv", "-o", tmp_path / "m.mha")
        told = refused("segment", source, *options)
        assert "does not state the size of a pixel: give it with --pixel-mm" in told
        assert hipus("segment", source, *options, "--pixel-mm", "1").json["frames_used"] == 5

    def test_drawings_are_blackened_before_a_volume_is_made(self, hipus, tmp_path, speckle):
        frames = np.zeros((3, 160, 260), np.uint8)
        frames[:, :, 60:] = speckle
        for left in range(4, 30, 8):
            frames[:, 20:36, left : left + 4] = 255
        sweep = replace(slab(count=3), frames=frames)
        source = metafile.write(tmp_path / "drawn.igs.mha", metafile.from_sweep(sweep))
        options = ("--model", "3.2", "--spacing-mm", "2", "-o", tmp_path / "m.mha")
        widths = [
            hipus("segment", source, *options, *text).json["shape_zyx"][2]
            for text in ((), ("--mask-text",))
        ]
        assert widths[0] == pytest.approx(256 / 2, abs=1)
        assert widths[1] == pytest.approx(200 / 2, abs=3)

    def test_poses_of_more_frames_than_there_are_are_refused(self, refused, write_sweep, tmp_path):
        one = PosePrediction("S1", "x", 4, np.tile(np.eye(4), (9, 1, 1)))
        write_predictions([one], tmp_path / "poses.csv")
        options = ("--poses", tmp_path / "poses.csv", "-o", tmp_path / "m.mha")
        told = refused("segment", write_sweep(), "--model", "3.2", *options)
        assert "sweep.igs.mha: frames 4 to 12 are predicted, the sweep has 7" in told


class TestWhatFitsWhat:
    def test_a_2d_model_is_not_given_a_volume(self, refused, volume, tmp_path):
        source = images.write(volume, tmp_path / "v.nrrd")
        told = refused("segment", source, "--model", "2.1", "-o", tmp_path / "m.mha")
        assert "v.nrrd is a volume, and model 2.1 labels frames" in told

    @pytest.mark.parametrize("options", [("--model", "3.2"), ("--model", "2.1", "--volume")])
    def test_no_volume_is_made_of_pictures(self, refused, write_png, picture, tmp_path, options):
        told = refused("segment", write_png(picture[0]), *options, "-o", tmp_path / "m.mha")
        assert "holds pictures without poses (picture)" in told

    def test_many_frames_are_no_picture(self, refused, write_sweep, tmp_path):
        told = refused("segment", write_sweep(), "--model", "2.1", "-o", tmp_path / "m.png")
        assert "m.png holds one picture" in told
        assert "has 7 frames" in told

    @pytest.mark.parametrize("model_id", ["2.1", "3.2"])
    def test_an_unfit_ending_is_refused(self, refused, write_sweep, tmp_path, model_id):
        told = refused("segment", write_sweep(), "--model", model_id, "-o", tmp_path / "m.jpg")
        assert "m.jpg must end in one of .mha, .nii.gz, .nii, .nrrd" in told

    def test_a_file_that_is_no_image(self, refused, tmp_path):
        (tmp_path / "a.txt").write_text("no image")
        told = refused("segment", tmp_path / "a.txt", "--model", "2.1", "-o", tmp_path / "m.mha")
        assert "a.txt is no image that can be segmented" in told
        told = refused("segment", tmp_path / "b.mha", "--model", "2.1", "-o", tmp_path / "m.mha")
        assert told.endswith("b.mha is missing")

    def test_inputs_are_never_replaced(self, refused, write_sweep, tmp_path):
        source = write_sweep()
        assert "must not replace an input" in refused(
            "segment", source, "--model", "3.2", "-o", source
        )
        both = ("-o", tmp_path / "m.mha", "--grey", tmp_path / "m.mha")
        told = refused("segment", source, "--model", "3.2", *both)
        assert "--grey must not be the mask's own file" in told

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--model", "2.1", "--trim"), "--poses, --grey, --side, --trim"),
            (("--model", "3.2", "--spacing-mm", "0"), "--spacing-mm must be positive"),
            (("--model", "2.1", "--pixel-mm", "1,2,3"), "--pixel-mm must be one or two"),
        ],
    )
    def test_options_that_mean_nothing_here(self, hipus, write_sweep, tmp_path, options, message):
        outcome = hipus("segment", write_sweep(), *options, "-o", tmp_path / "m.mha")
        assert outcome.status == 2
        assert message in outcome.err

    def test_a_volume_has_no_pixels_to_state(self, hipus, volume, tmp_path):
        source = images.write(volume, tmp_path / "v.mha")
        options = ("--pixel-mm", "0.2", "-o", tmp_path / "m.mha")
        outcome = hipus("segment", source, "--model", "3.2", *options)
        assert (outcome.status, "are of pictures" in outcome.err) == (2, True)


class TestModels:
    def test_a_missing_model_names_the_command_that_makes_it(self, refused, write_sweep, tmp_path):
        told = refused("segment", write_sweep(), "--model", "2.2", "-o", tmp_path / "m.mha")
        assert "model '2.2' is missing" in told
        assert "there is 2.1, 2.3, 3.1, 3.2" in told
        assert "run `dvc repro train_22@small`" in told

    def test_an_unknown_model_lists_those_of_the_study(self, refused, write_sweep, tmp_path):
        told = refused("segment", write_sweep(), "--model", "4.1", "-o", tmp_path / "m.mha")
        assert told.endswith("The study's models are 2.1, 2.2, 2.3, 3.1, 3.2")

    def test_a_profile_without_it_does_not_look_elsewhere(self, refused, write_sweep, tmp_path):
        options = ("--model", "3.2", "--profile", "smoke", "-o", tmp_path / "m.mha")
        assert "train_32@smoke" in refused("segment", write_sweep(), *options)

    def test_a_folder_is_a_model_too(self, hipus, volume, home, tmp_path):
        source = images.write(volume, tmp_path / "v.mha")
        folder = home / "results/small/models/segmentation/3.2"
        found = hipus("segment", source, "--model", folder, "-o", tmp_path / "m.mha").json
        assert found["model_folder"] == str(folder)

    def test_mirrored_pictures_are_averaged_unless_it_must_be_fast(
        self, hipus, write_sweep, picture, segmenter, tmp_path
    ):
        for name, is_mirrored in (("a.mha", True), ("b.mha", False)):
            options = () if is_mirrored else ("--fast",)
            hipus("segment", write_sweep(), "--model", "2.3", "-o", tmp_path / name, *options)
            expected = segmenter("2.3", is_mirrored=is_mirrored).segment_frames(
                picture, spacing_yx_mm=(0.6, 0.5)
            )
            np.testing.assert_array_equal(read_mask(tmp_path / name).array, expected)
        assert (tmp_path / "a.mha").read_bytes() != (tmp_path / "b.mha").read_bytes()

    def test_labels_outside_the_scheme_are_a_foreign_model(self, refused, volume, home, tmp_path):
        source = images.write(volume, tmp_path / "v.mha")
        told = refused("segment", source, "--model", home / "foreign", "-o", tmp_path / "m.mha")
        assert "labels {'femoral_head': 1, 'ilium': 2} are not of scheme 'hip'" in told

    def test_changed_weights_are_refused(self, refused, volume, home, tmp_path):
        folder = tmp_path / "mine"
        shutil.copytree(home / "results/small/models/segmentation/3.2", folder)
        with open(folder / "weights.pt", "ab") as stream:
            stream.write(b"!")
        source = images.write(volume, tmp_path / "v.mha")
        told = refused("segment", source, "--model", folder, "-o", tmp_path / "m.mha")
        assert "must have the SHA-256" in told


@pytest.mark.real
def test_real_stills_are_read_masked_and_labelled_where_there_is_a_picture(
    hipus, real_file, tmp_path
):
    source = real_file("infant_hip_stills/dicom/72628.dcm")
    options = ("--model", "2.1", "--pixel-mm", "0.07", "-o", tmp_path / "m.mha")
    found = hipus("segment", source, *options).json
    assert 5 < found["masked_percent"] < 95
    mask = read_mask(tmp_path / "m.mha")
    assert json.loads((tmp_path / "m.mha.labels.json").read_text())["of"] == "72628.dcm"
    assert mask.array.shape == tuple(
        found[name] for name in ("frames_total", "frame_height_px", "frame_width_px")
    )
    seen = dicom.mask_burnt_in_text(dicom.read(source).frames).is_sonogram
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    beside = np.ones(seen.shape, bool)
    beside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = False
    assert beside.any()
    assert not mask.array[:, beside].any()
