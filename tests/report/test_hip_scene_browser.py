"""The turning hip in a real browser: it draws, turns by keys, and its slider cuts it."""

import base64
import io

import devtools
import made_hip_scene
import numpy as np
import pytest
from PIL import Image

from hipus.report import hip_scene, notebook_pages

DRAWN = "(view => view.toDataURL())(document.getElementById('scene-view'))"
SETTLE = "await new Promise(done => setTimeout(done, 250))"


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """Return a browser's page."""
    with devtools.browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return a page with the fragment under the site's own policy."""
    path = tmp_path_factory.mktemp("scene") / "hip.html"
    body = hip_scene.fragment(made_hip_scene.content())
    head = "<meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
    keep = "<script>const get = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext = function (kind, more) { return get.call(this, kind, { ...more, preserveDrawingBuffer: true }); };</script>"  # noqa: E501
    icon = "<link rel='icon' href='data:,'>"
    path.write_text(
        f"<!doctype html><html lang='en'><head>{head}{notebook_pages.POLICY}{icon}{keep}</head>"
        f"<body style='margin:0'>{body}</body></html>",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def opened(tab, page):
    """Return the page, settled; at the end nothing was complained of and nothing left."""
    tab.requests.clear()
    tab.complaints.clear()
    tab.open(page, height=1100)
    tab.value(SETTLE)
    yield tab
    assert tab.complaints == []
    assert {address.partition(":")[0] for address in tab.requests} <= {"file", "data"}


def drawn(tab) -> np.ndarray:
    """Return the canvas' pixels, (H, W, 4)."""
    picture = base64.b64decode(tab.value(DRAWN).partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA")).astype(int)


def text(tab, name: str) -> str:
    return tab.value(f"document.getElementById('scene-{name}').textContent")


def slide(tab, to: int) -> None:
    tab.value(
        "(one => { one.value = " + str(to) + "; one.dispatchEvent(new Event('input')); })"
        "(document.getElementById('scene-plane'))"
    )
    tab.value(SETTLE)


def test_the_canvas_shows_surfaces_and_the_still_picture_is_gone(opened):
    pixels = drawn(opened)
    assert (pixels[..., 3] == 0).any()  # ground
    assert len(np.unique(pixels.reshape(-1, 4), axis=0)) > 200  # shaded, not flat
    purple = (pixels[..., 2] > 1.5 * pixels[..., 1]) & (pixels[..., 3] == 255)
    assert purple.sum() > 500  # the ilium
    assert opened.value("document.getElementById('scene-still').hidden")


def test_arrow_keys_turn_the_hip_and_nought_turns_it_back(opened):
    first = drawn(opened)
    opened.value("document.getElementById('scene-view').focus()")
    opened.press("ArrowRight", times=5)
    turned = drawn(opened)
    assert (np.abs(turned - first).max(axis=-1) > 20).mean() > 0.02
    opened.value("document.getElementById('scene-reset').click()")
    np.testing.assert_array_equal(drawn(opened), first)


def test_the_slider_moves_the_plane_its_picture_and_alpha(opened):
    before = drawn(opened), text(opened, "alpha"), section(opened)
    assert text(opened, "where") == "Graf plane"
    slide(opened, 4)
    assert text(opened, "where").endswith("mm in front of the Graf plane")
    assert text(opened, "alpha") != before[1]
    assert section(opened) != before[2]
    assert (drawn(opened) != before[0]).any()


def section(tab) -> str:
    return tab.value("document.querySelector('#scene-section image').getAttribute('href')")


def test_keys_move_the_slider(opened):
    opened.value("document.getElementById('scene-plane').focus()")
    opened.press("ArrowRight")
    assert text(opened, "where").endswith("mm behind the Graf plane")


def test_alpha_stands_with_its_interval_and_what_the_hip_was_built_with(opened):
    said = text(opened, "said")
    assert "Calibrated 61.5°, 95 % interval 51.3° to 72.8°." in said
    assert "built with 63.0° here" in said
    slide(opened, 8)
    assert "No interval is calibrated for this plane" in text(opened, "said")


def test_a_refusal_stands_where_alpha_would(opened):
    opened.value(
        "(one => { one.value = 1; one.dispatchEvent(new Event('change')); })"
        "(document.getElementById('scene-hip'))"
    )
    slide(opened, 18)
    assert text(opened, "alpha").startswith("Alpha refused: the")
    assert opened.value("document.querySelectorAll('#scene-section .roof').length") == 0


def test_truth_and_the_network_can_be_exchanged(opened):
    assert opened.value("document.querySelector('[name=scene-way]:checked').value") == "model"
    opened.value("document.querySelector('[name=scene-way][value=truth]').click()")
    assert "Calibrated" not in text(opened, "said")
    assert "built with 63.0°" in text(opened, "said")


def test_a_structure_can_be_hidden_in_the_view_and_in_the_section(opened):
    first, outlines = drawn(opened), "document.querySelectorAll('#scene-section path').length"
    count = opened.value(outlines)
    opened.value("document.querySelector('[data-structure=femoral_head]').click()")
    assert opened.value(outlines) == count - 1
    assert (drawn(opened) != first).any()


def test_cutting_open_takes_away_what_lies_in_front(opened):
    whole = (drawn(opened)[..., 3] == 255).sum()
    opened.value("document.getElementById('scene-cut').click()")
    assert (drawn(opened)[..., 3] == 255).sum() < whole


def test_it_does_not_turn_by_itself_and_turns_when_asked(opened):
    first = drawn(opened)
    opened.value(SETTLE)
    np.testing.assert_array_equal(drawn(opened), first)
    opened.value("document.getElementById('scene-turn').click()")
    opened.value(SETTLE)
    assert (drawn(opened) != first).any()
    assert text(opened, "turn") == "Stop"
    opened.value("document.getElementById('scene-turn').click()")


def test_alphas_curve_shows_both_ways_the_interval_and_what_was_built(opened):
    colours = "[...document.querySelectorAll('#scene-curve path')].map(one => one.getAttribute('stroke') || one.getAttribute('fill'))"  # noqa: E501
    found = opened.value(colours)
    assert (len(found), len(set(found))) == (3, 2)  # two curves, one diamond in truth's colour
    assert opened.value("document.querySelectorAll('#scene-legend li').length") == 4


def test_on_a_phone_nothing_is_wider_than_the_screen(opened, page):
    opened.open(page, width=360, height=740)
    assert opened.value("document.documentElement.scrollWidth") <= 360
    wide = "[...document.querySelectorAll('.hip-scene canvas, .hip-scene svg')].map(one => one.getBoundingClientRect().right)"  # noqa: E501
    assert max(opened.value(wide)) <= 361


def test_without_webgl_the_still_picture_and_the_table_stay(tab, page, tmp_path):
    text = page.read_text(encoding="utf-8")
    bare = tmp_path / "bare.html"
    cut = "HTMLCanvasElement.prototype.getContext = () => null;"
    bare.write_text(text.replace("const get =", f"{cut} const get =", 1).replace(
        "HTMLCanvasElement.prototype.getContext = function", "const unused = function", 1
    ))  # fmt: skip
    tab.complaints.clear()
    tab.open(bare)
    assert tab.value("!document.getElementById('scene-still').hidden")
    assert tab.value("document.getElementById('scene-view').hidden")
    assert tab.value("[...document.querySelectorAll('[data-live]')].every(one => one.hidden)")
    assert tab.complaints == []
