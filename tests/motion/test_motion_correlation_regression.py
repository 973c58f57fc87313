"""Ridge on correlation features: against a closed form, against the constant step, folds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from speckle_sweeps import speckle_sweep

from hipus import geometry, rotations
from hipus.motion import correlation_regression as regression
from hipus.motion.baselines import ConstantStep
from hipus.motion.correlation_regression import Basis, CorrelationRegression, Ridge, features_of
from hipus.motion.prediction import Predictor


@pytest.fixture(scope="module")
def training():
    """Return twelve sweeps of six subjects, each at a pace of its own."""
    rng = np.random.default_rng(8)
    paces = rng.permutation(np.linspace(0.08, 0.5, 12))
    return [
        speckle_sweep(
            rng,
            np.clip(pace * rng.uniform(0.7, 1.3, 14), 0.02, None),
            subject_id=f"S{index % 6}",
            sweep_type=("p_a", "p_d")[index // 6],
        )
        for index, pace in enumerate(paces)
    ]


class TestRidge:
    def test_without_penalty_it_is_least_squares(self, rng):
        design = rng.normal(3, 2, (80, 5))
        targets = design @ rng.normal(size=(5, 6)) + 1.5
        np.testing.assert_allclose(Ridge.fit(design, targets, penalty=0)(design), targets)

    def test_solves_the_augmented_least_squares(self, rng):
        design, targets = rng.normal(size=(50, 4)), rng.normal(size=(50, 6))
        standard = (design - design.mean(0)) / design.std(0)
        rows = np.vstack([standard, np.sqrt(0.2 * 50) * np.eye(4)])
        aims = np.vstack([targets - targets.mean(0), np.zeros((4, 6))])
        slow = np.linalg.lstsq(rows, aims, rcond=None)[0]
        np.testing.assert_allclose(Ridge.fit(design, targets, penalty=0.2).weights, slow)

    def test_a_strong_penalty_leaves_the_mean(self, rng):
        design, targets = rng.normal(size=(50, 4)), rng.normal(size=(50, 6))
        said = Ridge.fit(design, targets, penalty=1e9)(design)
        np.testing.assert_allclose(said, np.tile(targets.mean(0), (50, 1)), atol=1e-6)

    def test_a_column_that_never_changed_has_no_say(self, rng):
        design = np.column_stack([rng.normal(size=50), np.full(50, 0.1)])
        ridge = Ridge.fit(design, design[:, :1].repeat(6, axis=1), penalty=0.0 + 1e-6)
        elsewhere = np.array([[1.0, 0.1], [1.0, 99.0]])
        said = ridge(elsewhere)
        np.testing.assert_allclose(said[0], said[1])


class TestBasis:
    def test_neighbours_stand_beside_a_step_and_ends_repeat(self):
        basis = Basis(np.zeros(1), np.ones(1), np.eye(1), 1, ("p_a",))
        design = basis.design(np.array([[1.0], [2.0], [3.0], [4.0]]), "p_a")
        np.testing.assert_allclose(
            design, [[1, 1, 2, 0.25], [1, 2, 3, 0.25], [2, 3, 4, 0.25], [3, 4, 4, 0.25]]
        )

    def test_types_have_opposite_slopes_about_their_middle(self):
        basis = Basis(np.zeros(1), np.ones(1), np.eye(1), 0, ("p_a", "p_d"))
        features = np.array([[3.0], [5.0]])
        first, last, other = (basis.design(features, kind) for kind in ("p_a", "p_d", "graf"))
        np.testing.assert_allclose(first, [[3, 0.5, 3, 0.5, 1], [5, 0.5, 5, 0.5, 1]])
        np.testing.assert_allclose(last[:, 2:], -first[:, 2:])
        np.testing.assert_allclose(other[:, 2:], 0)

    def test_principal_axes_come_first(self, rng):
        along = rng.normal(size=(300, 1)) * [1.0, 1.0, 0.0]
        basis = Basis.of(
            [along + 0.01 * rng.normal(size=(300, 3))], ["p_a"], components=1, context=0
        )
        assert basis.axes.shape == (3, 1)
        np.testing.assert_allclose(np.abs(basis.axes[:, 0]), [0.707, 0.707, 0], atol=0.1)


class TestCorrelationRegression:
    def test_beats_the_constant_step_on_subjects_it_has_not_seen(self, training):
        seen = [sweep for sweep in training if sweep.subject_id not in ("S4", "S5")]
        others = [sweep for sweep in training if sweep.subject_id in ("S4", "S5")]
        fitted = CorrelationRegression.fit(seen, components=10)
        ways = np.array([sweep.T_centre_to_world[-1, 2, 3] for sweep in others])
        learned, constant = (
            np.abs([one.predict(s).T_next_to_previous[:, 2, 3].sum() for s in others] - ways)
            for one in (fitted, ConstantStep.fit(seen))
        )
        assert learned.mean() < 0.4 * constant.mean()
        assert isinstance(fitted, Predictor)

    def test_deviations_are_of_subjects_left_out(self, training, monkeypatch):
        fitted = CorrelationRegression.fit(training, components=30)
        design = [fitted.basis.design(features_of(sweep), sweep.sweep_type) for sweep in training]
        said = [fitted.ridge(one)[:, 2] for one in design]
        true = [np.diff(sweep.T_centre_to_world[:, 2, 3]) for sweep in training]
        in_sample = np.sqrt(np.mean((np.concatenate(said) - np.concatenate(true)) ** 2))
        assert fitted.spread.sd_mm[2] > 1.05 * in_sample
        assert fitted.penalty in regression.PENALTIES

    def test_the_sweeps_of_a_subject_are_left_out_together(self):
        folds = regression._folds(["b", "a", "b", "c", "a", "d", "e"])
        assert folds[0] == folds[2]
        assert folds[1] == folds[4]
        assert len(set(folds)) == 4

    def test_predicts_what_a_linear_world_does_rotations_included(self, training):
        features = [features_of(sweep) for sweep in training]
        turned = []
        for sweep, one in zip(training, features, strict=True):
            # The step's turn about the lateral axis is a hundredth of the first feature, rad.
            turn = rotations.from_rotation_vector(np.outer(one[:, 0], [0.01, 0, 0]))
            steps = geometry.transform(turn, np.outer(one[:, 0], [0, 0, 1]))
            poses = np.stack([np.eye(4)] * len(sweep))
            for i, step in enumerate(steps):
                poses[i + 1] = poses[i] @ step
            turned.append(replace(sweep, T_centre_to_world=poses))
        fitted = CorrelationRegression.fit(turned, features=features, context=0, components=40)
        said = fitted.predict_from(features[0], "p_a").T_next_to_previous
        expected = features[0][:, 0].mean()
        assert said[:, 2, 3].mean() == pytest.approx(expected, rel=0.05)
        turns = rotations.to_rotation_vector(said[:, :3, :3])
        assert turns[:, 0].mean() == pytest.approx(0.01 * expected, rel=0.05)

    def test_never_reads_the_tracked_poses_of_what_it_predicts(self, training):
        fitted = CorrelationRegression.fit(training, components=5)
        blind = replace(training[3], T_centre_to_world=np.full((15, 4, 4), np.nan))
        np.testing.assert_array_equal(
            fitted.predict(blind).T_next_to_previous, fitted.predict(training[3]).T_next_to_previous
        )

    def test_refuses_one_subject_and_features_of_other_sweeps(self, training):
        same = [replace(sweep, subject_id="S1") for sweep in training[:3]]
        with pytest.raises(ValueError, match=r"training must hold two subjects .* \['S1'\]"):
            CorrelationRegression.fit(same, components=5)
        with pytest.raises(ValueError, match=r"features must have rows .* one per step"):
            CorrelationRegression.fit(training[:2], features=[np.zeros((3, 9))] * 2)
