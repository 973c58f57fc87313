"""Rates, sums and set distances against answers worked by hand and DualTrack's own numbers."""

import math

import numpy as np
import pytest
from made_trajectories import tusrec_case

from hipus import geometry, rotations
from hipus.motion.drift import from_first_frame
from hipus.motion.drift_rates import drift_rates, geodesic_rates, hausdorff


def along(*z_mm) -> np.ndarray:
    """Return poses on the elevational axis."""
    return geometry.transform(translation=np.array([[0, 0, z] for z in z_mm], float))


def turned(*angles_deg) -> np.ndarray:
    """Return poses turned about the lateral axis."""
    vectors = np.radians([[angle, 0, 0] for angle in angles_deg])
    return geometry.transform(rotations.from_rotation_vector(vectors))


def rates(predicted, true):
    """Return the drift rates of two runs."""
    return drift_rates(from_first_frame(predicted, true))


def turn_rates(predicted, true):
    """Return the geodesic rates of two runs."""
    return geodesic_rates(from_first_frame(predicted, true))


class TestDriftRates:
    def test_a_straight_sweep_ten_percent_too_long(self):
        found = rates(along(0, 1.1, 2.2, 4.4), along(0, 1, 2, 4))
        assert found.final_rate_of_path_percent == pytest.approx(10)
        assert found.final_rate_of_distance_percent == pytest.approx(10)
        assert found.average_rate_of_path_percent == pytest.approx(10)
        assert found.average_rate_of_distance_percent == pytest.approx(10)
        assert found.maximum_drift_mm == pytest.approx(0.4)
        assert found.drift_sum_mm == pytest.approx(0.1 + 0.2 + 0.4)
        assert found.path_mm == pytest.approx(4)
        assert found.distance_mm == pytest.approx(4)

    def test_there_and_back_tells_the_two_denominators_apart(self):
        """True 0 1 2 1 0.1, predicted drifts by 0.1 a frame: 0.4 mm over 3.9 mm or 0.1 mm."""
        found = rates(along(0, 1.1, 2.2, 1.3, 0.5), along(0, 1, 2, 1, 0.1))
        assert found.path_mm == pytest.approx(3.9)
        assert found.distance_mm == pytest.approx(0.1)
        assert found.final_rate_of_path_percent == pytest.approx(100 * 0.4 / 3.9)
        assert found.final_rate_of_distance_percent == pytest.approx(400)
        of_path = np.array([0.1 / 1, 0.2 / 2, 0.3 / 3, 0.4 / 3.9])
        of_distance = np.array([0.1 / 1, 0.2 / 2, 0.3 / 1, 0.4 / 0.1])
        assert found.average_rate_of_path_percent == pytest.approx(100 * of_path.mean())
        assert found.average_rate_of_distance_percent == pytest.approx(100 * of_distance.mean())

    def test_a_closed_loop_has_no_finite_rate_of_distance(self):
        found = rates(along(0, 1, 2, 1, 0.5), along(0, 1, 2, 1, 0))
        assert found.final_rate_of_distance_percent == math.inf
        assert found.average_rate_of_distance_percent == math.inf
        assert found.final_rate_of_path_percent == pytest.approx(100 * 0.5 / 4)

    def test_frames_where_nothing_moved_and_nothing_is_wrong_are_left_out(self):
        found = rates(along(0, 0, 1.5), along(0, 0, 1))
        assert found.average_rate_of_path_percent == pytest.approx(50)
        assert found.average_rate_of_distance_percent == pytest.approx(50)

    def test_rounding_in_a_far_world_is_no_distance(self):
        """inv(T) @ T leaves 1e-14 mm: as a denominator it would give noise, not 0 / 0."""
        T_to_far = geometry.transform(
            rotations.from_rotation_vector([0.3, -1.0, 0.7]), [123.4, -567.8, 987.6]
        )
        found = rates(T_to_far @ along(0, 0, 1.5), T_to_far @ along(0, 0, 1))
        assert found.average_rate_of_distance_percent == pytest.approx(50)

    def test_a_probe_that_never_moves_has_no_rate(self):
        found = rates(along(0, 0, 0), along(0, 0, 0))
        assert math.isnan(found.final_rate_of_path_percent)
        assert math.isnan(found.average_rate_of_distance_percent)
        assert found.maximum_drift_mm == 0

    def test_the_largest_drift_need_not_be_the_final_one(self):
        found = rates(along(0, 1, 5, 3), along(0, 1, 2, 3))
        assert found.maximum_drift_mm == pytest.approx(3)
        assert found.final_rate_of_path_percent == pytest.approx(0)

    def test_the_path_runs_straight_across_an_invalid_frame(self):
        true = along(0, 1, 9, 3)
        true[2] = np.nan
        assert rates(along(0, 1, 2, 3), true).path_mm == pytest.approx(3)


class TestGeodesicRates:
    def test_a_tilt_predicted_a_fifth_too_large(self):
        found = turn_rates(turned(0, 1.2, 2.4, 6), turned(0, 1, 2, 5))
        assert found.average_geodesic_rate_of_turning_percent == pytest.approx(20)
        assert found.average_geodesic_rate_of_angle_percent == pytest.approx(20)
        assert found.maximum_geodesic_rate_of_angle_percent == pytest.approx(20)
        assert found.maximum_geodesic_deg == pytest.approx(1)
        assert found.geodesic_sum_deg == pytest.approx(0.2 + 0.4 + 1)
        assert found.turning_deg == pytest.approx(5)

    def test_there_and_back_turning_is_not_the_angle(self):
        """True 0 4 1, predicted 0 4 3: 2 deg wrong after turning 7 deg, 1 deg from the start."""
        found = turn_rates(turned(0, 4, 3), turned(0, 4, 1))
        assert found.turning_deg == pytest.approx(7)
        assert found.maximum_geodesic_rate_of_turning_percent == pytest.approx(200 / 7)
        assert found.maximum_geodesic_rate_of_angle_percent == pytest.approx(200)
        assert found.average_geodesic_rate_of_turning_percent == pytest.approx(100 / 7)
        assert found.average_geodesic_rate_of_angle_percent == pytest.approx(100)

    def test_a_probe_that_never_turns_has_no_rate_but_an_error(self):
        found = turn_rates(turned(0, 0.5, 1), turned(0, 0, 0))
        assert found.average_geodesic_rate_of_angle_percent == math.inf
        assert found.maximum_geodesic_deg == pytest.approx(1)


class TestHausdorff:
    def test_the_farthest_of_both_ways_counts(self):
        first = [[0, 0, 0], [1, 0, 0]]
        second = [[0, 0, 0], [1, 0, 0], [1, 3, 4]]
        assert hausdorff(first, second) == pytest.approx(5)
        assert hausdorff(second, first) == pytest.approx(5)

    def test_order_does_not_matter_to_sets(self):
        points = np.array([[0.0, 0, 0], [1, 2, 3], [-4, 0.5, 1]])
        assert hausdorff(points, points[::-1]) == 0

    def test_agrees_with_all_pairs(self, rng):
        first, second = rng.normal(size=(30, 3)), rng.normal(size=(17, 3))
        pairs = np.linalg.norm(first[:, None] - second, axis=2)
        expected = max(pairs.min(axis=1).max(), pairs.min(axis=0).max())
        assert hausdorff(first, second) == pytest.approx(expected)

    @pytest.mark.parametrize("points", [np.zeros((0, 3)), np.zeros((4, 2)), np.zeros(3)])
    def test_no_points_are_refused(self, points):
        with pytest.raises(ValueError, match=r"second must be points \(M, 3\), M > 0, got"):
            hausdorff(np.zeros((1, 3)), points)


class TestDualTrack:
    """DualTrack's own functions in float64, run on the closed-form case at the image origin."""

    def test_all_numbers_agree(self):
        case = tusrec_case()
        found = rates(case.T_predicted, case.T_true)
        assert found.final_rate_of_distance_percent == pytest.approx(1.8097620751453332, abs=1e-9)
        assert found.average_rate_of_distance_percent == pytest.approx(2.00699797441661, abs=1e-9)
        assert found.maximum_drift_mm == pytest.approx(0.8189170544660781, abs=1e-9)
        assert found.drift_sum_mm == pytest.approx(7.367665500939201, abs=1e-9)
        assert found.hausdorff_mm == pytest.approx(0.8189170544660781, abs=1e-9)

    def test_the_rate_of_the_path_is_another_number(self):
        case = tusrec_case()
        found = rates(case.T_predicted, case.T_true)
        assert found.path_mm == pytest.approx(50.66094112800689, abs=1e-9)
        assert found.final_rate_of_path_percent == pytest.approx(1.6164663273761335, abs=1e-9)
