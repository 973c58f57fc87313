"""What a person sees in JupyterLab, in a real browser without a network.

One notebook shows every viewer, so that the lab is started and its page loaded once.
"""

import io

import numpy as np
import pytest
from PIL import Image

from hipus.figures.overlays import COLOURS
from hipus.labels import HipLabel

VOLUME = """
import os
import numpy as np
os.environ["HIPUS_OFFLINE"] = "1"
from hipus import images, live_volumes, viewers
grey, masks = np.zeros((2, 12, 30, 40), np.uint8)
grey[:, 3:9, 4:12] = 255   # at small x and small y: to the left, on top
masks[:, 21:27, 28:36] = 2  # at large x and large y: to the right, below
volume, labels = (images.Volume(one, (2.0, 1.0, 1.0)) for one in (grey, masks))
from ipyniivue import SliceType
widget = live_volumes.niivue_widget(volume, labels)
widget.set_slice_type(SliceType.AXIAL)
widget
"""
SHOWN = 'viewers.show_volume(volume, labels, caption="Made")'
ITK = 'viewers.show_volume(volume, labels, viewer="itkwidgets")'
SWEEP = """
from hipus import geometry
from hipus.sweep import Sweep
from hipus.sweep_explorer import explore_sweep
rng = np.random.default_rng(1)
count = 12
moved = np.arange(count)[:, None] * [0.0, 0.0, 1.5]
poses = geometry.transform(None, moved)
T_pixel_to_probe = np.diag([0.5, 0.5, 1.0, 1.0])
frames = rng.integers(0, 200, (count, 60, 80), dtype=np.uint8)
sweep = Sweep(frames, 0.1 * np.arange(count), poses, T_pixel_to_probe=T_pixel_to_probe)
T_predicted = geometry.transform(None, moved * [1.0, 1.0, 1.2])
masks = np.zeros(frames.shape, np.uint8)
masks[:, 20:40, 30:50] = 2
explore_sweep(sweep, T_predicted, masks=masks, caption="Made sweep (simulated)")
"""
ROOT = ".hipus-sweep"


@pytest.fixture(scope="module")
def page(lab):
    """Return a notebook in which every cell has run, whatever its viewers do."""
    with lab.open([VOLUME, SHOWN, ITK, SWEEP]) as page:
        page.wait_for(f"document.querySelector('{ROOT}')")
        yield page


@pytest.fixture
def explorer(page):
    """Return the page with the explorer of a sweep in view, focused, at its first frame."""
    page.place_of(ROOT)
    page.evaluate(f"document.querySelector('{ROOT}').focus({{preventScroll: true}})")
    page.press("Home")
    return page


def pixels(page, selector: str) -> np.ndarray:
    """Return what a canvas shows in the window, (H, W, 3)."""
    page.place_of(selector)
    x, y, width, height = page.evaluate(
        f"(() => {{ const b = document.querySelector({selector!r}).getBoundingClientRect();"
        " return [b.x, b.y, b.width, b.height].map(Math.round); })()"
    )
    shot = np.asarray(Image.open(io.BytesIO(page.picture())).convert("RGB"), int)
    return shot[max(y, 0) : y + height, max(x, 0) : x + width]


def text_of(page, selector: str) -> str:
    """Return the text of the first element that a CSS selector finds."""
    return page.evaluate(f"document.querySelector({selector!r}).textContent")


def test_every_cell_has_its_still_picture_and_nothing_is_amiss(page, tmp_path):
    said = "[...document.querySelectorAll('.jp-RenderedImage img')].map(i => i.naturalWidth)"
    widths = page.evaluate(said)
    assert len(widths) == 3
    assert min(widths) > 600
    assert (
        page.evaluate(f"getComputedStyle(document.querySelector('{ROOT}')).borderRadius") == "8px"
    )
    assert page.screenshot(tmp_path / "viewers.png").stat().st_size > 20_000
    assert [line for line in page.errors if "hipus" in line.lower()] == []


def test_itkwidgets_says_what_helps_and_holds_nothing_back(page):
    told = page.evaluate("document.body.textContent")
    assert "no live itkwidgets viewer here" in told
    assert 'viewer="niivue" needs no network' in told


class TestNiivue:
    def where(self, page, colour) -> np.ndarray:
        """Return the middle of what has a colour, dimmed or not, as a share of the canvas."""
        hue = np.array(colour) / np.linalg.norm(colour)
        seen = np.empty((0, 2))
        for _ in range(40):
            shown = pixels(page, ".jp-Cell canvas")
            bright = np.linalg.norm(shown, axis=2)
            near = (bright > 80) & (shown @ hue > 0.998 * bright)
            seen = np.argwhere(near)[:, ::-1] / near.shape[::-1]
            if len(seen) > 200:
                break
            page.evaluate("new Promise(done => setTimeout(done, 250))")
        assert len(seen) > 200, f"nothing of colour {colour} in the viewer"
        return seen.mean(axis=0)

    def test_small_x_is_left_and_small_y_on_top(self, page):
        x, y = self.where(page, (255, 255, 255))
        assert x < 0.5
        assert y < 0.5

    def test_labels_have_their_own_place_and_colour(self, page):
        colour = COLOURS[HipLabel.FEMORAL_HEAD]
        x, y = self.where(page, [int(colour[at : at + 2], 16) for at in (1, 3, 5)])
        assert x > 0.5
        assert y > 0.5


class TestSweepExplorer:
    def test_arrow_keys_step_and_the_notebook_stays_where_it_is(self, explorer):
        cell = "jupyterapp.shell.currentWidget?.content?.activeCellIndex"
        before = explorer.evaluate(cell)
        for _ in range(3):
            explorer.press("ArrowRight")
        assert text_of(explorer, f"{ROOT} .frame") == "frame 3 of 0–11 · 0.30 s"
        explorer.press("ArrowDown")
        assert "frame 2 " in text_of(explorer, f"{ROOT} .frame")
        assert explorer.evaluate(cell) == before

    def test_poses_and_drift_of_the_frame_are_told(self, explorer):
        explorer.press("End")
        told = text_of(explorer, f"{ROOT} .said")
        assert "tracked 0.0, 0.0, 16.5 mm; predicted 0.0, 0.0, 19.8 mm" in told
        assert "drift 3.30 mm, 0.00°" in told

    def test_slider_moves_pictures_in_far_less_than_150_ms(self, explorer):
        before = pixels(explorer, f"{ROOT} canvas.picture")
        ms = explorer.evaluate(
            f"(() => {{ const s = document.querySelector('{ROOT} input[type=range]');"
            "const start = performance.now();"
            "for (let i = 0; i < 24; i += 1) { s.value = i % 12;"
            "s.dispatchEvent(new Event('input'));"
            f"document.querySelector('{ROOT} canvas.picture').getContext('2d')"
            ".getImageData(0, 0, 1, 1); } return (performance.now() - start) / 24; })()"
        )
        assert ms < 150
        assert "frame 11 " in text_of(explorer, f"{ROOT} .frame")
        assert (pixels(explorer, f"{ROOT} canvas.picture") != before).mean() > 0.3

    def test_play_moves_on_by_itself_and_stops_at_the_end(self, explorer):
        explorer.press(" ")
        explorer.wait_for(f"document.querySelector('{ROOT}').dataset.frame === '11'")
        explorer.wait_for(f"document.querySelector('{ROOT} button').textContent === 'Play'")

    def test_labels_can_be_taken_off(self, explorer):
        box = f"document.querySelector('{ROOT} input.labels')"
        labelled = pixels(explorer, f"{ROOT} canvas.picture")
        explorer.evaluate(f"{box}.click()")
        plain = pixels(explorer, f"{ROOT} canvas.picture")
        explorer.evaluate(f"{box}.click()")
        changed = (labelled != plain).any(axis=2)
        blue = labelled[changed][:, 2].mean() - labelled[changed][:, 0].mean()
        assert 0.02 < changed.mean() < 0.2
        assert blue > 30

    def test_dragging_turns_both_courses(self, explorer):
        before = [pixels(explorer, f"{ROOT} canvas.{name}") for name in ("tracked", "predicted")]
        x, y = explorer.place_of(f"{ROOT} canvas.tracked")
        explorer.drag((x, y), (x + 60, y + 20))
        after = [pixels(explorer, f"{ROOT} canvas.{name}") for name in ("tracked", "predicted")]
        for first, second in zip(before, after, strict=True):
            assert (first != second).any(axis=2).mean() > 0.02
