"""A hip that is explored: planes move and turn, alpha follows, a still picture always stays."""

import io
import sys
import time

import IPython.display
import numpy as np
import pytest
from IPython.display import Image, Markdown
from made_hips import MadeHip, put_in_volume
from PIL import Image as Picture

from hipus import hip_explorer
from hipus.figures.hip_section import SectionPicture
from hipus.hip_explorer import PlaneChoice
from hipus.images import Volume

HIP = MadeHip(alpha_deg=60.0)


@pytest.fixture(scope="module")
def volumes() -> tuple[Volume, Volume]:
    """Return grey levels and labels of a made hip."""
    made = put_in_volume(HIP, np.eye(3))
    grey = np.where(made.labels > 0, 180, 60).astype(np.uint8)
    return Volume(grey, made.spacing_zyx_mm), Volume(made.labels, made.spacing_zyx_mm)


@pytest.fixture(scope="module")
def explored(volumes):
    return hip_explorer.open_hip(*volumes, side="left")


@pytest.fixture
def shown(monkeypatch) -> list:
    """Return the list of everything that is displayed."""
    found = []
    monkeypatch.setattr(IPython.display, "display", found.append)
    return found


def picture_for(explored) -> SectionPicture:
    return SectionPicture(explored.look(PlaneChoice()).grey.shape, hip_explorer.PIXEL_MM)


class TestLook:
    def test_the_standard_plane_measures_what_the_hip_was_made_with(self, explored):
        look = explored.look(PlaneChoice())
        assert look.alpha_deg.value == pytest.approx(60.0, abs=2.0)
        assert hip_explorer.alpha_words(look) == f"alpha {look.alpha_deg.value:.1f} deg"

    def test_moving_the_plane_back_raises_alpha_as_it_was_made(self, explored):
        front, back = (explored.look(PlaneChoice(at)).alpha_deg.value for at in (-4.0, 4.0))
        assert back - front == pytest.approx(8 * HIP.alpha_growth_deg, abs=2.0)

    def test_lines_lie_in_the_picture_where_the_bone_is(self, explored):
        look = explored.look(PlaneChoice())
        u, v = np.rint(look.wing_px[0]).astype(int)
        assert look.labels[v - 3 : v + 6, u].max() == 1  # ilium about the baseline
        assert look.roof_px[0, 1] > look.roof_px[1, 1]  # the limb lies deeper than the rim

    @pytest.mark.parametrize("turn", ["yaw_deg", "pitch_deg", "roll_deg"])
    def test_every_turn_changes_what_is_seen(self, explored, turn):
        first, other = explored.look(PlaneChoice()), explored.look(PlaneChoice(**{turn: 15.0}))
        assert (other.labels != first.labels).mean() > 0.005

    def test_a_tilt_in_the_plane_leaves_alpha_alone(self, explored):
        straight, tilted = (explored.look(PlaneChoice(roll_deg=roll)) for roll in (0.0, 6.0))
        assert tilted.alpha_deg.value == pytest.approx(straight.alpha_deg.value, abs=2.5)

    def test_a_plane_that_shows_no_roof_is_refused_in_words(self, explored):
        look = explored.look(PlaneChoice(yaw_deg=40.0, pitch_deg=40.0))
        assert look.alpha_deg.is_refused
        assert look.roof_px is None
        assert hip_explorer.alpha_words(look).startswith("alpha refused: ")

    def test_an_update_takes_less_than_150_ms_of_computing(self, explored):
        picture = picture_for(explored)
        hip_explorer.picture_of(explored.look(PlaneChoice()), picture)
        began = time.process_time()
        for step in range(5):
            look = explored.look(PlaneChoice(0.5 * step, pitch_deg=2.0 * step))
            hip_explorer.picture_of(look, picture)
        assert (time.process_time() - began) / 5 < 0.15


class TestOpen:
    def test_without_labels_planes_are_seen_and_not_measured(self, volumes):
        look = hip_explorer.open_hip(volumes[0]).look(PlaneChoice())
        assert look.labels is None
        assert look.alpha_deg.refusal == "no labels"
        assert look.grey.max() == 180

    def test_without_a_hip_the_middle_is_shown_with_the_reason(self, volumes):
        empty = Volume(np.zeros_like(volumes[1].array), volumes[1].spacing_zyx_mm)
        explored = hip_explorer.open_hip(volumes[0], empty)
        assert "femoral head" in explored.look(PlaneChoice()).alpha_deg.refusal

    def test_labels_of_another_shape_are_refused(self, volumes):
        with pytest.raises(ValueError, match=r"labels must be \(.*\) like the volume, got \(2, 3"):
            hip_explorer.open_hip(volumes[0], Volume(np.zeros((2, 3, 4), np.uint8), (1, 1, 1)))


class TestShown:
    def test_the_pipeline_keeps_a_still_picture_and_its_alpha(self, monkeypatch, shown, volumes):
        monkeypatch.setenv("HIPUS_STATIC_VIEWS", "1")
        explored = hip_explorer.explore_hip(*volumes, side="left", caption="Simulated hip.")
        assert [type(one) for one in shown] == [Image, Markdown]
        assert np.asarray(Picture.open(io.BytesIO(shown[0].data)).convert("L")).std() > 20
        alpha = explored.look(PlaneChoice()).alpha_deg
        expected = f"*Simulated hip. Standard plane; alpha {alpha}. Not a medical device.*"
        assert shown[1].data == expected

    def test_a_volume_without_a_hip_says_so(self, monkeypatch, shown, volumes):
        monkeypatch.setenv("HIPUS_STATIC_VIEWS", "1")
        hip_explorer.explore_hip(volumes[0])
        assert "no standard plane: no labels" in shown[1].data

    def test_a_person_gets_sliders_that_change_picture_and_words(self, monkeypatch, shown, volumes):
        monkeypatch.delenv("HIPUS_STATIC_VIEWS", raising=False)
        hip_explorer.explore_hip(*volumes, side="left")
        image, controls = shown[2].children
        *sliders, back, words = controls.children
        first = bytes(image.value), words.value
        sliders[0].value = 4.0
        assert (bytes(image.value), words.value) != first
        assert "Not a medical device." in words.value
        back.click()
        assert (bytes(image.value), words.value) == first

    def test_where_there_are_no_widgets_the_picture_stands_alone(
        self, monkeypatch, shown, volumes, caplog
    ):
        monkeypatch.delenv("HIPUS_STATIC_VIEWS", raising=False)
        monkeypatch.setitem(sys.modules, "ipywidgets", None)
        hip_explorer.explore_hip(*volumes, side="left")
        assert len(shown) == 2
        assert "no live view of the hip here" in caplog.text
