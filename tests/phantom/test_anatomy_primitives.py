"""Formulas of shapes: hand-worked distances, exactness, and an independent slow reference."""

import numpy as np
import pytest

from hipus.phantom.anatomy.primitives import round_cone, rounded_max, smooth_min, triangle


class TestRoundedMax:
    def test_right_angle_by_hand(self):
        # Faces x < 0 and y < 0 rounded by 1: the arc's axis is (-1, -1).
        assert rounded_max(0.0, 0.0, 1.0, 0.0) == pytest.approx(np.sqrt(2) - 1)
        assert rounded_max(3.0, 4.0, 1.0, 0.0) == pytest.approx(np.hypot(4, 5) - 1)

    def test_flat_faces_are_untouched_away_from_the_edge(self):
        assert rounded_max(0.2, -5.0, 1.0, 0.5) == 0.2
        assert rounded_max(-5.0, -0.3, 1.0, 0.5) == -0.3

    @pytest.mark.parametrize("angle_deg", [40.0, 62.0, 90.0, 105.0])
    def test_equals_the_distance_to_a_dense_outline(self, rng, angle_deg):
        # Normals (1, 0) and (cos, -sin); the outline is two rays and an arc of radius 0.8.
        turn, radius = np.radians(angle_deg), 0.8
        normals = np.array([[1.0, 0.0], [np.cos(turn), -np.sin(turn)]])
        axis = np.linalg.solve(normals, [-radius, -radius])
        bow = np.linspace(0, turn, 4000)
        arc = axis + radius * np.column_stack([np.cos(bow), -np.sin(bow)])
        along = np.linspace(0, 12, 12001)[:, None]
        outline = np.concatenate(
            [arc, arc[0] + along * [0.0, 1.0], arc[-1] - along * [np.sin(turn), np.cos(turn)]]
        )
        for point in axis + rng.uniform(-0.4, 3.0, (60, 2)) * [1.0, -1.0]:
            a, b = normals @ point
            expected = np.linalg.norm(outline - point, axis=1).min()
            found = rounded_max(a, b, radius, np.cos(turn))
            assert abs(found) == pytest.approx(expected, abs=2e-3)


class TestRoundCone:
    def test_by_hand(self):
        # A capsule of radius 1 from 0 to 4 along x.
        ends = (0.0, 0.0, 0.0), (4.0, 0.0, 0.0)
        assert round_cone(2.0, 3.0, 0.0, *ends, (1.0, 1.0)) == pytest.approx(2.0)
        assert round_cone(-2.0, 0.0, 0.0, *ends, (1.0, 1.0)) == pytest.approx(1.0)
        assert round_cone(7.0, 0.0, 0.0, *ends, (1.0, 2.0)) == pytest.approx(1.0)

    def test_equals_the_nearest_of_many_balls(self, rng):
        start, end, radii = (1.0, -2.0, 0.5), (4.0, 3.0, -2.5), (2.0, 0.7)
        share = np.linspace(0, 1, 20001)
        centres = np.array(start) + share[:, None] * (np.array(end) - start)
        sizes = radii[0] + share * (radii[1] - radii[0])
        for point in rng.uniform(-6, 8, (50, 3)):
            reference = (np.linalg.norm(centres - point, axis=1) - sizes).min()
            found = round_cone(*point, start, end, radii)
            if reference > 0:
                assert found == pytest.approx(reference, abs=1e-6)
            else:
                assert found < 1e-9


class TestSmoothMin:
    def test_is_the_minimum_beyond_its_width(self):
        assert smooth_min(1.0, 4.0, 3.0) == 1.0

    def test_is_deepest_where_both_are_equal(self):
        assert smooth_min(2.0, 2.0, 3.0) == pytest.approx(2.0 - 0.75)


class TestTriangle:
    CORNERS = (0.0, 0.0, 4.0, 0.0, 0.0, 3.0)

    @pytest.mark.parametrize(
        ("point", "distance"),
        [((1.0, 1.0), -1.0), ((2.0, -2.0), 2.0), ((-3.0, -4.0), 5.0), ((4.0, 3.0), 2.4)],
    )
    def test_by_hand(self, point, distance):
        assert triangle(*point, self.CORNERS) == pytest.approx(distance)

    def test_does_not_depend_on_the_sense(self):
        other = (0.0, 3.0, 4.0, 0.0, 0.0, 0.0)
        assert triangle(0.5, 0.5, other) == triangle(0.5, 0.5, self.CORNERS) == -0.5
