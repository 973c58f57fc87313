"""The page of one measured hip: what a reader sees, and that it needs nothing but itself."""

import base64
import json
import re

import made_run
import numpy as np
import pytest
from made_run import CENTRE_MM, RADIUS_MM, STEPS, measurements, write_run
from seen_page import Page

from hipus.figures.surfaces import VIEW_DEG
from hipus.morphometry.measures import Measure, refused
from hipus.morphometry.shape_measures import UNITS
from hipus.report import hip_page_view, hip_page_words
from hipus.report.hip_page import write_hip_page


class Spaced(Page):
    """A page whose cells and cards are apart, as they are seen."""

    def handle_data(self, data):
        super().handle_data(f" {data} ")


@pytest.fixture
def page(tmp_path):
    """Return a function that writes a page and returns it as a browser would see it."""

    def make(report=None, **options) -> Spaced:
        folder = write_run(tmp_path / "run", report, **options)
        return Spaced(write_hip_page(folder, folder / "report.html", steps=STEPS).read_text())

    return make


class TestWhatIsRead:
    def test_numbers_come_with_interval_and_unit(self, page):
        text = " ".join(page().text.split())
        assert "Alpha 57.0° interval 53.0 to 61.2°" in text
        assert "Coverage d / D 48.2 % interval 44.0 to 52.0 %" in text
        assert "Graf type II IIa or IIb: the age is not known" in text
        assert "Head sphericity 0.97 –" in text

    def test_a_refusal_stands_where_its_number_would(self, page):
        text = " ".join(page().text.split())
        assert "Contact angle refused no acetabular_contact_angle_deg here" in text
        assert "refused: no beta_deg here" in text
        refusals = [one for one in measurements()["measures"].values() if one["refusal"]]
        assert text.count("refused: no ") == len(refusals) == len(UNITS) - 3

    def test_every_measure_has_a_row_with_its_meaning(self, page):
        assert set(hip_page_words.MEANINGS) == set(UNITS)
        text = page().text
        assert all(f"{title}" in text for title, _ in hip_page_words.MEANINGS.values())

    def test_it_says_that_it_is_no_medical_device(self, page):
        text = page().text
        assert text.count("Not a medical device.") == 2
        assert "This hip is simulated: it is nobody's." in text

    def test_a_recorded_hip_is_told_of_simulated_training(self, page):
        text = page(measurements(origin="recorded")).text
        assert "were trained on simulated hips alone" in text
        assert "nobody's" not in text

    def test_a_contradicted_side_is_a_warning(self, page):
        told = "stated as left, anatomy says right: is this the right file?"
        side = {"stated": "left", "by_anatomy": "right", "log_odds": -5.0, "contradicts": told}
        found = page(measurements(side=side))
        assert "anatomy says right: is this the right file?" in found.text
        assert "alert" in found.attributes("role")

    def test_poses_steps_and_makers_are_told(self, page):
        text = " ".join(page().text.split())
        assert "Poses by the motion model x: 47 of 53 frames, a path of 53 mm." in text
        assert "Predicted because the file holds no poses." in text
        assert "1.5, 2.0 and 3.1 mm (lateral, axial, across the pictures)" in text
        assert "meshes meshes/ilium.stl, meshes/femoral_head.stl 0.5" in text
        assert f"sha256 {'f' * 64}, 7 bytes" in text
        assert f"model of masks 3.2, sha256 {'e' * 64}" in text

    def test_scaled_intervals_name_those_that_are_not(self, page):
        intervals = {"hold": "labels and poses", "labels_only": ["head_radius_mm"]}
        text = page(measurements(uncertainty={"level": 0.9, "intervals": intervals})).text
        assert "Intervals hold errors of labels and poses. Of labels only: head_radius_mm." in text
        assert "90 % interval" in text

    def test_text_from_a_file_is_never_markup(self, page):
        found = page(measurements(source="<script>alert(1)</script>.mha"))
        assert "<script>alert(1)</script>.mha" in found.text

    def test_without_measurements_there_is_no_page(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="measurements.json is missing: `hipus run`"):
            write_hip_page(tmp_path, tmp_path / "report.html", steps={})


class TestItself:
    def test_it_loads_nothing_from_anywhere(self, page):
        found = page()
        sources = found.attributes("src") + found.attributes("href")
        assert all(one.startswith(("data:image/png;base64,", "#")) for one in sources)
        (policy,) = [one["content"] for tag, one in found.tags if one.get("http-equiv")]
        assert policy.startswith("default-src 'none'")

    def test_no_script_or_style_names_an_address(self, page, tmp_path):
        page()
        text = (tmp_path / "run/report.html").read_text()
        assert re.findall(r"https?://|url\(|import\(|fetch\(", text) == []

    def test_pictures_have_words_and_tables_are_reached_by_keys(self, page):
        found = page()
        pictures = [one for tag, one in found.tags if tag == "img"]
        assert len(pictures) == 2
        assert all(one["alt"] for one in pictures)
        regions = [one for _, one in found.tags if one.get("class") == "scroll"]
        assert all(one["tabindex"] == "0" and one["aria-label"] for one in regions)
        (canvas,) = [one for tag, one in found.tags if tag == "canvas"]
        assert canvas["tabindex"] == "0"
        assert "Arrow keys" in canvas["aria-label"]

    def test_without_surfaces_it_says_so_and_runs_no_script(self, page):
        found = page(measurements(graf_plane=None), surfaces=())
        assert "No structure was labelled" in found.text
        assert "No Graf plane was found" in found.text
        assert "script" not in [tag for tag, _ in found.tags]


class TestView:
    @pytest.fixture
    def shown(self, tmp_path):
        return hip_page_view.read_surfaces(write_run(tmp_path / "run") / "meshes")

    def test_places_come_back_to_a_thousandth_of_a_millimetre(self, shown):
        data = hip_page_view.view_data(shown, None)
        (head, ilium) = data["meshes"]
        assert (head["title"], ilium["title"]) == ("femoral head", "ilium")
        counts = [np.frombuffer(base64.b64decode(one["places"]), "<i2") for one in (head, ilium)]
        places = np.concatenate(counts).reshape(-1, 3) * data["unit_mm"]
        expected = np.concatenate([vertices for vertices, _ in shown.values()])
        np.testing.assert_allclose(places - places[0], expected - expected[0], atol=1e-3)
        faces = np.frombuffer(base64.b64decode(head["faces"]), "<u4").reshape(-1, 3)
        np.testing.assert_array_equal(faces, shown["femoral_head"][1])
        assert np.abs(places).max() <= data["radius_mm"] + 1e-3
        assert data["view_deg"] == list(VIEW_DEG)

    def test_the_plane_goes_through_its_origin_across_posterior(self, shown):
        plane = measurements()["graf_plane"]
        data = hip_page_view.view_data(shown, plane)
        corners = np.array(data["plane"])
        assert corners @ plane["posterior_xyz"] == pytest.approx([corners[0, 2] * -1] * 4)
        everything = np.concatenate([vertices for vertices, _ in shown.values()])
        middle = (everything.min(axis=0) + everything.max(axis=0)) / 2
        np.testing.assert_allclose(corners.mean(axis=0) + middle, CENTRE_MM, atol=1e-6)
        assert [name for name, _ in data["axes"]] == ["lateral", "posterior", "superior"]

    def test_surfaces_are_read_as_they_lie(self, shown):
        vertices, faces = shown["femoral_head"]
        np.testing.assert_allclose(vertices.mean(axis=0), CENTRE_MM, atol=1e-3)
        assert np.linalg.norm(vertices - CENTRE_MM, axis=1) == pytest.approx(RADIUS_MM, abs=1e-3)
        assert faces.max() < len(vertices)

    def test_a_surface_without_triangles_is_refused(self, tmp_path):
        (tmp_path / "a.stl").write_bytes(b"empty".ljust(80) + bytes(4))
        with pytest.raises(ValueError, match="a.stl holds no triangles"):
            hip_page_view.read_surfaces(tmp_path)

    def test_a_still_picture_shows_something(self, shown):
        import cv2

        encoded = hip_page_view.still_picture(shown).partition(",")[2]
        picture = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), -1)
        assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 50


class TestGauge:
    def test_alpha_lies_between_the_limits_of_its_type(self):
        found = hip_page_words.gauge(Measure(57.0, "deg", 53.0, 61.0))
        limits = {bound["deg"]: bound["x"] for bound in found.bounds}
        assert list(limits) == ["43", "50", "60"]
        assert limits["50"] < found.arm[0] < found.x < limits["60"] < found.arm[1]
        assert [band["name"] for band in found.bands] == ["III, IV", "II c, D", "II a, b", "I"]
        assert "57.0°, interval 53.0 to 61.0°" in found.words

    def test_what_lies_beyond_is_drawn_at_the_end(self):
        found = hip_page_words.gauge(Measure(95.0, "deg"))
        assert (found.x, found.arm) == (632.0, None)
        assert hip_page_words.gauge(Measure(12.0, "deg")).x == 8.0

    def test_without_alpha_there_is_none(self, page):
        assert hip_page_words.gauge(refused("no roof", "deg")) is None
        measures = measurements()["measures"]
        measures["alpha_deg"] = measures["beta_deg"]
        found = page(measurements(measures=measures))
        assert "gauge" not in found.attributes("class")


class TestWords:
    def test_tracked_poses_state_no_deviation(self):
        poses = {"told_by": "tracker", "frames_with_pose": 5, "frames_total": 6, "path_mm": 3.0}
        text = hip_page_words.poses_words(poses)
        assert text == "Poses by the tracker: 5 of 6 frames, a path of 3 mm."
        silent = poses | {"end_sd_mm": [None, None, None]}
        assert hip_page_words.poses_words(silent) == text

    def test_moved_poses_say_by_how_much(self):
        poses = {"told_by": "model", "frames_with_pose": 5, "frames_total": 6, "path_mm": 3.0}
        assert "round" not in hip_page_words.poses_words(poses | {"made_round": None})
        for stretch, told in ((1.06, "6 % longer."), (0.95, "5 % shorter.")):
            text = hip_page_words.poses_words(poses | {"made_round": stretch})
            assert text.endswith(f"until the femoral head is round: the way became {told}")

    def test_measures_are_those_of_the_report(self):
        report = json.loads(json.dumps(made_run.measurements()))
        found = hip_page_words.measures_of(report)
        assert found["alpha_deg"] == Measure(57.04, "deg", 53.0, 61.2)
        assert hip_page_words.value_text(Measure(3.14, "mm")) == "3.1 mm"
        assert hip_page_words.interval_text(Measure(3.0, "mm", -1.0, 4.0)) == "-1.0 to 4.0 mm"
