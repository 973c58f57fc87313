"""Coverage of a ball by a plane is a cap, and a cap's volume is known."""

import numpy as np
import pytest

from hipus.morphometry.coverage_3d import coverage_3d_percent, coverage_percent, under_roof_percent
from hipus.morphometry.iliac_wing import IliacWing

CENTRE = np.zeros(3)


def wing(offset=0.0, lean=0.0, bend=0.0):
    """Return a wing at `offset` lateral of the head's centre."""
    return IliacWing(np.array([offset, 0.0, lean, bend]), 1.25, 11.0, 0.1)


class TestFlatWing:
    @pytest.mark.parametrize(
        ("offset", "in_plane", "of_volume"),
        # A cap of height r (1 + u) holds (2 + 3 u - u^3) / 4 of the ball, u = offset / r.
        [(0.0, 50.0, 50.0), (4.0, 75.0, 84.375), (-4.0, 25.0, 15.625), (8.0, 100.0, 100.0)],
    )
    def test_parts_are_hand_worked(self, offset, in_plane, of_volume):
        assert coverage_percent(wing(offset), CENTRE, 8.0) == pytest.approx(in_plane)
        assert coverage_3d_percent(wing(offset), CENTRE, 8.0) == pytest.approx(of_volume)
        assert under_roof_percent(wing(offset), CENTRE, 8.0) == pytest.approx(of_volume, abs=0.05)

    def test_a_head_that_left_is_not_covered_and_never_less(self):
        for measure in (coverage_percent, coverage_3d_percent, under_roof_percent):
            assert measure(wing(-12.0), CENTRE, 8.0) == 0.0
            assert measure(wing(12.0), CENTRE, 8.0) == 100.0

    def test_a_displaced_head_equals_a_wing_displaced_the_other_way(self):
        moved = np.array([3.0, 0.0, 2.0])
        for measure in (coverage_percent, coverage_3d_percent, under_roof_percent):
            assert measure(wing(1.0), moved, 8.0) == pytest.approx(measure(wing(-2.0), CENTRE, 8.0))


class TestLeaningAndBentWing:
    def test_a_lean_counts_the_perpendicular_distance(self):
        leaning = wing(2.0, lean=0.2)
        height = -2.0 / np.hypot(1, 0.2)
        assert coverage_percent(leaning, CENTRE, 8.0) == pytest.approx(50 * (1 - height / 8))

    def test_off_the_plane_the_heads_section_is_smaller(self):
        behind = np.array([0.0, 6.4, 0.0])  # a section of radius 4.8
        assert coverage_percent(wing(2.4), behind, 8.0) == pytest.approx(75.0)

    def test_a_bent_wing_agrees_with_counted_points(self, rng):
        bent = wing(1.5, lean=0.1, bend=-1 / 90)
        points = rng.uniform(-8, 8, (400_000, 3))
        points = points[np.linalg.norm(points, axis=1) < 8]
        # Every section is cut along its own baseline, which leans as the wing does.
        face = bent.lateral_mm(points[:, 1], points[:, 2])
        counted = 100 * np.mean(points[:, 0] < face)
        assert under_roof_percent(bent, CENTRE, 8.0) == pytest.approx(counted, abs=0.3)

    def test_the_iliac_plane_of_a_bent_wing_is_its_mean_one(self):
        # Over +-5.6 mm a parabola of 1/90 lies 5.6^2 / 90 (1/3, with 9 places 5/12) behind.
        bent = wing(1.5, bend=-1 / 90)
        mean = 1.5 - 5.6**2 / 90 * np.mean(np.linspace(-1, 1, 9) ** 2)
        flat = coverage_3d_percent(wing(mean), CENTRE, 8.0)
        assert coverage_3d_percent(bent, CENTRE, 8.0) == pytest.approx(flat, abs=0.05)
