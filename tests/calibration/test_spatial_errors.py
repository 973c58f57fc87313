from dataclasses import replace

import numpy as np
import pytest
from wire_scenes import PIXEL_MM

from hipus import geometry
from hipus.calibration.spatial_errors import SpatialErrors, evaluate


@pytest.fixture
def measure(scene):
    def with_calibration(T_pixel_to_probe, points_px=None):
        points_px = scene.points_px if points_px is None else points_px
        return evaluate(T_pixel_to_probe, points_px, scene.T_probe_to_reference, scene.phantom)

    return with_calibration


def errors_of(reprojection_mm) -> SpatialErrors:
    reprojection_mm = np.asarray(reprojection_mm, float)
    count = len(reprojection_mm)
    return SpatialErrors(
        ("a", "b", "c"), reprojection_mm, np.zeros((count, 3)), np.zeros((count, 3, 2))
    )


class TestMeasures:
    def test_the_truth_has_no_error(self, scene, measure):
        errors = measure(scene.T_pixel_to_probe)
        assert errors.error_mm_mean_all < 1e-9
        assert errors.point_to_wire_mm_mean < 1e-9
        assert np.abs(errors.reprojection_px).max() < 1e-8

    def test_a_shifted_origin_moves_middle_dots_by_as_much(self, scene, measure):
        shifted = scene.T_pixel_to_probe.copy()
        shifted[:3, 3] += [0.3, -0.4, 1.2]
        errors = measure(shifted)
        np.testing.assert_allclose(errors.reprojection_mm, 1.3, atol=1e-9)
        assert (errors.point_to_wire_mm < 1.3).all()
        assert errors.error_mm_sd < 1e-9

    def test_pixel_errors_are_dot_minus_crossing(self, scene, measure):
        moved = scene.points_px.copy()
        moved[:, 6] += [2.0, -5.0]
        errors = measure(scene.T_pixel_to_probe, moved)
        np.testing.assert_allclose(errors.px_mean[6], [2.0, -5.0], atol=1e-8)
        np.testing.assert_allclose(errors.px_mean[:6], 0.0, atol=1e-8)

    def test_a_dot_moved_in_an_upright_image_leaves_its_wire_by_millimetres(self, scene, measure):
        moved = scene.points_px.copy()
        moved[:, 0] += [0.0, 10.0]
        errors = measure(scene.T_pixel_to_probe, moved)
        # Down the image is all but square to the wire: the image turns by a few degrees.
        np.testing.assert_allclose(errors.point_to_wire_mm[:, 0], 10 * PIXEL_MM[1], rtol=0.05)

    def test_errors_do_not_change_with_the_world(self, scene, measure):
        T_pixel_to_probe = scene.T_pixel_to_probe + 1e-3 * np.eye(4, k=3)
        moved = geometry.transform([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]], [100, -50, 7])
        phantom = replace(
            scene.phantom, T_phantom_to_reference=moved @ scene.phantom.T_phantom_to_reference
        )
        elsewhere = evaluate(
            T_pixel_to_probe, scene.points_px, moved @ scene.T_probe_to_reference, phantom
        )
        here = measure(T_pixel_to_probe)
        np.testing.assert_allclose(elsewhere.reprojection_mm, here.reprojection_mm, atol=1e-9)
        np.testing.assert_allclose(elsewhere.reprojection_px, here.reprojection_px, atol=1e-7)

    def test_frames_without_wires_are_counted_not_scored(self, scene, measure):
        missing = scene.points_px.copy()
        missing[[2, 9]] = np.nan
        errors = measure(scene.T_pixel_to_probe, missing)
        assert (errors.frames_used, errors.frames_total) == (38, 40)
        np.testing.assert_array_equal(np.flatnonzero(~errors.is_used), [2, 9])
        assert np.isnan(errors.point_to_wire_mm[2]).all()
        assert errors.error_mm_mean_all < 1e-9


class TestRule:
    def test_the_worst_five_percent_are_left_out_of_the_mean(self):
        errors = errors_of(np.r_[np.ones(19), 100.0][:, None])
        assert errors.error_mm_mean == 1.0
        assert errors.error_mm_sd == 0.0
        assert errors.error_mm_mean_all == pytest.approx(119 / 20)

    def test_the_count_is_rounded_half_up(self):
        # 0.95 x 10 = 9.5, so all ten are kept; 0.95 x 9 = 8.55 keeps nine.
        assert errors_of(np.arange(10.0)[:, None]).error_mm_mean == 4.5
        assert errors_of(np.arange(9.0)[:, None]).error_mm_mean == 4.0
        assert errors_of(np.arange(12.0)[:, None]).error_mm_mean == 5.0

    def test_the_spread_is_that_of_the_population(self):
        errors = errors_of([[1.0], [3.0]])
        assert errors.error_mm_sd_all == 1.0
        assert errors.error_mm_sd == 1.0


class TestBadInput:
    def test_a_flat_calibration_is_refused(self, measure):
        with pytest.raises(ValueError, match="T_pixel_to_probe must be invertible"):
            measure(np.diag([0.1, 0.1, 0.0, 1.0]))
