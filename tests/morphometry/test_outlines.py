"""Numbers of outlines: worked by hand, and unmoved by how an outline is drawn."""

import numpy as np
import pytest

from hipus.morphometry.outlines import area_mm2, centroid_mm, roundness

#: A right-angled triangle with legs of 3 and 6 mm.
TRIANGLE = np.array([[10.0, 20.0], [13.0, 20.0], [10.0, 26.0]])


def ellipse(ratio: float, angles) -> np.ndarray:
    """Return points of a turned and shifted ellipse with a long half axis of 8 mm."""
    outline = 8.0 * np.stack([np.cos(angles), ratio * np.sin(angles)], axis=1)
    return outline @ [[0.8, 0.6], [-0.6, 0.8]] + [40.0, -7.0]


class TestByHand:
    def test_a_triangle(self):
        assert area_mm2(TRIANGLE) == pytest.approx(9.0)
        np.testing.assert_allclose(centroid_mm(TRIANGLE), [11.0, 22.0])

    def test_direction_does_not_matter(self):
        assert area_mm2(TRIANGLE[::-1]) == pytest.approx(9.0)
        np.testing.assert_allclose(centroid_mm(TRIANGLE[::-1]), [11.0, 22.0])
        assert roundness(TRIANGLE[::-1]) == pytest.approx(roundness(TRIANGLE))

    @pytest.mark.parametrize("ratio", [1.0, 0.8, 0.5])
    def test_roundness_is_the_ratio_of_an_ellipses_axes(self, ratio):
        outline = ellipse(ratio, np.linspace(0, 2 * np.pi, 400, endpoint=False))
        assert roundness(outline) == pytest.approx(ratio, abs=1e-3)
        assert area_mm2(outline) == pytest.approx(np.pi * 64 * ratio, rel=1e-3)

    def test_a_rectangle_is_as_round_as_its_sides(self):
        assert roundness(np.array([[0, 0], [4, 0], [4, 1], [0, 1]])) == pytest.approx(0.25)


def test_nothing_hangs_on_how_densely_a_side_is_drawn():
    even = ellipse(0.7, np.linspace(0, 2 * np.pi, 900, endpoint=False))
    uneven = ellipse(0.7, np.r_[np.linspace(0, 3, 60), np.linspace(3.01, 6.27, 800)])
    assert roundness(uneven) == pytest.approx(roundness(even), abs=2e-3)
    np.testing.assert_allclose(centroid_mm(uneven), [40.0, -7.0], atol=0.01)
