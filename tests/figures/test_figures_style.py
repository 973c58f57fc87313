"""One look, and files that are the same byte for byte."""

import matplotlib as mpl
import numpy as np
import pytest

from hipus.figures import style, volumes
from hipus.images import Volume


def example(height_in=2.0):
    """Draw a line and an image."""
    with style.look():
        figure, axes = style.new_figure(1, 2, height_in=height_in)
        axes[0].plot([0, 1, 2], [3, 1, 2], label="line µ")
        axes[0].legend()
        axes[1].imshow(np.arange(12).reshape(3, 4), cmap=style.GREY)
    return figure


class TestSave:
    def test_pdf_and_png_are_written_under_the_stem(self, tmp_path):
        written = style.save(example(), tmp_path / "new" / "02_lag")
        assert [path.name for path in written] == ["02_lag.pdf", "02_lag.png"]
        assert written[0].read_bytes().startswith(b"%PDF")
        assert written[1].read_bytes().startswith(b"\x89PNG")
        assert sorted(path.name for path in written[0].parent.iterdir()) == [
            *("02_lag.pdf", "02_lag.png")
        ]

    def test_the_same_drawing_is_the_same_file_byte_for_byte(self, tmp_path):
        first = style.save(example(), tmp_path / "a")
        second = style.save(example(), tmp_path / "b")
        for one, other in zip(first, second, strict=True):
            assert one.read_bytes() == other.read_bytes()

    def test_files_carry_neither_time_nor_machine(self, tmp_path):
        pdf, png = style.save(example(), tmp_path / "a")
        assert b"CreationDate" not in pdf.read_bytes()
        assert b"Software" not in png.read_bytes()

    def test_png_has_the_stated_resolution(self, tmp_path):
        from PIL import Image

        _, png = style.save(example(height_in=2.0), tmp_path / "a")
        with Image.open(png) as picture:
            assert picture.size == (round(style.TEXT_WIDTH_IN * style.PNG_DPI), 2 * style.PNG_DPI)

    def test_a_name_with_a_dot_keeps_it(self, tmp_path):
        written = style.save(example(), tmp_path / "model_3.1")
        assert [path.name for path in written] == ["model_3.1.pdf", "model_3.1.png"]


class TestLook:
    def test_settings_end_with_the_block(self):
        before = dict(mpl.rcParams)
        with style.look():
            assert mpl.rcParams["font.size"] == 8
        assert dict(mpl.rcParams) == before

    def test_roles_have_different_colours(self):
        assert len(set(style.PALETTE.values())) == len(style.PALETTE)


class TestPlanes:
    @pytest.fixture
    def volume(self):
        """Return a volume with different sides and spacings; value = 100 z + 10 y + x."""
        z, y, x = np.mgrid[:5, :4, :7]
        return Volume(100 * z + 10 * y + x, (0.3, 0.8, 1.1))

    def test_middle_planes_are_shown_in_mm(self, volume):
        axes = volumes.draw_three_planes(volume).axes
        extents = [box.images[0].get_extent() for box in axes]
        z_mm, y_mm, x_mm = 1.5, 3.2, 7.7
        np.testing.assert_allclose(
            extents, [[0, x_mm, y_mm, 0], [0, x_mm, z_mm, 0], [0, y_mm, z_mm, 0]]
        )

    def test_planes_run_through_the_point_asked_for(self, volume):
        axes = volumes.draw_three_planes(volume, at=(1, 3, 2)).axes
        shown = [np.asarray(box.images[0].get_array()) for box in axes]
        np.testing.assert_array_equal(shown[0], volume.array[1])
        np.testing.assert_array_equal(shown[1], volume.array[:, 3])
        np.testing.assert_array_equal(shown[2], volume.array[:, :, 2])

    def test_titles_say_how_far_from_the_middle(self, volume):
        axes = volumes.draw_three_planes(volume, at=(4, 2, 0)).axes
        titles = [box.get_title(loc="left") for box in axes]
        assert titles == ["across z, +0.6 mm", "across y, +0.4 mm", "across x, -3.3 mm"]

    def test_the_first_index_is_a_place_too(self, volume):
        axes = volumes.draw_three_planes(volume, at=(0, 0, 0)).axes
        np.testing.assert_array_equal(axes[0].images[0].get_array(), volume.array[0])

    def test_scales_are_equal(self, volume):
        axes = volumes.draw_three_planes(volume).axes
        assert [box.get_aspect() for box in axes] == [1.0, 1.0, 1.0]
