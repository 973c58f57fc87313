import numpy as np
import pytest

from hipus.calibration import spatial
from hipus.calibration.spatial_bootstrap import bootstrap, error_interval_mm


@pytest.fixture
def noisy(scene, rng):
    points = scene.points_px + rng.normal(0, 1.5, scene.points_px.shape)
    return points, scene.T_probe_to_reference, scene.phantom


class TestCalibrationScatter:
    def test_exact_dots_do_not_scatter(self, scene, rng):
        scatter = bootstrap(
            scene.points_px, scene.T_probe_to_reference, scene.phantom, count=5, rng=rng
        )
        assert scatter.T_pixel_to_probe.shape == (5, 4, 4)
        assert scatter.shift_sd_mm.max() < 1e-7
        assert scatter.rotation_sd_deg.max() < 1e-6

    def test_it_agrees_with_the_joint_fit_s_own_covariance(self, noisy, rng):
        scatter = bootstrap(*noisy, count=80, rng=rng, method="joint")
        uncertainty = spatial.calibrate(*noisy, method="joint").uncertainty
        np.testing.assert_allclose(scatter.shift_sd_mm, uncertainty.shift_sd_mm, rtol=0.4)
        np.testing.assert_allclose(scatter.rotation_sd_deg, uncertainty.rotation_sd_deg, rtol=0.4)
        np.testing.assert_allclose(
            scatter.pixel_size_mm.std(axis=0), uncertainty.pixel_size_sd_mm, rtol=0.4
        )

    def test_one_seed_gives_one_result(self, noisy):
        runs = [bootstrap(*noisy, count=3, rng=np.random.default_rng(5)) for _ in range(2)]
        np.testing.assert_array_equal(runs[0].shift_mm, runs[1].shift_mm)
        assert np.abs(runs[0].shift_mm).max() > 0

    def test_frames_without_wires_are_never_drawn(self, noisy, rng):
        points, poses, phantom = noisy
        points = points.copy()
        points[:20] = np.nan
        scatter = bootstrap(points, poses, phantom, count=4, rng=rng)
        assert np.isfinite(scatter.T_pixel_to_probe).all()

    def test_a_single_replicate_is_refused(self, noisy, rng):
        with pytest.raises(ValueError, match="count must be >= 2 replicates, got 1"):
            bootstrap(*noisy, count=1, rng=rng)


class TestErrorInterval:
    @pytest.fixture
    def errors(self, noisy):
        return spatial.calibrate(*noisy).errors

    def test_it_holds_the_mean_and_narrows_with_the_level(self, errors, rng):
        low, high = error_interval_mm(errors, count=500, rng=rng)
        assert low < errors.error_mm_mean_all < high
        inner = error_interval_mm(errors, count=500, rng=rng, level=0.5)
        assert low < inner[0] < inner[1] < high

    def test_its_width_is_that_of_a_mean_over_frames(self, errors, rng):
        low, high = error_interval_mm(errors, count=4000, rng=rng)
        per_frame = errors.reprojection_mm.mean(axis=1)
        expected = 2 * 1.96 * per_frame.std() / np.sqrt(len(per_frame))
        assert high - low == pytest.approx(expected, rel=0.1)

    def test_bad_counts_and_levels_are_refused(self, errors, rng):
        with pytest.raises(ValueError, match="count must be >= 2 replicates, got 0"):
            error_interval_mm(errors, count=0, rng=rng)
        with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
            error_interval_mm(errors, count=10, rng=rng, level=95)
