"""`hipus measure`: masks, volumes and pictures in; a report of numbers or refusals out."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pydicom
import pytest
import torch
from made_hips import MadeHip, put_in_volume
from made_sections import MadeSection
from made_segmenters import save_model

from hipus import images
from hipus.cli import measure as command
from hipus.cli.measure_report import DISCLAIMER
from hipus.figures import graf_section
from hipus.files import sha256
from hipus.formats.mask_files import sidecar_file, write_mask
from hipus.labels import HipLabel
from hipus.morphometry.measures import Measure
from hipus.morphometry.shape_measures import UNITS

MADE = MadeSection(spacing_yx_mm=(0.3, 0.25))
HIP = MadeHip(alpha_deg=64.0, coverage_percent=55.0, radius_mm=8.0)
SPACING_ZYX_MM = (1.0, 0.9, 1.1)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Draw as few other labels as intervals need."""
    monkeypatch.setattr(command, "_uncertainty", _few(command._uncertainty))
    monkeypatch.setattr("hipus.cli.measure_numbers.SECTION_DRAWS", 20)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _few(stated):
    return lambda *sds: replace(stated(*sds), draws=20)


@pytest.fixture(scope="module")
def made():
    """Return a left hip in a volume whose axes are those of the world."""
    return put_in_volume(HIP, np.eye(3), SPACING_ZYX_MM, half_mm=24.0)


@pytest.fixture
def write_volume(made, tmp_path):
    """Return a function that writes the hip's mask, or its grey levels, moved in the world."""

    def write(name="mask.mha", labels=None, *, spacing=SPACING_ZYX_MM, is_grey=False, shift=0.0):
        labels = made.labels if labels is None else labels
        volume = images.Volume(labels, spacing, (3.0 + shift, -7.0, 12.0))
        if is_grey:
            return images.write(replace(volume, array=40 * labels), tmp_path / name)
        return write_mask(
            volume, tmp_path / name, scheme="hip", made_by="truth", of="S1", origin="simulated"
        )

    return write


@pytest.fixture
def write_picture(tmp_path):
    """Return a function that writes (H, W) as a .png without a sidecar."""

    def write(labels, name="mask.png"):
        assert cv2.imwrite(str(tmp_path / name), labels)
        return tmp_path / name

    return write


@pytest.fixture
def write_stack(tmp_path):
    """Return a function that writes frames of labels as a stack."""

    def write(frames, name="stack.nii.gz", *, spacing=(1.0, 0.3, 0.25), **about):
        about = {"scheme": "hip", "made_by": "model 2.1", "origin": "recorded"} | about
        return write_mask(np.asarray(frames), tmp_path / name, spacing_zyx_mm=spacing, **about)

    return write


@pytest.fixture
def write_dicom(tmp_path):
    """Return a function that writes frames (N, H, W) as ultrasound, without a scale."""

    def write(frames, name="cine.dcm"):
        found = pydicom.dataset.Dataset()
        found.file_meta = pydicom.dataset.FileMetaDataset()
        found.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        storage = pydicom.uid.SecondaryCaptureImageStorage
        found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID = storage
        found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID = "1.2.3"
        found.Modality, found.PhotometricInterpretation = "US", "MONOCHROME2"
        found.SamplesPerPixel, found.PixelRepresentation = 1, 0
        found.NumberOfFrames, found.Rows, found.Columns = frames.shape
        found.BitsAllocated, found.BitsStored, found.HighBit = 8, 8, 7
        found.PixelData = frames.tobytes() + b"\0" * (frames.size % 2)
        pydicom.dcmwrite(tmp_path / name, found, enforce_file_format=True)
        return tmp_path / name

    return write


@pytest.fixture
def measured(hipus, tmp_path):
    """Return a function that measures, and returns the report and what the terminal shows."""

    def call(*arguments):
        outcome = hipus("measure", *arguments, "-o", tmp_path / "report.json")
        assert outcome.status == 0, outcome.err
        return json.loads((tmp_path / "report.json").read_text()), outcome.json

    return call


class TestVolumes:
    def test_a_mask_alone_is_measured_with_intervals(self, measured, write_volume):
        report, shown = measured(write_volume())
        assert (report["kind"], report["side"]["by_anatomy"]) == ("volume", "left")
        assert list(report["measures"]) == list(UNITS)
        for name, made, within in (
            ("alpha_deg", 64.0, 2.5),
            ("femoral_head_coverage_percent", 55.0, 2.5),
            ("head_radius_mm", 8.0, 0.1),
        ):
            one = report["measures"][name]
            assert one["value"] == pytest.approx(made, abs=within)
            assert one["unit"] == UNITS[name]
            assert one["lower"] < one["upper"]
            assert shown["measures"][name] == str(Measure(**one))
        assert report["measures"]["beta_deg"]["refusal"] == "no labrum label"
        assert report["graf_type"]["name"] == "I"
        assert report["spacing_xyz_mm"] == pytest.approx(SPACING_ZYX_MM[::-1])

    def test_places_are_those_of_the_world(self, measured, made, write_volume):
        report, _ = measured(write_volume())
        middle = made.centre_mm + [3.0, -7.0, 12.0]
        np.testing.assert_allclose(report["landmarks_xyz_mm"]["head_centre"], middle, atol=0.2)
        plane = report["graf_plane"]
        assert abs(np.dot(plane["posterior_xyz"], plane["lateral_xyz"])) < 1e-9
        assert 0 < plane["score"]["total"] <= 1

    def test_a_side_that_anatomy_contradicts_is_refused(
        self, hipus, caplog, write_volume, tmp_path
    ):
        report = tmp_path / "r.json"
        outcome = hipus("measure", write_volume(), "--side", "right", "-o", report)
        assert outcome.status == 0
        assert "mask.mha: stated as right, anatomy says left" in caplog.text
        found = json.loads(report.read_text())
        assert found["side"]["by_anatomy"] == "left"
        for name in ("alpha_anterior_deg", "alpha_posterior_deg", "posterior_displacement_mm"):
            assert "the side is stated as right" in found["measures"][name]["refusal"]
        assert found["measures"]["alpha_deg"]["value"] is not None

    def test_a_side_that_anatomy_confirms_is_no_more_than_that(self, measured, write_volume):
        report, _ = measured(write_volume(), "--side", "left")
        assert report["side"] == {"stated": "left", "by_anatomy": "left", "log_odds": 8.0}

    def test_without_a_spacing_there_are_angles_and_no_millimetres(self, measured, tmp_path):
        made = put_in_volume(HIP, np.eye(3), (1.0, 1.0, 1.0), half_mm=24.0)
        mask = images.write(images.Volume(made.labels, (1.0, 1.0, 1.0)), tmp_path / "bare.nrrd")
        figure = tmp_path / "graf.svg"
        report, shown = measured(mask, "--labels", "hip", "--figure", figure)
        assert report["spacing_xyz_mm"] is None
        assert "--pixel-mm" in report["spacing_from"]
        assert report["measures"]["alpha_deg"]["value"] == pytest.approx(64.0, abs=3.0)
        for name, one in report["measures"].items():
            assert (one["value"] is None) or not name.endswith("_mm")
        assert figure.read_text().startswith("<?xml")
        report, _ = measured(mask, "--labels", "hip", "--pixel-mm", "1")
        assert report["measures"]["head_radius_mm"]["value"] == pytest.approx(8.0, abs=0.1)

    def test_pictures_behind_a_mask_are_drawn(self, measured, monkeypatch, write_volume, tmp_path):
        drawn, draw = [], graf_section.draw_graf_section
        monkeypatch.setattr(
            graf_section, "draw_graf_section",
            lambda *given, **options: drawn.append(options) or draw(*given, **options),
        )  # fmt: skip
        source, mask = write_volume("grey.mha", is_grey=True), write_volume()
        figure = tmp_path / "graf.png"
        report, shown = measured(source, "--mask", mask, "--figure", figure)
        assert shown["figure"] == str(figure)
        assert cv2.imread(str(figure)).shape[1] > 1000
        picture = drawn[0]["picture"]
        head = picture[picture.shape[0] * 2 // 5]  # 16 of 40 mm down: through its centre
        assert head.max() == pytest.approx(40 * HipLabel.FEMORAL_HEAD, abs=1)
        assert set(report["made_by"]["inputs"]) == {"grey.mha", "mask.mha"}

    def test_a_mask_of_another_place_is_refused(self, refused, write_volume, tmp_path):
        mask, out = write_volume(), ("-o", tmp_path / "r.json")
        moved = write_volume("grey.mha", is_grey=True, shift=0.5)
        told = refused("measure", moved, "--mask", mask, *out)
        assert "grey.mha: mask and volume must lie on one grid, origin_xyz_mm is" in told
        less = images.read(moved).array[1:]
        cut = write_volume("cut.mha", less, is_grey=True)
        told = refused("measure", cut, "--mask", mask, *out)
        assert "cut.mha: pictures must have the mask's shape" in told

    def test_a_missing_structure_is_named_and_nothing_is_made_up(
        self, hipus, made, write_volume, tmp_path
    ):
        labels = np.where(made.labels == HipLabel.FEMORAL_HEAD, 0, made.labels)
        report, figure = tmp_path / "r.json", tmp_path / "f.png"
        outcome = hipus("measure", write_volume(labels=labels), "-o", report, "--figure", figure)
        assert outcome.status == 1
        assert "mask.mha: nothing could be measured: " in outcome.err
        assert "femoral head" in outcome.err
        found = json.loads(report.read_text())
        assert all(one["value"] is None for one in found["measures"].values())
        assert found["graf_plane"] is None
        assert figure.is_file()


class TestPictures:
    def test_a_picture_has_angles_and_no_millimetres(self, measured, write_picture, tmp_path):
        made = MadeSection(spacing_yx_mm=(0.25, 0.25))
        report, shown = measured(
            write_picture(made.labels()), "--labels", "hip", "--figure", tmp_path / "f.pdf"
        )
        (frame,) = report["frames"]
        for name, value, within in (("alpha", 60.0, 1.5), ("beta", 65.0, 4.0)):
            assert frame["measures"][f"{name}_deg"]["value"] == pytest.approx(value, abs=within)
        assert frame["measures"]["coverage_percent"]["value"] == pytest.approx(55.0, abs=2.0)
        assert "no pixel spacing" in frame["measures"]["head_diameter_mm"]["refusal"]
        assert (frame["cranial"], frame["graf_type"]["name"]) == ("left", "Ib")
        assert report["side"]["by_anatomy"] is None
        assert (tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")
        assert shown["frames_total"] == 1

    def test_a_stated_pixel_gives_millimetres(self, measured, write_picture):
        mask = write_picture(MADE.labels())
        report, _ = measured(mask, "--labels", "hip", "--pixel-mm", "0.25,0.3")
        diameter = report["frames"][0]["measures"]["head_diameter_mm"]
        assert diameter["value"] == pytest.approx(16.0, abs=0.2)
        assert report["spacing_xy_mm"] == [0.25, 0.3]
        assert report["spacing_from"] == "--pixel-mm"

    def test_every_frame_is_measured_and_the_best_is_shown(self, measured, write_stack):
        empty, whole = np.zeros_like(MADE.labels()), MADE.labels()
        bare = np.where(whole == HipLabel.LABRUM, 0, whole)
        mask = write_stack([empty, bare, whole], of="cine.dcm")
        report, shown = measured(mask)
        assert [one["frame_index"] for one in report["frames"]] == [0, 1, 2]
        assert report["best_frame_index"] == shown["best_frame_index"] == 2
        assert (shown["frames_with_alpha"], shown["frames_total"]) == (2, 3)
        refusals = [one["measures"]["beta_deg"]["refusal"] for one in report["frames"]]
        assert refusals == ["no ilium label: nothing is labelled", "no labrum label", None]
        one, shown = measured(mask, "--frames", "1")
        assert [frame["frame_index"] for frame in one["frames"]] == [1]
        assert one["frames"][0] == report["frames"][1]

    def test_frames_says_that_a_stack_is_no_volume(self, measured, refused, write_stack, tmp_path):
        mask = write_stack([MADE.labels()] * 2)
        report, _ = measured(mask, "--frames", "all")
        assert (report["kind"], len(report["frames"])) == ("pictures", 2)
        told = refused("measure", mask, "--frames", "2", "-o", tmp_path / "r.json")
        assert "--frames must be all or 0 to 1, got 2" in told

    def test_age_parts_type_two(self, measured, write_stack):
        mask = write_stack([replace(MADE, alpha_deg=54.0).labels()])
        report, _ = measured(mask)
        assert report["frames"][0]["graf_type"]["name"] == "II"
        report, _ = measured(mask, "--age-days", "100")
        assert report["frames"][0]["graf_type"]["name"] == "IIb"

    def test_wider_labels_make_wider_intervals_and_no_other_value(self, measured, write_stack):
        mask, found = write_stack([MADE.labels()]), []
        for sd in ("0.05", "0.3"):
            report, _ = measured(mask, "--label-sd-mm", sd)
            found.append(report["frames"][0]["measures"]["alpha_deg"])
            assert report["uncertainty"]["label_sd_mm"] == float(sd)
        narrow, wide = (one["upper"] - one["lower"] for one in found)
        assert 0 < narrow < wide / 2
        assert found[0]["value"] == found[1]["value"]

    def test_dicom_without_a_scale_with_a_mask(self, measured, refused, write_dicom, tmp_path):
        labels = MADE.labels()
        source = write_dicom(np.stack([labels * 30] * 2))
        mask = images.write(images.Volume(np.stack([labels] * 2), (1, 1, 1)), tmp_path / "m.nii.gz")
        report, _ = measured(source, "--mask", mask, "--labels", "hip")
        assert (report["kind"], report["spacing_xy_mm"]) == ("pictures", None)
        assert len(report["frames"]) == 2
        told = refused("measure", source, "-o", tmp_path / "r.json")
        assert "cine.dcm is no mask (dicom): name --mask or --model" in told


class TestModels:
    @pytest.fixture
    def model(self, tmp_path):
        """Return a function that saves a model."""
        return lambda name: save_model(tmp_path / "models" / name, name)

    def test_a_volume_is_labelled_first(self, hipus, model, write_volume, tmp_path):
        source, report = write_volume("grey.nii.gz", is_grey=True), tmp_path / "r.json"
        hipus("measure", source, "--model", model("3.2"), "-o", report)
        found = json.loads(report.read_text())
        assert (found["kind"], found["scheme"]) == ("volume", "hip")
        assert found["labelled_by"]["model"] == "3.2"
        assert found["spacing_from"] == "the mask"

    def test_pictures_are_labelled_first(self, hipus, refused, model, write_dicom, tmp_path):
        source, folder = write_dicom(np.full((2, 40, 48), 90, np.uint8)), model("2.1")
        told = refused("measure", source, "--model", folder, "-o", tmp_path / "r.json")
        assert "does not state the size of a pixel: give it with --pixel-mm" in told
        options = ("--pixel-mm", "0.5", "-o", tmp_path / "r.json", "--figure", tmp_path / "f.png")
        hipus("measure", source, "--model", folder, *options)
        found = json.loads((tmp_path / "r.json").read_text())
        assert found["spacing_xy_mm"] == [0.5, 0.5]
        assert len(found["frames"]) == 2
        assert (tmp_path / "f.png").is_file()

    def test_a_model_of_another_scheme_is_refused(self, refused, model, write_volume, tmp_path):
        options = ("--model", model("3.2"), "--labels", "stills", "-o", tmp_path / "r.json")
        told = refused("measure", write_volume("g.mha", is_grey=True), *options)
        assert "labels by scheme 'hip', --labels says 'stills'" in told


class TestReport:
    def test_it_says_everywhere_that_it_is_no_medical_device(self, measured, write_stack):
        report, shown = measured(write_stack([MADE.labels()]))
        assert DISCLAIMER == graf_section.DISCLAIMER == "Not a medical device."
        assert report["disclaimer"] == shown["disclaimer"] == DISCLAIMER

    def test_it_says_what_made_it(self, measured, write_stack):
        mask = write_stack([MADE.labels()], of="cine.dcm")
        report, shown = measured(mask)
        assert report["made_by"]["inputs"]["stack.nii.gz"]["sha256"] == sha256(mask)
        assert report["made_by"]["versions"]["hipus"]
        assert report["labelled_by"] == {
            "mask": "stack.nii.gz", "made_by": "model 2.1", "of": "cine.dcm"
        }  # fmt: skip
        assert report["origin"] == shown["origin"] == "recorded"
        assert {"label_sd_mm", "label_length_mm", "level", "draws", "seed"} == set(
            report["uncertainty"]
        )

    def test_it_is_the_same_twice_but_for_its_time(self, measured, write_stack):
        mask = write_stack([MADE.labels()])
        first, second = (measured(mask)[0] for _ in range(2))
        for one in (first, second):
            del one["made_by"]["created_utc"]
        assert first == second


class TestWhatIsRefused:
    def test_a_mask_without_a_sidecar_asks_for_labels(self, refused, write_picture, tmp_path):
        told = refused("measure", write_picture(MADE.labels()), "-o", tmp_path / "r.json")
        assert "say what its numbers mean, --labels hip|stills" in told

    def test_an_unknown_scheme_is_named(self, hipus, refused, write_stack, tmp_path):
        mask, out = write_stack([MADE.labels()]), ("-o", tmp_path / "r.json")
        outcome = hipus("measure", mask, "--labels", "knee", *out)
        assert (outcome.status, "'knee' is not one of" in outcome.err) == (2, True)
        sidecar_file(mask).write_text('{"scheme": "knee"}')
        assert "label scheme must be one of hip|stills, got 'knee'" in refused(
            "measure", mask, *out
        )

    def test_outputs_have_their_endings_and_replace_no_input(self, refused, write_stack, tmp_path):
        mask = write_stack([MADE.labels()])
        told = refused("measure", mask, "-o", tmp_path / "r.txt")
        assert "r.txt: a report must end in .json" in told
        out = ("-o", tmp_path / "r.json", "--figure")
        told = refused("measure", mask, *out, tmp_path / "f.jpg")
        assert "f.jpg: a figure must end in one of .png, .pdf, .svg" in told
        picture = tmp_path / "m.png"
        assert cv2.imwrite(str(picture), MADE.labels())
        assert "must not replace an input" in refused(
            "measure", picture, "--labels", "hip", *out, picture
        )
        assert not (tmp_path / "r.json").exists()

    def test_a_volume_has_no_frames(self, refused, write_volume, tmp_path):
        folder = save_model(tmp_path / "3.2", "3.2")
        options = ("--model", folder, "--frames", "all", "-o", tmp_path / "r.json")
        told = refused("measure", write_volume("g.mha", is_grey=True), *options)
        assert "--frames is of pictures, and" in told

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--pixel-mm", "0.1,-1"), "--pixel-mm must be 1 to 3 positive"),
            (("--pixel-mm", "wide"), "--pixel-mm must be 1 to 3 positive"),
            (("--frames", "best"), "--frames must be all or a number"),
            (("--age-days", "-1"), "--age-days must be at least 0"),
            (("--mask", "a.mha", "--model", "3.2"), "name either --mask or --model"),
        ],
    )
    def test_options_that_mean_nothing(self, hipus, write_stack, tmp_path, options, message):
        mask = write_stack([MADE.labels()])
        outcome = hipus("measure", mask, *options, "-o", tmp_path / "r.json")
        assert outcome.status == 2
        assert message in " ".join(outcome.err.replace("│", " ").split())

    def test_an_impossible_sd_is_refused(self, refused, write_stack, tmp_path):
        options = ("--label-sd-mm", "-1", "-o", tmp_path / "r.json")
        assert "label_sd_mm must be" in refused("measure", write_stack([MADE.labels()]), *options)


@pytest.mark.real
def test_a_real_still_is_measured_as_the_open_tool_does(measured, real_file, tmp_path):
    source = real_file("infant_hip_stills/dicom/171551.dcm")
    mask = real_file("infant_hip_stills/labels/171551.nii.gz")
    figure = tmp_path / "graf.png"
    options = ("--mask", mask, "--labels", "stills", "--frames", "4", "--figure", figure)
    report, _ = measured(source, *options)
    (frame,) = report["frames"]
    assert frame["measures"]["alpha_deg"]["value"] == pytest.approx(69.2, abs=2.5)
    assert frame["is_standard_plane"]
    assert frame["measures"]["beta_deg"]["refusal"] == "no labrum label"
    assert "no pixel spacing" in frame["measures"]["head_diameter_mm"]["refusal"]
    assert figure.is_file()
