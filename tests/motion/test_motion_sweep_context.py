"""The study's own arm on made speckle: nearer than a constant, unknown types, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pace_sweeps import PX, TYPES, paced_cohort, paced_sweep

from hipus.motion import sweep_context
from hipus.motion.baselines import ConstantStep
from hipus.motion.correlation_regression import CorrelationRegression
from hipus.motion.pace import combined_pace
from hipus.motion.prediction import Predictor
from hipus.motion.scale_correlation import sweep_features
from hipus.motion.sweep_context import SweepContext, likeliest_type


@pytest.fixture(scope="module")
def training():
    """Return two sweeps of each of eight subjects."""
    return paced_cohort(np.random.default_rng(11))


@pytest.fixture(scope="module")
def model(training):
    """Return the fitted arm."""
    return SweepContext.fit(training)


@pytest.fixture(scope="module")
def others():
    """Return sweeps of subjects that the arm has not seen, at paces between its own."""
    rng = np.random.default_rng(12)
    return [
        paced_sweep(rng, mm, subject_id=f"S9{k}", sweep_type=TYPES[k % 2])
        for k, mm in enumerate((0.13, 0.17, 0.2, 0.3, 0.34, 0.38))
    ]


def mean_step_mm(predictor, sweep):
    """Return the mean elevational step that is predicted."""
    return predictor.predict(sweep).T_next_to_previous[:, 2, 3].mean()


def true_step_mm(sweep):
    """Return the mean elevational step that is tracked."""
    return np.diff(sweep.T_centre_to_world[:, 2, 3]).mean()


class TestPrediction:
    def test_of_sweeps_left_out_is_much_nearer_than_a_constant_step(self, model, training, others):
        errors = {
            name: np.mean([abs(mean_step_mm(one, s) - true_step_mm(s)) for s in others])
            for name, one in (
                ("own", model),
                ("constant", ConstantStep.fit(training)),
                ("by type", ConstantStep.fit(training, by_type=True)),
            )
        }
        assert errors["own"] < 0.35 * min(errors["constant"], errors["by type"])

    def test_has_the_mean_that_shape_and_pace_agree_on(self, model, others):
        for sweep in others:
            shape_mm = mean_step_mm(model.shape, sweep)
            pace_mm = model.paces[sweep.sweep_type](sweep_features(sweep)[None])[0]
            assert mean_step_mm(model, sweep) == pytest.approx(combined_pace(shape_mm, pace_mm))

    def test_leaves_all_but_the_way_to_the_shape(self, model, others):
        own, shape = (one.predict(others[0]).T_next_to_previous for one in (model, model.shape))
        np.testing.assert_array_equal(own[:, :3, :3], shape[:, :3, :3])
        np.testing.assert_array_equal(own[:, :2, 3], shape[:, :2, 3])
        ratio = own[:, 2, 3] / shape[:, 2, 3]
        np.testing.assert_allclose(ratio, ratio[0])

    def test_knows_how_far_off_it_is(self, model, others):
        off = np.concatenate(
            [
                model.predict(s).T_next_to_previous[:, 2, 3] - np.diff(s.T_centre_to_world[:, 2, 3])
                for s in others
            ]
        )
        stated = model.predict(others[0])
        assert stated.sd_mm.shape == stated.sd_deg.shape == (len(others[0]) - 1, 3)
        assert 0.5 < stated.sd_mm[0, 2] / np.sqrt(np.mean(off**2)) < 2

    def test_looks_at_no_tracked_pose(self, model, others):
        blind = replace(
            others[1], T_centre_to_world=np.full_like(others[1].T_centre_to_world, np.nan)
        )
        np.testing.assert_array_equal(
            model.predict(blind).T_next_to_previous, model.predict(others[1]).T_next_to_previous
        )

    def test_needs_the_size_of_a_pixel(self, model, others):
        with pytest.raises(ValueError, match="S90/right_p_a must state pixel_spacing_xy_mm"):
            model.predict(replace(others[0], pixel_spacing_xy_mm=None))

    def test_it_is_a_predictor_of_thumbnails_of_its_size(self, model):
        assert isinstance(model, Predictor)
        assert (model.name, model.input_px) == ("sweep context", PX)
        assert model.training_subjects == tuple(f"S{k:03d}" for k in range(1, 9))


class TestUnknownTypes:
    @pytest.mark.parametrize("index", [0, 1])
    def test_fall_to_the_likeliest(self, model, others, index):
        sweep = others[index]
        assert likeliest_type(sweep, model.reference_pictures) == sweep.sweep_type
        for unknown in ("", "graf"):
            np.testing.assert_array_equal(
                model.predict(replace(sweep, sweep_type=unknown)).T_next_to_previous,
                model.predict(sweep).T_next_to_previous,
            )

    def test_thumbnails_of_another_size_are_refused(self, model, others):
        odd = replace(others[0], sweep_type="", thumbnails=np.ones((13, 9, 9), np.float32))
        with pytest.raises(ValueError, match=r"S90/right_p_a must be \(24, 24\) .* got \(9, 9\)"):
            model.predict(odd)


class TestFit:
    def test_keeps_what_each_type_looks_like(self, model):
        assert sorted(model.paces) == sorted(model.reference_pictures) == list(TYPES)
        assert model.reference_pictures["p_a"].shape == (PX, PX)

    def test_given_features_are_not_measured_again(self, training, model, monkeypatch):
        whole = [sweep_features(sweep) for sweep in training]
        fine = [sweep_context.step_features(sweep) for sweep in training]
        for name in ("sweep_features", "step_features"):
            monkeypatch.setattr(sweep_context, name, None)
        again = SweepContext.fit(training, features=whole, features_of_steps=fine)
        for kind in TYPES:
            np.testing.assert_array_equal(
                again.paces[kind].ridge.weights, model.paces[kind].ridge.weights
            )
        np.testing.assert_array_equal(again.spread.sd_mm, model.spread.sd_mm)

    def test_the_shape_is_the_correlation_regression(self, training, model):
        alone = CorrelationRegression.fit(training)
        np.testing.assert_array_equal(alone.ridge.weights, model.shape.ridge.weights)
        assert alone.penalty == model.shape.penalty

    def test_needs_four_subjects(self, training):
        with pytest.raises(ValueError, match="training must hold 4 subjects or more, got"):
            SweepContext.fit(training[:6])

    @pytest.mark.parametrize(
        ("names", "count"), [(("S001",), 1), (("S001", "S002"), 2), (("S001", "S005", "S002"), 2)]
    )
    def test_needs_three_groups_of_each_type(self, training, names, count):
        few = [s for s in training if s.sweep_type == "p_a" or s.subject_id in names]
        with pytest.raises(ValueError, match=f"'p_d' must be of 3 groups .* got {count}"):
            SweepContext.fit(few)

    @pytest.mark.parametrize("name", ["features", "features_of_steps"])
    def test_refuses_features_of_other_sweeps(self, training, name):
        given = {name: [np.zeros(3)]}
        measured = {"features": [np.zeros(3)] * 16, "features_of_steps": [np.zeros((3, 3))] * 16}
        with pytest.raises(ValueError, match=f"{name} must be 16 like training, got 1"):
            SweepContext.fit(training, **(measured | given))
