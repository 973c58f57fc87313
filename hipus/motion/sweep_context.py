"""The study's own predictor: the pace of a whole sweep from all its scales, shared out by step.

What is left of drift after any network is a bias of the mean elevational step, one number a
sweep. Decides how that number is learned from the sweep as a whole (`scale_correlation`:
speckle to anatomy, neighbouring frames to distant ones, and how many frames the sweep has),
how it is combined with what the single steps add up to, and how it is shared among them.
Deliberately leaves rotation to the inertial sensor.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hipus.motion.cleaning import mean_picture
from hipus.motion.correlation_regression import CorrelationRegression
from hipus.motion.correlation_regression import features_of as step_features
from hipus.motion.pace import FOLDS, Pace, combined_pace, fit_pace, fold_of, share_out
from hipus.motion.prediction import StepPrediction
from hipus.motion.scale_correlation import sweep_features
from hipus.motion.spread import Spread, spread_of, tracked_steps

if TYPE_CHECKING:
    from hipus.motion.preparation import PreparedSweep

log = logging.getLogger(__name__)

#: Groups of subjects that a type needs sweeps of: one is left out, two choose a penalty.
LEAST_GROUPS = 3


@dataclass(frozen=True)
class SweepContext:
    """Steps whose mean is that of the sweep's pace.

    Attributes
    ----------
    shape : CorrelationRegression
        Shares the way among steps; gives lateral, axial and rotation.
    paces : mapping of str to Pace
        By sweep type.
    reference_pictures : mapping of str to numpy.ndarray (P, P) float32
        Mean picture of each type: tells the type of a sweep that does not state it.
    spread : Spread
        Of subjects that were left out of the fit.
    training_subjects : tuple of str
    name : str
    """

    shape: CorrelationRegression
    paces: Mapping[str, Pace]
    reference_pictures: Mapping[str, np.ndarray]
    spread: Spread
    training_subjects: tuple[str, ...]
    name: str = "sweep context"

    @property
    def input_px(self) -> int:
        """Return the side of the thumbnails that sweeps must be prepared with."""
        return next(iter(self.reference_pictures.values())).shape[0]

    @classmethod
    def fit(
        cls,
        training: Sequence[PreparedSweep],
        *,
        features: Sequence[np.ndarray] | None = None,
        features_of_steps: Sequence[np.ndarray] | None = None,
    ) -> SweepContext:
        """Fit on tracked sweeps, choosing penalties by subjects left out.

        Parameters
        ----------
        training : sequence of PreparedSweep
            Of four subjects or more.
        features : sequence of numpy.ndarray (F,), optional
            As `sweep_features` gives them, where a caller has them.
        features_of_steps : sequence of numpy.ndarray (N-1, K), optional
            As `correlation_regression.features_of` gives them.

        Returns
        -------
        SweepContext

        Raises
        ------
        ValueError
            If there are fewer than four subjects, or three groups of a sweep type, or features
            do not belong to the sweeps.

        Notes
        -----
        The spread comes from predictions of subjects that neither the shape nor the pace has
        seen. Its elevational bias is what one number a sweep cannot tell.
        """
        _check_subjects(training)
        subjects = [sweep.subject_id for sweep in training]
        whole = _given(features, training, sweep_features, "features")
        fine = _given(features_of_steps, training, step_features, "features_of_steps")
        parts = (training, whole, fine)
        folds = fold_of(subjects)
        said = [np.empty(0)] * len(training)
        for fold in range(FOLDS):
            fitted = _fitted(*(_picked(part, folds != fold) for part in parts))
            for k in np.flatnonzero(folds == fold):
                said[k] = _steps(*fitted, training[k], features=(whole[k], fine[k]))
        shape, paces = _fitted(*parts)
        pictures = {kind: mean_picture(training, kind) for kind in paces}
        names = tuple(sorted(set(subjects)))
        return cls(shape, paces, pictures, spread_of(said, training), names)

    def predict(self, prepared: PreparedSweep) -> StepPrediction:
        """Return the steps of a sweep.

        Parameters
        ----------
        prepared : PreparedSweep
            Prepared with thumbnails of `input_px`.

        Returns
        -------
        StepPrediction

        Raises
        ------
        ValueError
            If the sweep does not state the size of its pixels.
        """
        kind = prepared.sweep_type
        if kind not in self.paces:
            kind = likeliest_type(prepared, self.reference_pictures)
            log.info("sweep %s: its pictures look like %s", prepared.name, kind)
            prepared = replace(prepared, sweep_type=kind)
        measured = (sweep_features(prepared), step_features(prepared))
        steps = _steps(self.shape, self.paces, prepared, features=measured)
        return self.spread.prediction(steps)


def likeliest_type(prepared: PreparedSweep, pictures: Mapping[str, np.ndarray]) -> str:
    """Return the sweep type whose mean picture a sweep resembles most.

    Parameters
    ----------
    prepared : PreparedSweep
    pictures : mapping of str to numpy.ndarray (P, P)

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the thumbnails have another size than the pictures.
    """
    seen = prepared.thumbnails.mean(axis=0)
    for kind, picture in pictures.items():
        if picture.shape != seen.shape:
            raise ValueError(
                f"thumbnails of {prepared.name} must be {picture.shape} like the model's picture "
                f"of {kind}, got {seen.shape}"
            )
    likeness = {k: np.corrcoef(seen.ravel(), p.ravel())[0, 1] for k, p in pictures.items()}
    return max(likeness, key=lambda kind: likeness[kind])


def _check_subjects(training: Sequence[PreparedSweep]) -> None:
    """Refuse too few subjects: with one group left out, two of each type must stay."""
    subjects = [sweep.subject_id for sweep in training]
    if len(set(subjects)) < FOLDS:
        raise ValueError(f"training must hold {FOLDS} subjects or more, got {set(subjects)}")
    kinds, folds = np.array([sweep.sweep_type for sweep in training]), fold_of(subjects)
    for kind in np.unique(kinds):
        count = len(np.unique(folds[kinds == kind]))
        if count < LEAST_GROUPS:
            raise ValueError(
                f"sweeps of type '{kind}' must be of {LEAST_GROUPS} groups of subjects or more, "
                f"got {count}"
            )


def _fitted(training, whole, fine) -> tuple[CorrelationRegression, dict[str, Pace]]:
    """Fit the shape, and the pace of each sweep type."""
    kinds = np.array([sweep.sweep_type for sweep in training])
    folds = fold_of([sweep.subject_id for sweep in training])
    means = np.array([np.nanmean(one[:, 2, 3]) for one in tracked_steps(training)])
    paces = {
        str(kind): fit_pace(
            np.stack(_picked(whole, kinds == kind)), means[kinds == kind], folds[kinds == kind]
        )
        for kind in np.unique(kinds)
    }
    return CorrelationRegression.fit(training, features=fine), paces


def _steps(shape, paces: Mapping[str, Pace], prepared: PreparedSweep, *, features) -> np.ndarray:
    """Return the steps (N-1, 4, 4) of a sweep from its features (whole, by step)."""
    whole, fine = features
    steps = shape.predict_from(fine, prepared.sweep_type).T_next_to_previous.copy()
    mean_mm = float(paces[prepared.sweep_type](whole[None])[0])
    steps[:, 2, 3] = share_out(steps[:, 2, 3], combined_pace(steps[:, 2, 3].mean(), mean_mm))
    return steps


def _given(features, training, measure, name: str) -> list[np.ndarray]:
    """Return features of each sweep, measured where they are not given."""
    if features is None:
        return [measure(sweep) for sweep in training]
    if len(features) != len(training):
        raise ValueError(f"{name} must be {len(training)} like training, got {len(features)}")
    return list(features)


def _picked(values: Sequence, is_picked: np.ndarray) -> list:
    """Return the values whose place is marked."""
    return [value for value, take in zip(values, is_picked, strict=True) if take]
