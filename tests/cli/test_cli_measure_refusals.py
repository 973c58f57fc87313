"""`hipus measure` on masks that lack something: what is missing is named, the rest is measured."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_hips import MadeHip, put_in_volume
from made_sections import MadeSection
from made_segmenters import save_model

from hipus import images
from hipus.cli import measure as command
from hipus.cli import measure_drawing, measure_inputs, measure_numbers, measure_report
from hipus.cli.measure_inputs import Measurable
from hipus.cli.measure_numbers import Asked, MeasuredSection
from hipus.formats.mask_files import write_mask
from hipus.labels import HipLabel
from hipus.morphometry.graf_section import measure_section
from hipus.morphometry.graf_types import GrafType
from hipus.morphometry.hip_measures import HipMeasures
from hipus.morphometry.measures import Measure
from hipus.morphometry.measures import refused as refusal
from hipus.morphometry.volume_uncertainty import Uncertainty

SPACING_ZYX_MM = (1.0, 0.9, 1.1)
FEW = Uncertainty(draws=20)
ANGLES = ("alpha_deg", "acetabular_contact_angle_deg", "alpha_anterior_deg")


@pytest.fixture(scope="module")
def made():
    """Return a left hip in a volume whose axes are those of the world."""
    return put_in_volume(MadeHip(alpha_deg=64.0), np.eye(3), SPACING_ZYX_MM, half_mm=24.0)


@pytest.fixture
def measured(hipus, tmp_path, monkeypatch):
    """Return a function that measures labels as a volume, and returns status, report and line."""
    monkeypatch.setattr(command, "_uncertainty", lambda *sds: FEW)

    def call(labels, *options, spacing=SPACING_ZYX_MM):
        volume = images.Volume(labels.astype(np.uint8), spacing)
        about = {"scheme": "hip", "made_by": "a rater", "origin": "recorded"}
        mask = write_mask(volume, tmp_path / "mask.mha", **about)
        report = tmp_path / "r.json"
        report.unlink(missing_ok=True)
        outcome = hipus("measure", mask, "-o", report, *options)
        return outcome.status, json.loads(report.read_text())["measures"], outcome.err

    return call


def _places(made) -> tuple[np.ndarray, np.ndarray]:
    """Return lateral and superior of every voxel."""
    places = made.places()
    return places[..., 0], places[..., 2]


class TestVolumes:
    def test_without_ilium_the_head_is_all(self, measured, made):
        labels = np.where(made.labels == HipLabel.ILIUM, 0, made.labels)
        status, found, _ = measured(labels)
        assert status == 0
        with_value = {name for name, one in found.items() if one["value"] is not None}
        assert with_value == {"head_radius_mm", "head_sphericity"}
        assert found["alpha_deg"]["refusal"] == "no ilium label"
        assert found["head_radius_mm"]["value"] == pytest.approx(8.0, abs=0.15)

    def test_one_of_two_landmarks_gives_no_angle(self, measured, made):
        """The rim and the wing stay, and with them coverage; the lower limb does not."""
        _, superior = _places(made)
        is_roof = (superior < MadeHip().rim_mm - 0.6) & (made.labels == HipLabel.ILIUM)
        status, found, _ = measured(np.where(is_roof, 0, made.labels))
        assert status == 0
        for name in ANGLES:
            assert found[name]["value"] is None
            assert "missing" in found[name]["refusal"]
        coverage = found["femoral_head_coverage_percent"]
        assert coverage["value"] == pytest.approx(55.0, abs=3.0)

    def test_without_a_wing_there_is_no_baseline(self, measured, made):
        _, superior = _places(made)
        is_wing = (superior > MadeHip().rim_mm) & (made.labels == HipLabel.ILIUM)
        _, found, _ = measured(np.where(is_wing, 0, made.labels))
        assert found["alpha_deg"]["value"] is None
        assert found["femoral_head_coverage_percent"]["value"] is None

    def test_a_head_that_the_volume_cuts_is_out_of_view(self, measured, made):
        """Three quarters of the head lie beyond the volume's edge."""
        _, superior = _places(made)
        keep = (superior > 4.0).any(axis=(1, 2))
        _, found, _ = measured(made.labels[keep])
        assert "out of view" in found["head_sphericity"]["refusal"]
        assert "% of its ball is labelled" in found["head_sphericity"]["refusal"]

    def test_nothing_labelled_is_an_error_with_a_report(self, measured, made):
        status, found, line = measured(np.zeros_like(made.labels))
        assert status == 1
        assert "nothing could be measured: no femoral head label" in line
        assert all(one["value"] is None and one["refusal"] for one in found.values())

    def test_a_refusal_has_neither_interval_nor_number(self, measured, made):
        labels = np.where(made.labels == HipLabel.ILIUM, 0, made.labels)
        _, found, _ = measured(labels)
        refused_ones = [one for one in found.values() if one["refusal"]]
        assert all(one["lower"] is one["upper"] is one["value"] is None for one in refused_ones)

    def test_without_a_spacing_only_millimetres_are_refused(self, measured):
        cubes = put_in_volume(MadeHip(alpha_deg=64.0), np.eye(3), (1.0, 1.0, 1.0), half_mm=24.0)
        _, known, _ = measured(cubes.labels, "--pixel-mm", "1.0", spacing=(1.0, 1.0, 1.0))
        _, found, _ = measured(cubes.labels, spacing=(1.0, 1.0, 1.0))
        for name, one in found.items():
            if one["unit"] == "mm":
                assert one["value"] is None
            elif known[name]["value"] is not None:
                assert one["value"] == pytest.approx(known[name]["value"], abs=3.0)
        assert found["head_radius_mm"]["refusal"] == ("no voxel spacing: lengths cannot be given")


class TestMasks:
    def test_a_number_outside_the_scheme_is_named(self, refused, made, tmp_path):
        volume = images.Volume(made.labels + 3 * (made.labels > 0), SPACING_ZYX_MM)
        mask = images.write(replace(volume, array=volume.array.astype(np.uint8)),
                            tmp_path / "m.mha")  # fmt: skip
        told = refused("measure", mask, "--labels", "stills", "-o", tmp_path / "r.json")
        assert "not in scheme 'stills', 0 to 3" in told

    def test_a_mask_with_another_scheme_than_stated(self, refused, made, tmp_path):
        volume = images.Volume(made.labels, SPACING_ZYX_MM)
        mask = write_mask(volume, tmp_path / "m.mha", scheme="hip", made_by="x", origin="recorded")
        told = refused("measure", mask, "--labels", "stills", "-o", tmp_path / "r.json")
        assert "says that labels are 'hip', asked for 'stills'" in told

    def test_a_model_of_volumes_gets_no_picture(self, refused, tmp_path):
        import cv2

        assert cv2.imwrite(str(tmp_path / "p.png"), np.full((40, 48), 90, np.uint8))
        folder = save_model(tmp_path / "3.2", "3.2")
        told = refused("measure", tmp_path / "p.png", "--model", folder, "-o", tmp_path / "r.json")
        assert "p.png holds pictures without poses (picture)" in told

    def test_a_model_of_frames_gets_no_volume(self, refused, made, tmp_path):
        grey = images.write(images.Volume(40 * made.labels, SPACING_ZYX_MM), tmp_path / "g.mha")
        folder = save_model(tmp_path / "2.1", "2.1")
        told = refused("measure", grey, "--model", folder, "-o", tmp_path / "r.json")
        assert "is a volume, and model 2.1 labels frames" in told


class TestSpacing:
    """Which statement of a spacing is believed."""

    @pytest.mark.parametrize(
        ("stated", "of_mask", "of_source", "is_volume", "expected"),
        [
            ((0.2, 0.3), (1.0, 0.5, 0.5), (0.4, 0.4), False, (0.2, 0.3, 0.2)),
            ((0.2, 0.3, 0.9), (0.5, 0.5, 0.5), None, True, (0.9, 0.3, 0.2)),
            (None, (1.0, 1.0, 1.0), (0.4, 0.6), False, (1.0, 0.4, 0.6)),
            (None, (1.0, 0.4, 0.6), None, False, (1.0, 0.4, 0.6)),
            (None, (1.0, 1.0, 1.0), None, False, None),
            (None, (2.0, 1.0, 1.0), None, False, None),
            (None, (2.0, 1.0, 1.0), None, True, (2.0, 1.0, 1.0)),
            (None, (1.0, 1.0, 1.0), None, True, None),
            (None, None, None, False, None),
        ],
    )
    def test_options_come_before_pictures_before_masks(
        self, stated, of_mask, of_source, is_volume, expected
    ):
        given = measure_inputs.Stated(None, stated)
        found, by = measure_inputs._spacing(given, of_mask, of_source, is_volume=is_volume)
        assert found == expected
        assert by.startswith("nobody") == (expected is None)


@pytest.fixture(scope="module")
def whole():
    """Return a whole section, and the same without labrum and without roof."""
    labels = MadeSection(spacing_yx_mm=(0.3, 0.25)).labels()
    bare = np.where(labels == HipLabel.LABRUM, 0, labels)
    return [
        MeasuredSection(
            number,
            measure_section(one, scheme="hip", spacing_yx_mm=(0.3, 0.25)),
            GrafType(None),
        )
        for number, one in enumerate((np.zeros_like(labels), bare, labels, labels))
    ]


class TestNumbers:
    def test_the_best_picture_shows_most_and_comes_first(self, whole):
        assert measure_numbers.best_of(whole).index == 2
        assert measure_numbers.best_of(whole[:2]).index == 1
        assert measure_numbers.best_of(whole[:1]).index == 0

    def test_why_nothing_is_the_most_frequent_reason(self):
        rare, usual = refusal("no head", "mm"), refusal("no ilium label", "deg")
        assert measure_numbers.why_nothing([{"a": usual, "b": rare}, {"a": usual}]) == (
            "no ilium label"
        )
        assert measure_numbers.why_nothing([{"a": usual, "b": Measure(1.0, "mm")}]) == ""

    @pytest.mark.parametrize("number", [-1, 1])
    def test_a_picture_that_is_not_there(self, number):
        found = Measurable(np.zeros((1, 8, 8), np.uint8), "hip", False, None, "nobody")
        with pytest.raises(ValueError, match=f"--frames must be all or 0 to 0, got {number}"):
            measure_numbers.measure_pictures(found, Asked(None, None, number, FEW))


class TestSides:
    @pytest.mark.parametrize(
        ("side", "odds", "stated", "by_anatomy"),
        [
            ("left", 5.0, "left", "left"),
            ("left", 1.0, "left", None),
            ("left", -5.0, "left", "right"),
            ("right", -3.0, "right", "left"),
            ("right", 1.5, None, "right"),
            (None, 0.4, None, None),
        ],
    )
    def test_anatomy_speaks_only_when_it_is_sure(self, side, odds, stated, by_anatomy):
        told = measure_report.side_report(HipMeasures({}, side, odds), stated)
        assert (told["stated"], told["by_anatomy"], told["log_odds"]) == (stated, by_anatomy, odds)
        contradicted = stated is not None and by_anatomy not in (None, stated)
        assert ("contradicts" in told) == contradicted
        words = measure_drawing.side_words(told)
        if contradicted:
            assert words == f"stated {stated}, by anatomy {by_anatomy}"
        else:
            assert words == (f"{stated or by_anatomy} hip" if stated or by_anatomy else "")


class TestReports:
    def test_spacing_is_told_in_the_order_of_the_world(self, tmp_path):
        labels = np.zeros((2, 3, 4), np.uint8)
        for is_volume, name, expected in (
            (True, "spacing_xyz_mm", (0.3, 0.2, 0.1)),
            (False, "spacing_xy_mm", (0.3, 0.2)),
        ):
            found = Measurable(labels, "hip", is_volume, (0.1, 0.2, 0.3), "the mask")
            told = measure_report.about(found)
            assert told[name] == expected
            assert told["made_by"]["inputs"] == {}
            assert told["origin"] == "not stated"

    def test_a_figure_of_a_refused_volume_says_so(self, made, tmp_path):
        labels = np.where(made.labels == HipLabel.FEMORAL_HEAD, 0, made.labels)
        found = Measurable(labels, "hip", True, SPACING_ZYX_MM, "the mask", origin="simulated")
        hip, kind = measure_numbers.measure_volume(found, Asked(None, None, None, FEW))
        drawn = measure_drawing.draw_volume(found, hip, kind, words=("a.mha", ""))
        assert drawn.get_suptitle() == "a.mha, no Graf plane, simulated"
        measure_drawing.save(drawn, Path(tmp_path) / "f.png")
        assert (tmp_path / "f.png").stat().st_size > 1000
