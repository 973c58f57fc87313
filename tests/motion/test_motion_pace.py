"""The mean step of a whole sweep: a planted power law, penalties, agreement, sharing out."""

from __future__ import annotations

import numpy as np
import pytest

from hipus.motion.correlation_regression import Ridge
from hipus.motion.pace import FOLDS, PENALTIES, combined_pace, fit_pace, fold_of, share_out


def planted(rng, *, sweeps=60, columns=6, noise=0.0):
    """Return features, mean steps that are a power law of the first two, and folds."""
    features = rng.normal(size=(sweeps, columns))
    features[:, -1] = np.log(rng.integers(30, 90, sweeps))
    log_mm = -0.5 + 0.6 * features[:, 0] - 0.3 * features[:, 1] + noise * rng.normal(size=sweeps)
    return features, np.exp(log_mm), np.arange(sweeps) % FOLDS


def missed_mm(features, steps_mm, folds, penalty):
    """Return the mean error of the way on left-out groups, in plain NumPy."""
    errors = []
    for fold in range(FOLDS):
        x, y = features[folds != fold], np.log(steps_mm[folds != fold])
        mean, sd = x.mean(0), x.std(0)
        z = (x - mean) / sd
        w = np.linalg.solve(z.T @ z + penalty * len(z) * np.eye(z.shape[1]), z.T @ (y - y.mean()))
        out = features[folds == fold]
        said = np.exp((out - mean) / sd @ w + y.mean())
        errors.append(np.exp(out[:, -1]) * np.abs(said - steps_mm[folds == fold]))
    return np.concatenate(errors).mean()


class TestFit:
    def test_recovers_a_power_law(self, rng):
        features, steps_mm, folds = planted(rng, sweeps=200)
        pace = fit_pace(features, steps_mm, folds)
        assert pace.penalty == PENALTIES[0]
        weights = pace.ridge.weights[:, 0] / pace.ridge.scale
        np.testing.assert_allclose(weights, [0.6, -0.3, 0, 0, 0, 0], atol=0.05)
        np.testing.assert_allclose(np.log(pace(features)), np.log(steps_mm), atol=0.12)

    @pytest.mark.parametrize(("noise", "columns"), [(0.0, 6), (0.5, 30), (3.0, 40)])
    def test_chooses_the_penalty_by_groups_left_out(self, rng, noise, columns):
        drawn = planted(rng, columns=columns, noise=noise)
        errors = {penalty: missed_mm(*drawn, penalty) for penalty in PENALTIES}
        assert fit_pace(*drawn).penalty == min(errors, key=errors.get)

    def test_holds_back_more_where_there_is_more_noise(self, rng):
        chosen = [fit_pace(*planted(rng, columns=30, noise=sd)).penalty for sd in (0.0, 2.0)]
        assert chosen[0] < chosen[1]

    def test_leaves_out_sweeps_that_stand_still(self, rng):
        features, steps_mm, folds = planted(rng)
        # None travels backwards or nowhere, or is untracked.
        still = np.array([0.0, 0.04, -0.6, np.nan])
        more = np.concatenate([features, rng.normal(size=(4, 6))])
        whole = fit_pace(more, np.append(steps_mm, still), np.append(folds, range(4)))
        np.testing.assert_array_equal(
            whole.ridge.weights, fit_pace(features, steps_mm, folds).ridge.weights
        )

    def test_is_a_ridge_on_the_logarithm_of_all(self, rng):
        features, steps_mm, folds = planted(rng, noise=0.2)
        pace = fit_pace(features, steps_mm, folds)
        ridge = Ridge.fit(features, np.log(steps_mm)[:, None], penalty=pace.penalty)
        np.testing.assert_allclose(pace(features), np.exp(ridge(features)[:, 0]))

    def test_needs_two_groups(self, rng):
        features, steps_mm, folds = planted(rng)
        with pytest.raises(ValueError, match="of two groups .* got 60 sweeps of 1"):
            fit_pace(features, steps_mm, np.zeros_like(folds))

    def test_needs_sweeps_that_travel(self, rng):
        features, steps_mm, folds = planted(rng)
        with pytest.raises(ValueError, match="got 0 sweeps of 0"):
            fit_pace(features, np.full_like(steps_mm, 0.05), folds)


class TestFolds:
    def test_sweeps_of_a_subject_share_theirs(self):
        subjects = ["S3", "S1", "S1", "S2", "S5", "S4", "S3"]
        assert fold_of(subjects).tolist() == [2, 0, 0, 1, 0, 3, 2]


class TestAgreement:
    def test_is_the_geometric_mean(self):
        assert combined_pace(0.9, 0.4) == pytest.approx(0.6)
        assert combined_pace(0.5, 0.5) == pytest.approx(0.5)

    @pytest.mark.parametrize("shape_mm", [0.079, 0.0, -0.4])
    def test_is_the_pace_alone_where_steps_add_up_to_nothing(self, shape_mm):
        assert combined_pace(shape_mm, 0.4) == 0.4

    def test_begins_at_a_fifth(self):
        assert combined_pace(0.1, 0.4) == pytest.approx(0.2)


class TestSharing:
    def test_keeps_ratios_and_reaches_the_mean(self):
        np.testing.assert_allclose(share_out(np.array([1.0, 2.0, 3.0]), 0.5), [0.25, 0.5, 0.75])

    def test_keeps_a_step_back_a_step_back(self):
        np.testing.assert_allclose(share_out(np.array([-0.5, 1.5]), 1.0), [-1, 3])

    @pytest.mark.parametrize("shape", [[0.1, -0.1, 0.0], [-1.0, -1.0, -1.0]])
    def test_is_even_where_the_shape_tells_nothing(self, shape):
        np.testing.assert_array_equal(share_out(np.array(shape), 0.3), [0.3, 0.3, 0.3])
