"""The turning hip's fragment: what it says, what it carries, and what stands without a script."""

import base64
import io
import json
import re

import made_hip_scene as made
import numpy as np
import pytest
from PIL import Image
from seen_page import Page

from hipus import paths
from hipus.files import atomic_path
from hipus.labels import HipLabel
from hipus.report import hip_scene, hip_scene_drawing, hip_scene_words


@pytest.fixture(scope="module")
def content():
    """Return what the stage left."""
    return made.content()


@pytest.fixture(scope="module")
def html(content) -> str:
    """Return the fragment."""
    return hip_scene.fragment(content)


def carried(html: str) -> dict:
    """Return the numbers that the fragment carries."""
    found = re.search(r'<script type="application/json" id="scene-data">(.*?)</script>', html)
    return json.loads(found[1])


def decoded(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


class TestWhatItSays:
    def test_it_is_called_simulated_and_no_medical_device(self, html):
        text = Page(html).text
        assert "simulated Not a medical device. The hips are simulated" in " ".join(text.split())

    def test_a_real_hip_is_not_called_simulated(self):
        text = Page(hip_scene.fragment(made.content("real", has_truth=False))).text
        assert "simulated" not in text
        assert "Not a medical device." in text

    def test_every_control_has_a_label(self, html):
        page = Page(html)
        named = set(page.attributes("for"))
        assert {"scene-hip", "scene-plane"} <= named
        boxes = [found for tag, found in page.tags if found.get("type") == "checkbox"]
        assert len(boxes) == 5  # each stands inside of its label
        assert html.count("<label><input") == 5

    def test_without_a_script_there_is_a_picture_and_a_table_of_all_planes(self, html):
        page = Page(html)
        (still,) = [found for tag, found in page.tags if tag == "img"]
        picture = Image.open(io.BytesIO(base64.b64decode(still["src"].partition(",")[2])))
        assert np.asarray(picture.convert("L")).std() > 5
        assert "femoral head" in still["alt"]
        assert page.text.count("Graf plane") > 2 * 19
        assert "refused: the" in page.text

    def test_live_parts_are_hidden_until_the_script_shows_them(self, html):
        live = [found for _, found in Page(html).tags if "data-live" in found]
        assert len(live) == 5
        assert all("hidden" in found for found in live)


class TestWhatItCarries:
    def test_nothing_is_asked_of_a_network(self, html):
        assert not re.findall(r"(?:src|href)=\"(?!data:)[^$]", html)
        assert "http" not in html.replace("http://www.w3.org", "")

    def test_surfaces_come_back_where_they_were_seen_from_the_front(self, html, content):
        data = carried(html)
        for hip, number in zip(data["hips"], (0, 1), strict=True):
            head = hip["ways"][0]["meshes"][1]
            assert head["name"] == "femoral_head"
            places = decoded(head["places"], "<i2").reshape(-1, 3) * data["unit_mm"]
            lateral, posterior, superior = (
                content[f"{number}_model_femoral_head_vertices"].T * data["unit_mm"]
            )
            seen = np.column_stack([hip["sign"] * lateral, -superior, posterior])
            np.testing.assert_allclose(places + hip["middle_mm"], seen, atol=1e-9)
            faces = decoded(head["faces"], "<u4").reshape(-1, 3)
            np.testing.assert_array_equal(faces, content[f"{number}_model_femoral_head_faces"])

    def test_a_right_hips_lateral_is_the_patients_right(self, html):
        assert [(hip["side"], hip["sign"]) for hip in carried(html)["hips"]] == [
            ("left", 1),
            ("right", -1),
        ]
        axes = dict(carried(html)["axes"])
        np.testing.assert_array_equal(np.cross(axes["L"], axes["P"]), axes["H"])  # right-handed

    def test_sections_are_the_grey_levels_that_were_kept(self, html, content):
        plane = carried(html)["hips"][0]["ways"][0]["planes"][9]
        picture = Image.open(io.BytesIO(base64.b64decode(plane["picture"].partition(",")[2])))
        np.testing.assert_array_equal(np.asarray(picture), content["0_model_grey"][9])

    def test_the_network_comes_first_and_truth_beside_it(self, html):
        ways = carried(html)["hips"][0]["ways"]
        assert [way["name"] for way in ways] == ["model", "truth"]
        plane = ways[0]["planes"][9]
        assert plane["at_mm"] == 0.0
        assert (plane["lower_deg"], plane["upper_deg"]) == (made.LOWER_DEG, made.UPPER_DEG)
        assert ways[0]["planes"][3]["lower_deg"] is None

    def test_refused_planes_carry_words_and_no_lines(self, html):
        planes = carried(html)["hips"][1]["ways"][0]["planes"]
        refused = [plane for plane in planes if plane["alpha_deg"] is None]
        assert refused
        assert all(plane["refusal"] and plane["roof"] is None for plane in refused)

    def test_the_same_input_gives_the_same_bytes(self, html, content):
        assert hip_scene.fragment(content) == html


class TestProfile:
    def test_without_the_stage_or_without_a_hip_there_is_nothing(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        assert hip_scene.scene_html("smoke") == ""
        save("smoke", {})
        assert hip_scene.scene_html("smoke") == ""

    def test_what_the_stage_left_is_shown(self, tmp_path, monkeypatch, content, html):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        save("smoke", content)
        assert hip_scene.scene_html("smoke") == html


def save(profile: str, arrays: dict) -> None:
    """Write a figure input as a stage does."""
    target = paths.figure_input_file(profile, "hip_scene")
    with atomic_path(target) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, **arrays)


class TestOutlines:
    def test_a_disc_is_outlined_in_mm_from_the_first_pixels_centre(self):
        v, u = np.mgrid[:60, :70]
        labels = np.where(np.hypot(v - 30, u - 40) < 16, int(HipLabel.FEMORAL_HEAD), 0)
        (path,) = hip_scene_drawing.outlines(labels, 0.5).values()
        assert (path[0], path[-1]) == ("M", "Z")
        points = np.array(re.findall(r"([\d.]+),([\d.]+)", path), float)
        away = np.hypot(*(points - [20.0, 15.0]).T)
        np.testing.assert_allclose(away, 8.0, atol=0.3)

    def test_what_leaves_the_section_is_closed_at_its_edge(self):
        labels = np.zeros((20, 20), int)
        labels[:8] = HipLabel.ILIUM
        path = hip_scene_drawing.outlines(labels, 1.0)["ilium"]
        points = np.array(re.findall(r"(-?[\d.]+),(-?[\d.]+)", path), float)
        assert points[:, 1].max() == pytest.approx(7.5, abs=0.1)
        assert points[:, 1].min() == pytest.approx(-0.5, abs=0.3)

    def test_nothing_is_outlined_where_nothing_is_labelled(self):
        assert hip_scene_drawing.outlines(np.zeros((9, 9), int), 1.0) == {}


class TestWords:
    @pytest.mark.parametrize(
        ("at_mm", "said"),
        [(0.0, "Graf plane"), (-4.15, "4.2 mm in front of the Graf plane"),
         (3.3, "3.3 mm behind the Graf plane")],
    )  # fmt: skip
    def test_a_plane_is_placed_in_words(self, at_mm, said):
        assert hip_scene_words.place(at_mm) == said

    def test_a_hip_is_called_by_kind_side_and_sweep(self):
        assert hip_scene_words.title("mature", "S1/left_p_d", "left") == (
            "Mature hip, left (S1/left_p_d)"
        )

    def test_the_table_gives_interval_and_truth_in_the_graf_plane(self, html):
        table = hip_scene_words.table_rows(carried(html)["hips"][0])
        row = table["rows"][9]
        assert row[0] == "Graf plane"
        assert row[1].endswith("; calibrated 61.5° (51.3° to 72.8°)")
        assert row[2].endswith("; built with 63.0°")
        assert len(table["rows"]) == 19
