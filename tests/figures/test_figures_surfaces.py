"""Renderings: what is near hides what is far, at the right place and size."""

import numpy as np
import pytest

from hipus.figures import overlays, style, surfaces
from hipus.labels import HipLabel

LIMITS = np.array([[0.0, 0.0], [20.0, 10.0]])


def square(left, top, side, *, away):
    """Return a square that faces the viewer, given on the screen, in world coordinates."""
    corners = [[0, 0], [1, 0], [1, 1], [0, 1]]
    screen = np.array([[left + side * x, top + side * y, away] for x, y in corners])
    return screen @ surfaces.view_axes(), np.array([[0, 1, 2], [0, 2, 3]])


class TestView:
    def test_without_turns_the_screen_is_the_frame(self):
        np.testing.assert_allclose(surfaces.view_axes((0, 0)), np.eye(3), atol=1e-15)

    def test_the_screen_has_right_angles_and_keeps_hands(self):
        axes = surfaces.view_axes((38, 28))
        np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(axes) == pytest.approx(1)

    def test_the_eye_lies_above_the_skin(self):
        # Depth grows along +y: the direction away from the eye must go deeper.
        assert surfaces.view_axes()[2, 1] > 0


class TestRender:
    def test_a_square_lies_where_it_belongs_and_has_its_size(self):
        picture = surfaces.render(
            {HipLabel.FEMORAL_HEAD: square(4, 2, 6, away=5)}, LIMITS, side_mm=0.5
        )
        assert picture.shape == (20, 40, 4)
        rows, columns = np.nonzero(picture[..., 3] > 0.5)
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 15, 8, 19)
        assert (picture[5:15, 9:19, 3] == 1).all()  # no holes

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_the_nearer_surface_hides_the_other(self, order):
        near = (HipLabel.FEMORAL_HEAD, square(6, 3, 4, away=-2))
        far = (HipLabel.ILIUM, square(4, 1, 8, away=9))
        picture = surfaces.render(dict((near, far)[n] for n in order), LIMITS, side_mm=0.5)
        assert np.ptp(picture[10, 16, :3]) < 1e-6  # the head is grey
        assert np.ptp(picture[3, 9, :3]) > 0.2  # around it is the purple ilium

    def test_light_does_not_ask_which_way_a_triangle_turns(self):
        vertices, faces = square(4, 2, 6, away=0)
        one, other = (
            surfaces.render({HipLabel.ILIUM: (vertices, turned)}, LIMITS, side_mm=0.5)
            for turned in (faces, faces[:, ::-1])
        )
        np.testing.assert_allclose(one, other)

    def test_what_is_outside_and_nothing_at_all_are_no_error(self):
        outside = surfaces.render({HipLabel.ILIUM: square(40, 40, 2, away=0)}, LIMITS, side_mm=0.5)
        assert not outside.any()
        assert not surfaces.render({}, LIMITS, side_mm=0.5).any()


class TestLimits:
    def test_limits_hold_all_surfaces(self):
        sets = [
            {HipLabel.ILIUM: square(1, 2, 3, away=0)},
            {HipLabel.ILIUM: square(9, -4, 1, away=5)},
        ]
        limits = surfaces.screen_limits(sets, margin_mm=0.5)
        np.testing.assert_allclose(limits, [[0.5, -4.5], [10.5, 5.5]])

    def test_centred_limits_have_one_size_each_about_its_middle(self):
        wide, high = np.array([[0, 0], [10, 2]]), np.array([[5, 5], [7, 13]])
        found = surfaces.centred_limits([wide, high])
        np.testing.assert_allclose(found, [[[0, -3], [10, 5]], [[1, 5], [11, 13]]])

    def test_the_bar_is_ten_mm_long(self):
        _, axes = style.new_figure()
        surfaces.show_surfaces(axes, {HipLabel.ILIUM: square(4, 2, 6, away=5)}, LIMITS)
        (bar,) = axes.get_lines()
        assert np.ptp(bar.get_xdata()) == pytest.approx(10)


class TestInputs:
    def test_absent_structures_are_no_surface(self):
        vertices, faces = square(0, 0, 1, away=0)
        inputs = {}
        for label in overlays.STRUCTURES:
            is_there = label == HipLabel.FEMORAL_HEAD
            inputs[f"3.2_{label.name.lower()}_vertices_xyz_mm"] = vertices[: 4 * is_there]
            inputs[f"3.2_{label.name.lower()}_faces"] = faces[: 2 * is_there]
        found = surfaces.surfaces_of(inputs, "3.2")
        assert list(found) == [HipLabel.FEMORAL_HEAD]
        np.testing.assert_array_equal(found[HipLabel.FEMORAL_HEAD][1], faces)
