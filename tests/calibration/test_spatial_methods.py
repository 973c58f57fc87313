"""The classic and the joint fit: recovery, noise, outliers, and an independent reference."""

import functools

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation
from wire_scenes import PIXEL_MM, make_scene

from hipus import geometry
from hipus.calibration import spatial_classic, spatial_joint
from hipus.calibration.spatial_classic import fit_classic, with_normal
from hipus.calibration.spatial_errors import evaluate
from hipus.calibration.spatial_joint import PARAMETERS, fit_joint

FITS = pytest.mark.parametrize("fit", [fit_classic, fit_joint])


def fitted(fit, scene, points_px=None, poses=None):
    points_px = scene.points_px if points_px is None else points_px
    poses = scene.T_probe_to_reference if poses is None else poses
    return fit(points_px, poses, scene.phantom)


class TestRecovery:
    @FITS
    def test_exact_dots_give_the_exact_calibration(self, fit, scene):
        T = fitted(fit, scene).T_pixel_to_probe
        np.testing.assert_allclose(T, scene.T_pixel_to_probe, atol=1e-7)

    @FITS
    def test_noisy_dots_give_it_within_what_the_noise_allows(self, fit, phantom, rng):
        scene = make_scene(phantom, rng, count=150)
        noisy = scene.points_px + rng.normal(0, 1.0, scene.points_px.shape)
        T = fitted(fit, scene, noisy).T_pixel_to_probe
        middle = [280.0, 235.0, 0.0]
        off_mm = geometry.apply(T, middle) - geometry.apply(scene.T_pixel_to_probe, middle)
        # 0.1 mm of noise a dot; middle dots magnify it along the wires by at most 2.5.
        assert np.linalg.norm(off_mm) < 3 * 2.5 * 0.1 / np.sqrt(150)
        sides = np.linalg.norm(T[:3, :2], axis=0)
        np.testing.assert_allclose(sides, PIXEL_MM, rtol=0.01)

    @FITS
    def test_a_few_gross_outliers_hardly_matter(self, fit, scene, rng):
        points = scene.points_px + rng.normal(0, 0.5, scene.points_px.shape)
        clean = fitted(fit, scene, points).T_pixel_to_probe
        points[4, 4] += [60.0, 0.0]
        points[20, 7] -= [50.0, 10.0]
        moved = fitted(fit, scene, points).T_pixel_to_probe
        middle = [280.0, 235.0, 0.0]
        off_mm = geometry.apply(moved, middle) - geometry.apply(clean, middle)
        assert np.linalg.norm(off_mm) < 0.05

    @FITS
    def test_a_mirrored_image_gives_the_mirrored_calibration(self, fit, scene):
        mirror = np.diag([-1.0, 1, 1, 1])
        mirror[0, 3] = 559
        points = [559, 0] + [-1, 1] * scene.points_px
        T = fitted(fit, scene, points).T_pixel_to_probe
        expected = (scene.T_pixel_to_probe @ mirror)[:, [0, 1, 3]]
        np.testing.assert_allclose(T[:, [0, 1, 3]], expected, atol=1e-7)
        assert np.linalg.det(T[:3, :3]) > 0


class TestClassic:
    def test_equations_beyond_three_sigma_are_counted_row_by_row(self, scene, rng):
        points = scene.points_px + rng.normal(0, 0.05, scene.points_px.shape)
        points[4, 4] += [60.0, 0.0]
        outliers = fitted(fit_classic, scene, points).outliers_per_row
        assert min(outliers) >= 1
        assert max(outliers) < 10

    def test_exact_dots_have_no_outliers(self, scene):
        assert fitted(fit_classic, scene).outliers_per_row == (0, 0, 0)

    def test_with_no_rejection_it_is_plain_least_squares(self, scene, rng, monkeypatch):
        monkeypatch.setattr(spatial_classic, "OUTLIER_SIGMA", 1e9)
        points = scene.points_px + rng.normal(0, 1, scene.points_px.shape)
        fit = fitted(fit_classic, scene, points)
        placed = geometry.apply(
            np.linalg.inv(scene.T_probe_to_reference) @ scene.phantom.T_phantom_to_reference,
            scene.phantom.middle_points_mm(points),
        )
        homogeneous = np.pad(points[:, 1::3], ((0, 0), (0, 0), (0, 1)), constant_values=1)
        rows = np.linalg.pinv(homogeneous.reshape(-1, 3)) @ placed.reshape(-1, 3)
        np.testing.assert_allclose(fit.T_pixel_to_probe[:3, [0, 1, 3]], rows.T, atol=1e-8)

    def test_the_third_column_is_the_normal_as_long_as_the_mean_pixel_side(self):
        T = with_normal(np.array([[0, 0.2, 1], [0.1, 0, 2], [0, 0, 3.0]]))
        np.testing.assert_allclose(T[:3], [[0, 0.2, 0, 1], [0.1, 0, 0, 2], [0, 0, -0.15, 3]])


class TestJoint:
    def test_axes_are_orthogonal_even_for_noisy_dots(self, scene, rng):
        points = scene.points_px + rng.normal(0, 2.0, scene.points_px.shape)
        T = fitted(fit_joint, scene, points).T_pixel_to_probe
        axes = T[:3, :3] / np.linalg.norm(T[:3, :3], axis=0)
        np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
        assert np.linalg.det(axes) > 0

    def test_it_is_the_optimum_that_a_plain_least_squares_of_distances_finds(self, scene, rng):
        points = scene.points_px + rng.normal(0, 3.0, scene.points_px.shape)
        T = fitted(fit_joint, scene, points).T_pixel_to_probe

        def distances(x):
            R = Rotation.from_rotvec(x[:3]).as_matrix()
            candidate = geometry.transform(R * [x[6], x[7], 0.1], x[3:6])
            errors = evaluate(candidate, points, scene.T_probe_to_reference, scene.phantom)
            return errors.point_to_wire_mm.ravel()

        sides = np.linalg.norm(T[:3, :3], axis=0)
        x0 = np.r_[Rotation.from_matrix(T[:3, :3] / sides).as_rotvec(), T[:3, 3], sides[:2]]
        reference = least_squares(distances, x0, x_scale=np.abs(x0) + 1e-3)
        # Soft L1 is all but quadratic for dots a quarter of a millimetre off.
        ours = np.sqrt(np.mean(distances(x0) ** 2))
        best = np.sqrt(np.mean(reference.fun**2))
        assert best <= ours < 1.01 * best

    def test_a_fit_that_does_not_converge_is_refused(self, scene, monkeypatch):
        stuck = functools.partial(least_squares, max_nfev=1)
        monkeypatch.setattr(spatial_joint, "least_squares", stuck)
        points = scene.points_px + np.linspace(-9, 9, 18).reshape(9, 2)
        with pytest.raises(ValueError, match="joint calibration did not converge: The maximum"):
            fitted(fit_joint, scene, points)

    def test_noisy_dots_lie_nearer_their_wires_than_under_the_classic_fit(self, phantom, rng):
        scene = make_scene(phantom, rng, count=60)
        other = make_scene(phantom, rng, count=60)
        noisy, unseen = (
            s.points_px + rng.normal(0, 3.0, s.points_px.shape) for s in (scene, other)
        )
        mean_mm = {}
        for fit in (fit_classic, fit_joint):
            T = fitted(fit, scene, noisy).T_pixel_to_probe
            errors = evaluate(T, unseen, other.T_probe_to_reference, phantom)
            mean_mm[fit] = errors.point_to_wire_mm_mean
        assert mean_mm[fit_joint] < mean_mm[fit_classic]


class TestUncertainty:
    def test_covariance_is_the_scatter_of_repeated_fits(self, phantom, rng):
        scene = make_scene(phantom, rng, count=40)
        shifts, predicted = [], []
        for _ in range(60):
            points = scene.points_px + rng.normal(0, 1.0, scene.points_px.shape)
            fit = fitted(fit_joint, scene, points)
            middle = [*scene.points_px.mean(axis=(0, 1)), 0.0]
            off = geometry.apply(fit.T_pixel_to_probe, middle) - geometry.apply(
                scene.T_pixel_to_probe, middle
            )
            sides = np.linalg.norm(scene.T_pixel_to_probe[:3, :3], axis=0)
            shifts.append((scene.T_pixel_to_probe[:3, :3] / sides).T @ off)
            predicted.append(fit.uncertainty.shift_sd_mm)
        # 60 repetitions know a standard deviation to 9 %.
        np.testing.assert_allclose(np.mean(predicted, axis=0), np.std(shifts, axis=0), rtol=0.3)

    def test_the_elevational_direction_is_known_least(self, scene, rng):
        points = scene.points_px + rng.normal(0, 1.0, scene.points_px.shape)
        uncertainty = fitted(fit_joint, scene, points).uncertainty
        lateral, axial, elevational = uncertainty.shift_sd_mm
        assert elevational > 2 * max(lateral, axial)
        assert len(PARAMETERS) == len(uncertainty.covariance)
        assert (uncertainty.rotation_sd_deg > 0).all()
        assert (uncertainty.pixel_size_sd_mm > 0).all()
