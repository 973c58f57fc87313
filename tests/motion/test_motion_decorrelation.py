"""Decorrelation and regression: known distances through made speckle are found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from speckle_sweeps import COLUMNS, ROWS, SPACING_MM, speckle_sweep

from hipus import geometry, rotations
from hipus.motion.correlation_maps import median_shift_mm, self_correlation
from hipus.motion.decorrelation import (
    PATCHES,
    DecorrelationStep,
    patch_distances_mm,
    read_patches,
)
from hipus.motion.decorrelation_curves import DecorrelationCurves, fit_curves
from hipus.motion.prediction import Predictor


def curves(*, power=1.0, gain=(0.0, 0.0)) -> DecorrelationCurves:
    """Return curves whose widths are 0.5 and 1 mm and whose heights are 0.8."""
    return DecorrelationCurves(
        log_width_mm=np.log([0.5, 1.0]),
        height_logit=np.full(2, np.log(0.8 / 0.2)),
        width_gain=np.array(gain),
        height_gain=np.zeros(2),
        log_power=np.log(power),
        precision=np.eye(4),
    )


def in_plane(count, *, lateral=0.5, axial=0.45):
    """Return the in-plane correlation of 2 x 2 patches, (2, count, 2, 2)."""
    one = np.array([lateral, axial])[:, None, None, None]
    return np.broadcast_to(one, (2, count, 2, 2))


@pytest.fixture(scope="module")
def training():
    """Return eight sweeps, each at a pace of its own, of two subjects."""
    rng = np.random.default_rng(5)
    return [
        speckle_sweep(
            rng,
            np.clip(pace * rng.uniform(0.6, 1.4, 14), 0.02, None),
            subject_id=f"S{index % 4}",
            sweep_type=("p_a", "p_d")[index % 2],
            shift_uv_px=(index % 3 - 1, 0),
        )
        for index, pace in enumerate(np.linspace(0.08, 0.5, 8))
    ]


class TestCurves:
    def test_a_curve_falls_to_a_part_e_of_its_height_at_its_width(self):
        found = curves(power=2.0).correlation(np.array([0.0, 0.5, 1.0])[:, None, None], in_plane(3))
        np.testing.assert_allclose(found[0], 0.8)
        np.testing.assert_allclose(found[1, 0], 0.8 * np.exp(-1))
        np.testing.assert_allclose(found[2, 1], 0.8 * np.exp(-1))
        np.testing.assert_allclose(found[2, 0], 0.8 * np.exp(-4))

    def test_coherent_patches_decorrelate_more_slowly(self):
        adaptive = curves(gain=(2.0, 0.0))
        plain, coherent = (
            adaptive.correlation(np.full((1, 1, 1), 0.5), in_plane(1, lateral=lateral))[0, 0, 0]
            for lateral in (0.5, 0.9)
        )
        assert plain == pytest.approx(0.8 * np.exp(-1))
        assert coherent == pytest.approx(0.8 * np.exp(-np.exp(-2 * 0.4)))

    def test_distances_are_read_back_from_the_curve(self):
        true = np.array([0.0, 0.1, 0.44, 1.2])
        known = curves()
        seen = known.correlation(true[:, None, None], in_plane(4))
        np.testing.assert_allclose(known.distances(seen, in_plane(4)), true, atol=1e-9)

    def test_a_window_pools_the_evidence_of_neighbouring_steps(self, rng):
        known, true = curves(), np.full(60, 0.4)
        seen = known.correlation(true[:, None, None], in_plane(60))
        seen = seen + rng.normal(0, 0.1, seen.shape)
        alone = known.distances(seen, in_plane(60))
        pooled = known.distances(seen, in_plane(60), window=5)
        assert np.std(pooled - true) < 0.6 * np.std(alone - true)

    @pytest.mark.parametrize("adaptive", [True, False])
    def test_a_fit_finds_the_curves_that_made_the_data(self, rng, adaptive):
        distance = rng.uniform(0, 1.5, (500, 2, 2))
        within = in_plane(500) + rng.uniform(-0.3, 0.3, (2, 500, 2, 2))
        made = curves(power=1.3, gain=(1.5, -0.5) if adaptive else (0.0, 0.0))
        seen = made.correlation(distance, within) + rng.normal(0, 0.01, distance.shape)
        found = fit_curves(-distance, seen, within, adaptive=adaptive)
        np.testing.assert_allclose(found.log_width_mm, made.log_width_mm, atol=0.05)
        np.testing.assert_allclose(found.height_logit, made.height_logit, atol=0.1)
        np.testing.assert_allclose(found.width_gain, made.width_gain, atol=0.15)
        assert found.log_power == pytest.approx(np.log(1.3), abs=0.05)
        if not adaptive:
            np.testing.assert_array_equal(found.width_gain, 0)

    def test_patches_that_err_together_count_once(self, rng):
        shared = rng.normal(0, 0.1, (400, 1, 1)) * np.array([[1, 1], [1, 0]])
        own = rng.normal(0, 0.03, (400, 2, 2))
        distance = rng.uniform(0.05, 1, (400, 1, 1)) * np.ones((400, 2, 2))
        seen = curves().correlation(distance, in_plane(400)) + shared + own
        found = fit_curves(distance, seen, in_plane(400), adaptive=False)
        independent = replace(found, precision=np.eye(4))
        together, apart = (
            np.sqrt(np.mean((one.distances(seen, in_plane(400)) - distance[:, 0, 0]) ** 2))
            for one in (found, independent)
        )
        assert together < 0.8 * apart

    def test_too_few_steps_are_refused(self):
        distance = np.full((9, 2, 2), 0.3)
        distance[3:] = np.nan
        with pytest.raises(ValueError, match="must know at least 4 steps, .* got 3"):
            fit_curves(distance, np.ones((9, 2, 2)), in_plane(9))


class TestPatches:
    def test_a_tilt_moves_opposite_patches_apart(self):
        turn = rotations.from_rotation_vector(np.radians([0.0, 1.0, 0.0]))
        step = geometry.transform(turn, [0, 0, 0.5])[None]
        found = patch_distances_mm(step, (ROWS, COLUMNS), SPACING_MM, patches=3)
        # 72 columns of 0.3 mm: the outer thirds have their middles 7.2 mm from the centre.
        np.testing.assert_allclose(
            found[0, 1], [0.5 + 7.2 * s * np.sin(np.radians(1)) for s in (1, 0, -1)]
        )
        np.testing.assert_allclose(found[0, 0], found[0, 2])

    def test_a_turn_about_the_lateral_axis_moves_deep_patches(self):
        turn = rotations.from_rotation_vector(np.radians([1.0, 0.0, 0.0]))
        found = patch_distances_mm(geometry.transform(turn)[None], (ROWS, COLUMNS), SPACING_MM)
        # 60 rows of 0.25 mm in six: the lowest has its middle 6.25 mm below the centre.
        np.testing.assert_allclose(found[0, -1], 6.25 * np.sin(np.radians(1)))
        np.testing.assert_allclose(found[0, 0], -6.25 * np.sin(np.radians(1)))

    def test_moving_content_is_followed(self, rng):
        sweep = speckle_sweep(rng, np.full(4, 0.1), shift_uv_px=(3, -2))
        still = speckle_sweep(rng, np.full(4, 0.1))
        moved = read_patches(sweep)
        np.testing.assert_allclose(moved.shift_mm, np.tile([0.9, -0.5], (4, 1)), rtol=1e-5)
        inner = (slice(None), slice(1, -1), slice(1, -1))
        difference = moved.correlation[inner].mean() - read_patches(still).correlation[inner].mean()
        assert abs(difference) < 0.05

    def test_pixel_spacing_is_needed(self, training):
        with pytest.raises(ValueError, match="S0/right_p_a: pixel_spacing_xy_mm must be known"):
            read_patches(replace(training[0], pixel_spacing_xy_mm=None))

    def test_a_frame_is_like_itself_and_less_so_further_away(self, training):
        frames = training[0].frames[:2]
        near, far = (self_correlation(frames, (d, 0.0)).mean() for d in (0.5, 2.0))
        assert self_correlation(frames, (0.0, 0.0)).min() > 0.99
        assert near > far + 0.2
        # The texture is wider than it is high.
        assert (
            self_correlation(frames, (0.0, 1.5)).mean() < self_correlation(frames, (1.5, 0)).mean()
        )

    def test_the_median_of_the_flow_is_told_in_mm_of_the_frame(self):
        flow = np.zeros((1, 2, 10, 20))
        flow[:, 0], flow[:, 1] = 1.0, -2.0
        found = median_shift_mm(np.zeros((2, 40, 60)), flow, (0.5, 0.25))
        np.testing.assert_allclose(found, [[3 * 0.5, -8 * 0.25]])


class TestDecorrelationStep:
    def test_unseen_sweeps_are_measured(self, training, rng):
        fitted = DecorrelationStep.fit(training)
        for pace in (0.12, 0.35):
            sweep = speckle_sweep(rng, np.full(14, pace))
            blind = replace(sweep, T_centre_to_world=np.full((15, 4, 4), np.nan))
            said = fitted.predict(blind).T_next_to_previous
            assert said[:, 2, 3].mean() == pytest.approx(pace, rel=0.15)

    def test_content_that_moves_right_means_a_probe_that_moves_left(self, training, rng):
        fitted = DecorrelationStep.fit(training)
        np.testing.assert_allclose(fitted.flow_gain[0], -1, atol=1e-5)
        sweep = speckle_sweep(rng, np.full(6, 0.2), shift_uv_px=(2, 0))
        said = fitted.predict(sweep).T_next_to_previous
        np.testing.assert_allclose(said[:, 0, 3], -2 * SPACING_MM[0], rtol=1e-4)

    def test_types_have_curves_of_their_own_and_unknown_ones_those_of_all(self, training, rng):
        fitted = DecorrelationStep.fit(training)
        assert set(fitted.curves) == {"*", "p_a", "p_d"}
        sweep = replace(speckle_sweep(rng, np.full(6, 0.2)), sweep_type="graf")
        assert np.isfinite(fitted.predict(sweep).T_next_to_previous).all()

    def test_a_type_with_few_steps_takes_the_curves_of_all(self, training, caplog):
        rare = replace(training[0], sweep_type="graf")
        fitted = DecorrelationStep.fit([*training, rare])
        assert "graf" not in fitted.curves
        assert "has 14 tracked steps: curves of all types serve" in caplog.text
        assert PATCHES**2 > 14

    def test_states_deviations_and_is_a_predictor(self, training):
        fitted = DecorrelationStep.fit(training)
        said = fitted.predict(training[0])
        assert isinstance(fitted, Predictor)
        assert 0 < said.sd_mm[0, 2] < 0.2
        np.testing.assert_allclose(said.sd_deg, 0, atol=1e-6)
