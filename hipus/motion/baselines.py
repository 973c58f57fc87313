"""What every network must beat: predictors that hardly look at the pictures.

Decides standing still, the constant step, the constant path, and what an inertial sensor adds
to any predictor. All are told in the mirrored frame of a prepared sweep. Deliberately learns
nothing from grey values (see `decorrelation` and `correlation_regression`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hipus import geometry
from hipus.motion.averaging import mean_transform
from hipus.motion.prediction import Predictor, StepPrediction
from hipus.motion.spread import Spread, spread_of, tracked_steps

if TYPE_CHECKING:
    from hipus.motion.preparation import PreparedSweep

log = logging.getLogger(__name__)

#: Stands for sweeps of any type, and for types that no training sweep had.
ANY_TYPE = "*"


@dataclass(frozen=True)
class Identity:
    """The probe stands still: its error is the sweep's own motion."""

    name: str = "identity"
    spread: Spread | None = None

    @classmethod
    def fit(cls, training: Sequence[PreparedSweep]) -> Identity:
        """Return the predictor with the deviations that training sweeps show.

        Parameters
        ----------
        training : sequence of PreparedSweep
            Tracked.
        """
        return cls(spread=spread_of([cls()._steps(sweep) for sweep in training], training))

    def predict(self, prepared: PreparedSweep) -> StepPrediction:
        """Return no motion for every step."""
        T = self._steps(prepared)
        return StepPrediction(T) if self.spread is None else self.spread.prediction(T)

    @staticmethod
    def _steps(prepared: PreparedSweep) -> np.ndarray:
        return _repeated(np.eye(4), len(prepared))


@dataclass(frozen=True)
class ConstantStep:
    """Every step is the mean one of the training sweeps.

    Attributes
    ----------
    name : str
    T_next_to_previous : mapping of str to numpy.ndarray (4, 4)
        By sweep type; `ANY_TYPE` for the others.
    spread : Spread
    """

    name: str
    T_next_to_previous: Mapping[str, np.ndarray]
    spread: Spread | None = None

    @classmethod
    def fit(cls, training: Sequence[PreparedSweep], *, by_type: bool = False) -> ConstantStep:
        """Average the tracked steps of training sweeps on SE(3).

        Parameters
        ----------
        training : sequence of PreparedSweep
            Every known step counts the same.
        by_type : bool
            Average p_a and p_d sweeps apart. A type that was not trained on gets the mean of
            all.

        Returns
        -------
        ConstantStep

        Raises
        ------
        ValueError
            If no sweep has a tracked step.
        """
        means = {kind: _mean_step(found) for kind, found in _by_type(training, by_type).items()}
        fitted = cls("constant step by type" if by_type else "constant step", means)
        return replace(fitted, spread=spread_of([fitted._steps(s) for s in training], training))

    def predict(self, prepared: PreparedSweep) -> StepPrediction:
        """Return the mean step, as often as the sweep has steps."""
        T = self._steps(prepared)
        return StepPrediction(T) if self.spread is None else self.spread.prediction(T)

    def _steps(self, prepared: PreparedSweep) -> np.ndarray:
        return _repeated(_of_type(self.T_next_to_previous, prepared), len(prepared))


@dataclass(frozen=True)
class ConstantPath:
    """Every sweep of a type covers the same way, in even steps.

    Attributes
    ----------
    way_mm : mapping of str to numpy.ndarray (3,)
        Sum of a sweep's step translations, by sweep type; `ANY_TYPE` for the others.
    spread : Spread
    name : str
    """

    way_mm: Mapping[str, np.ndarray]
    spread: Spread | None = None
    name: str = "constant path"

    @classmethod
    def fit(cls, training: Sequence[PreparedSweep]) -> ConstantPath:
        """Average the ways of training sweeps by type.

        Parameters
        ----------
        training : sequence of PreparedSweep
            Every sweep counts the same; steps that are not tracked count as its mean step.

        Returns
        -------
        ConstantPath

        Raises
        ------
        ValueError
            If no sweep has a tracked step.

        Notes
        -----
        What an operator who keeps to the protocol tells without any sensor: a sweep with
        more frames was swept more slowly. Rotations are taken as none.
        """
        ways = {kind: _mean_way(found) for kind, found in _by_type(training, True).items()}
        fitted = cls(ways)
        return replace(fitted, spread=spread_of([fitted._steps(s) for s in training], training))

    def predict(self, prepared: PreparedSweep) -> StepPrediction:
        """Return the way of the sweep's type, divided by its steps."""
        T = self._steps(prepared)
        return StepPrediction(T) if self.spread is None else self.spread.prediction(T)

    def _steps(self, prepared: PreparedSweep) -> np.ndarray:
        step = _of_type(self.way_mm, prepared) / max(len(prepared) - 1, 1)
        return _repeated(geometry.transform(translation=step), len(prepared))


@dataclass(frozen=True)
class WithImuRotation:
    """Another predictor's translations, turned by what the inertial sensor says.

    Attributes
    ----------
    base : Predictor
    spread : Spread
        Of the sensor's rotations; its translations are those of no motion and not used.
    """

    base: Predictor
    spread: Spread | None = None

    @property
    def name(self) -> str:
        """Return `IMU rotation + ` and the other's name."""
        return f"IMU rotation + {self.base.name}"

    @classmethod
    def fit(cls, base: Predictor, training: Sequence[PreparedSweep]) -> WithImuRotation:
        """Return the pair with the rotational deviations that training sweeps show.

        Parameters
        ----------
        base : Predictor
            Fitted before.
        training : sequence of PreparedSweep
            With a sensor.

        Raises
        ------
        ValueError
            If no training sweep has both a sensor and a tracked step.
        """
        felt = [sweep for sweep in training if sweep.imu_rotations is not None]
        turned = [geometry.transform(sweep.imu_rotations) for sweep in felt]
        return cls(base, spread_of(turned, felt))

    def predict(self, prepared: PreparedSweep) -> StepPrediction:
        """Return the base's steps with the sensor's rotations.

        Parameters
        ----------
        prepared : PreparedSweep
            Without a sensor, or in a gap of its samples, the base's rotation stays.

        Returns
        -------
        StepPrediction
        """
        said = self.base.predict(prepared)
        if prepared.imu_rotations is None:
            log.warning("%s has no IMU rotations: %s's are kept", prepared.name, self.base.name)
            return said
        T = _turned(said.T_next_to_previous, prepared)
        if said.sd_deg is None or self.spread is None:
            return replace(said, T_next_to_previous=T)
        is_felt = np.isfinite(prepared.imu_rotations).all(axis=(1, 2))
        sd_deg = np.where(is_felt[:, None], self.spread.sd_deg, said.sd_deg)
        own = np.zeros(6) if said.shared is None else said.shared
        shared = np.concatenate([own[:3], self.spread.shared[3:] if is_felt.any() else own[3:]])
        return replace(said, T_next_to_previous=T, sd_deg=sd_deg, shared=shared)


def _repeated(T: np.ndarray, frame_count: int) -> np.ndarray:
    """Return one step for each pair of neighbouring frames."""
    return np.tile(T, (frame_count - 1, 1, 1))


def _turned(T: np.ndarray, prepared: PreparedSweep) -> np.ndarray:
    """Return steps whose rotations are the sensor's where it is known."""
    turns = prepared.imu_rotations
    is_felt = np.isfinite(turns).all(axis=(1, 2))
    T = T.copy()
    T[is_felt, :3, :3] = turns[is_felt]
    return T


def _by_type(training: Sequence[PreparedSweep], by_type: bool) -> dict[str, list[np.ndarray]]:
    """Return tracked steps of all sweeps, and of each type that has one if asked for."""
    found = tracked_steps(training)
    groups = {ANY_TYPE: found}
    for kind in sorted({sweep.sweep_type for sweep in training}) if by_type else ():
        own = [one for one, s in zip(found, training, strict=True) if s.sweep_type == kind]
        if any(len(_known(one)) for one in own):
            groups[kind] = own
    return groups


def _of_type(by_type: Mapping[str, np.ndarray], prepared: PreparedSweep) -> np.ndarray:
    """Return what belongs to a sweep's type."""
    return by_type.get(prepared.sweep_type, by_type[ANY_TYPE])


def _known(T: np.ndarray) -> np.ndarray:
    """Return the steps that are tracked."""
    return T[np.isfinite(T).all(axis=(1, 2))]


def _mean_step(found: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of all known steps, (4, 4)."""
    return mean_transform(np.concatenate([_known(one) for one in found]))


def _mean_way(found: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean over sweeps of the sum of step translations, (3,) mm."""
    ways = [len(one) * _known(one)[:, :3, 3].mean(axis=0) for one in found if len(_known(one))]
    return np.mean(ways, axis=0)
