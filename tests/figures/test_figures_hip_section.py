"""The section that is drawn again and again: same look, right places, no leftovers."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from hipus.figures import graf_section, overlays
from hipus.figures.hip_section import SectionPicture, coloured
from hipus.labels import HipLabel

SHAPE, PIXEL_MM = (80, 100), 0.4
LINE = np.array([[20.0, 30.0], [80.0, 30.0]])


@pytest.fixture(scope="module")
def picture() -> SectionPicture:
    return SectionPicture(SHAPE, PIXEL_MM)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def count(seen: np.ndarray, colour: str) -> int:
    """Return how many pixels have about a colour."""
    return int((np.abs(seen - 255 * np.array(to_rgb(colour))).max(axis=-1) < 40).sum())


class TestPicture:
    def test_lines_have_their_colours_and_leave_nothing_behind(self, picture):
        grey = np.full(SHAPE, 90, np.uint8)
        bare = picture.png(grey)
        with_lines = pixels(picture.png(grey, wing_px=LINE, roof_px=LINE + [0, 20]))
        for name in ("baseline", "bony roof line"):
            colour = graf_section.LINES[name]
            assert count(with_lines, colour) > count(pixels(bare), colour) + 200
        assert picture.png(grey) == bare

    def test_ten_millimetres_are_as_long_as_stated(self, picture):
        seen = pixels(picture.png(np.zeros(SHAPE, np.uint8)))
        dark = seen.sum(axis=-1) < 90
        width = dark[dark.shape[0] // 2].sum()  # of the whole section
        middle = seen[int(0.85 * len(seen)) :, 40:-15].min(axis=-1) > 200
        bar = middle.sum(axis=1)
        bar = bar[(bar > 0) & (bar < 0.9 * middle.shape[1])].max()
        assert bar / width == pytest.approx(10 / PIXEL_MM / SHAPE[1], abs=0.03)

    def test_a_section_of_another_shape_is_refused(self, picture):
        with pytest.raises(ValueError, match=r"grey must be \(80, 100\), got \(3, 4\)"):
            picture.png(np.zeros((3, 4), np.uint8))


class TestColoured:
    def test_labels_tint_and_the_rest_stays_grey(self):
        grey, labels = np.full((2, 2), 100, np.uint8), np.zeros((2, 2), int)
        labels[0, 0] = HipLabel.FEMORAL_HEAD
        seen = coloured(grey, labels)
        np.testing.assert_array_equal(seen[1, 1], [100, 100, 100])
        expected = 0.7 * 100 + 0.3 * 255 * np.array(to_rgb(overlays.COLOURS[HipLabel.FEMORAL_HEAD]))
        np.testing.assert_allclose(seen[0, 0], expected, atol=1)

    def test_without_labels_all_is_grey(self):
        np.testing.assert_array_equal(coloured(np.array([[7]], np.uint8)), [[[7, 7, 7]]])
