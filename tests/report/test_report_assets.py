"""Files that pages share: small, each once, and the same bytes for the same picture."""

import io

import numpy as np
from PIL import Image

from hipus.figures import style
from hipus.report import assets


def png(pixels: np.ndarray) -> bytes:
    """Return pixels as PNG."""
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG")
    return target.getvalue()


def seen(data: bytes) -> np.ndarray:
    """Return a picture's pixels."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


class TestSmallPng:
    def test_few_colours_stay_exactly_what_they_were(self):
        rng = np.random.default_rng(3)
        colours = rng.integers(0, 256, (40, 3), np.uint8)
        pixels = colours[rng.integers(0, 40, (80, 90))]
        assert (seen(assets.small_png(png(pixels))) == pixels).all()

    def test_thin_lines_on_a_grey_frame_keep_the_colours_of_their_roles(self):
        grey = np.random.default_rng(4).integers(0, 256, (300, 300, 1), np.uint8)
        pixels = np.repeat(grey, 3, axis=2)
        roles = [tuple(bytes.fromhex(colour[1:])) for colour in style.PALETTE.values()]
        lines = {20 + 20 * place: colour for place, colour in enumerate((*roles, (240, 228, 66)))}
        for row, colour in lines.items():
            pixels[row, 30:60] = colour
        small = assets.small_png(png(pixels))
        found = seen(small)
        assert len(small) < 0.8 * len(png(pixels))
        for row, colour in lines.items():
            assert np.abs(found[row, 30:60] - colour).max() <= 12, colour
        assert np.abs(found - pixels).max() <= 24

    def test_what_shines_through_becomes_white(self):
        clear = np.zeros((5, 5, 4), np.uint8)
        clear[2, 2] = (10, 20, 30, 255)
        found = seen(assets.small_png(png(np.tile(clear, (9, 9, 1)))))
        assert tuple(found[0, 0]) == (255, 255, 255)
        assert tuple(found[2, 2]) == (10, 20, 30)

    def test_wider_than_a_screen_needs_is_made_narrower(self):
        found = seen(assets.small_png(png(np.zeros((100, 3600, 3), np.uint8))))
        assert found.shape == (50, 1800, 3)

    def test_it_never_grows(self):
        tiny = png(np.zeros((1, 1), np.uint8))
        assert len(assets.small_png(tiny)) <= len(tiny)


class TestFiles:
    def test_a_figure_keeps_its_name(self, tmp_path):
        (tmp_path / "03_arms.png").write_bytes(png(np.zeros((4, 4, 3), np.uint8)))
        address = assets.write_picture(tmp_path / "03_arms.png", tmp_path / "site")
        assert address == "assets/figures/03_arms.png"
        assert (tmp_path / "site" / address).is_file()

    def test_the_same_content_is_one_file(self, tmp_path):
        data = png(np.zeros((4, 4, 3), np.uint8))
        first, again = (assets.write_by_content(data, tmp_path, suffix=".png") for _ in range(2))
        other = assets.write_by_content(b"a {}", tmp_path, suffix=".css")
        assert first == again
        assert len(list((tmp_path / "assets" / "notebooks").iterdir())) == 2
        assert (tmp_path / other).read_bytes() == b"a {}"
