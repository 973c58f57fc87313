"""A ridge regression from correlation features to steps: the best that needs no network.

Decides how the features of neighbouring steps become a design, how its numbers are fitted and
how much they are held back. Deliberately measures no picture (see `correlation_maps`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hipus import geometry, rotations
from hipus.motion.correlation_maps import correlation_features
from hipus.motion.prediction import StepPrediction
from hipus.motion.spread import Spread, spread_of, tracked_steps

if TYPE_CHECKING:
    from hipus.motion.preparation import PreparedSweep

log = logging.getLogger(__name__)

#: Principal components of the features, and steps on either side that are looked at. Of 30, 60
#: and 100, and 0, 1, 2 and 4, these leave the least drift on training subjects left out.
COMPONENTS, CONTEXT = 60, 2
#: Penalties that are tried, as shares of the number of steps.
PENALTIES = (0.03, 0.1, 0.3, 1.0)
#: Groups of subjects that are left out in turn.
FOLDS = 4


@dataclass(frozen=True)
class Basis:
    """How features become a design.

    Attributes
    ----------
    mean, scale : numpy.ndarray (F,)
    axes : numpy.ndarray (F, K)
        Principal axes of the standardised features.
    context : int
        Steps on either side that stand beside a step; the ends repeat.
    types : tuple of str
        Sweep types that have slopes of their own, as deviations that sum to zero; a type
        that was not trained on has the slopes in their middle.
    """

    mean: np.ndarray
    scale: np.ndarray
    axes: np.ndarray
    context: int
    types: tuple[str, ...]

    @classmethod
    def of(
        cls, features: Sequence[np.ndarray], types: Sequence[str], *, components: int, context: int
    ) -> Basis:
        """Return the basis of training features (N-1, F) and their sweeps' types."""
        rows = np.concatenate(features).astype(np.float64)
        mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
        standard = (rows - mean) / scale
        axes = np.linalg.eigh(standard.T @ standard / len(rows))[1][:, ::-1]
        return cls(mean, scale, axes[:, :components], context, tuple(sorted(set(types))))

    def design(self, features: np.ndarray, sweep_type: str) -> np.ndarray:
        """Return the design (N-1, D) of one sweep.

        Parameters
        ----------
        features : numpy.ndarray (N-1, F)
        sweep_type : str

        Returns
        -------
        numpy.ndarray (N-1, D) float64

        Notes
        -----
        One over the number of steps is among the numbers: an operator who keeps to the
        protocol covers much the same way in every sweep of a type.
        """
        count = len(features)
        scores = ((features - self.mean) / self.scale) @ self.axes
        beside = np.arange(count)[:, None] + np.arange(-self.context, self.context + 1)
        near = scores[np.clip(beside, 0, count - 1)].reshape(count, -1)
        common = np.column_stack([near, np.full(count, 1 / count)])
        contrasts = self._contrasts(sweep_type)
        of_type = [contrast * common for contrast in contrasts]
        return np.column_stack([common, *of_type, np.tile(contrasts, (count, 1))])

    def _contrasts(self, sweep_type: str) -> np.ndarray:
        """Return K - 1 contrasts of K types: 1 for the own, -1 for the last, else 0."""
        if not self.types or sweep_type not in self.types:
            return np.zeros(max(len(self.types) - 1, 0))
        if sweep_type == self.types[-1]:
            return -np.ones(len(self.types) - 1)
        return np.eye(len(self.types) - 1)[self.types.index(sweep_type)]


@dataclass(frozen=True)
class Ridge:
    """A linear map that was held back.

    Attributes
    ----------
    mean, scale : numpy.ndarray (D,)
        Of the training design.
    weights : numpy.ndarray (D, 6)
    offset : numpy.ndarray (6,)
        Mean of the targets.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    offset: np.ndarray

    @classmethod
    def fit(cls, design: np.ndarray, targets: np.ndarray, *, penalty: float) -> Ridge:
        """Fit standardised columns with a penalty per step (Hoerl and Kennard 1970).

        Parameters
        ----------
        design : numpy.ndarray (S, D)
        targets : numpy.ndarray (S, 6)
        penalty : float
        """
        mean, scale, offset = design.mean(axis=0), design.std(axis=0), targets.mean(axis=0)
        # A column that never changes in training must not explode elsewhere.
        scale = np.where(scale > 1e-9, scale, np.inf)
        standard = (design - mean) / scale
        gram = standard.T @ standard + penalty * len(design) * np.eye(design.shape[1])
        weights = np.linalg.solve(gram, standard.T @ (targets - offset))
        return cls(mean, scale, weights, offset)

    def __call__(self, design: np.ndarray) -> np.ndarray:
        """Return the fitted targets (S, 6) of a design (S, D)."""
        return ((design - self.mean) / self.scale) @ self.weights + self.offset


@dataclass(frozen=True)
class CorrelationRegression:
    """Steps by ridge regression on correlation features.

    Attributes
    ----------
    basis : Basis
    ridge : Ridge
    penalty : float
        The chosen one.
    spread : Spread
        Of subjects that were left out of the fit.
    name : str
    """

    basis: Basis
    ridge: Ridge
    penalty: float
    spread: Spread
    name: str = "correlation regression"

    @classmethod
    def fit(
        cls,
        training: Sequence[PreparedSweep],
        *,
        features: Sequence[np.ndarray] | None = None,
        components: int = COMPONENTS,
        context: int = CONTEXT,
    ) -> CorrelationRegression:
        """Fit on tracked sweeps, choosing the penalty by subjects left out.

        Parameters
        ----------
        training : sequence of PreparedSweep
            Of two subjects or more.
        features : sequence of numpy.ndarray (N-1, F), optional
            As `features_of` measures them, where a caller has them.
        components, context : int

        Returns
        -------
        CorrelationRegression

        Raises
        ------
        ValueError
            If no step is tracked, there is one subject only, or features do not fit.

        Notes
        -----
        The chosen penalty has the smallest mean length of the summed translation residuals:
        drift, not the error of a step, is what is asked for.
        """
        true = tracked_steps(training)
        measured = _checked_features(features, training)
        types = [sweep.sweep_type for sweep in training]
        basis = Basis.of(measured, types, components=components, context=context)
        design = [basis.design(one, kind) for one, kind in zip(measured, types, strict=True)]
        targets = [_numbers(steps) for steps in true]
        folds = _folds([sweep.subject_id for sweep in training])
        left_out = {p: _left_out(design, targets, folds, penalty=p) for p in PENALTIES}
        penalty = min(PENALTIES, key=lambda p: _drift_mm(left_out[p], targets))
        spread = spread_of([_steps(said) for said in left_out[penalty]], training)
        ridge = Ridge.fit(*_known(design, targets), penalty=penalty)
        log.info("correlation regression: penalty %g of %s", penalty, PENALTIES)
        return cls(basis, ridge, penalty, spread)

    def predict(self, prepared: PreparedSweep) -> StepPrediction:
        """Measure a sweep's features and return its steps."""
        return self.predict_from(features_of(prepared), prepared.sweep_type)

    def predict_from(self, features: np.ndarray, sweep_type: str) -> StepPrediction:
        """Return the steps of a sweep whose features are measured.

        Parameters
        ----------
        features : numpy.ndarray (N-1, F)
        sweep_type : str

        Returns
        -------
        StepPrediction
        """
        said = self.ridge(self.basis.design(features, sweep_type))
        return self.spread.prediction(_steps(said))


def features_of(prepared: PreparedSweep) -> np.ndarray:
    """Return the correlation features of a prepared sweep, (N-1, F) float32.

    Parameters
    ----------
    prepared : PreparedSweep
    """
    return correlation_features(prepared.frames, prepared.flow)


def _checked_features(features, training: Sequence[PreparedSweep]) -> list[np.ndarray]:
    """Return features of each sweep, measured where they are not given."""
    if features is None:
        return [features_of(sweep) for sweep in training]
    shapes = [np.shape(one)[:1] for one in features]
    expected = [(len(sweep) - 1,) for sweep in training]
    if shapes != expected:
        raise ValueError(f"features must have rows {expected}, one per step, got {shapes}")
    return list(features)


def _numbers(steps: np.ndarray) -> np.ndarray:
    """Return translation (mm) and rotation vector (rad) of steps, (N-1, 6)."""
    turned = rotations.to_rotation_vector(steps[:, :3, :3])
    return np.concatenate([steps[:, :3, 3], turned], axis=1)


def _steps(numbers: np.ndarray) -> np.ndarray:
    """Return steps (N-1, 4, 4) of translations and rotation vectors."""
    return geometry.transform(rotations.from_rotation_vector(numbers[:, 3:]), numbers[:, :3])


def _folds(subjects: Sequence[str]) -> np.ndarray:
    """Return the fold of each sweep; the sweeps of a subject share theirs."""
    names, index = np.unique(subjects, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"training must hold two subjects or more, got {names.tolist()}")
    return index % min(FOLDS, len(names))


def _known(design: Sequence[np.ndarray], targets: Sequence[np.ndarray]):
    """Return the rows of all sweeps whose step is tracked."""
    rows, numbers = np.concatenate(design), np.concatenate(targets)
    is_known = np.isfinite(numbers).all(axis=1)
    return rows[is_known], numbers[is_known]


def _left_out(design, targets, folds: np.ndarray, *, penalty: float) -> list[np.ndarray]:
    """Return for each sweep what a fit without its subject's fold says, (N-1, 6)."""
    said: list[np.ndarray] = [np.empty(0)] * len(design)
    for fold in np.unique(folds):
        others, own = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        ridge = Ridge.fit(
            *_known([design[k] for k in others], [targets[k] for k in others]), penalty=penalty
        )
        for k in own:
            said[k] = ridge(design[k])
    return said


def _drift_mm(said: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> float:
    """Return the mean length of summed translation residuals."""
    pairs = zip(said, targets, strict=True)
    sums = [np.nansum((one - true)[:, :3], axis=0) for one, true in pairs]
    return float(np.mean(np.linalg.norm(sums, axis=1)))
