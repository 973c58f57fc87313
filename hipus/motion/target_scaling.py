"""From rigid steps to the standardised numbers a network is taught, and back.

Decides the numbers of a rotation (3 vector, 4 quaternion, 6 two columns, 9 matrix), that the
identity's are taken off, and the scale of each: its mean and spread over training sweeps, so
that a network whose last layer starts at zero starts as the constant step. Deliberately free
of torch (the differentiable twin is `torch_rotations`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry, rotations
from hipus.motion.windows import Windows

#: How each number of numbers is made from matrices and made a rotation again.
_TO = {
    3: rotations.to_rotation_vector,
    4: rotations.to_quaternion,
    6: rotations.to_6d,
    9: lambda R: R.reshape(*R.shape[:-2], 9),
}
_FROM = {
    3: rotations.from_rotation_vector,
    4: rotations.from_quaternion,
    6: rotations.from_6d,
    9: lambda numbers: geometry.closest_rigid(
        geometry.transform(numbers.reshape(*numbers.shape[:-1], 3, 3))
    )[..., :3, :3],
}
ROTATION_NUMBERS = tuple(_TO)
#: A number that hardly varies (1 - cos of a small angle) is not blown up beyond this.
LEAST_SD = 1e-6


@dataclass(frozen=True, eq=False)
class TargetScaling:
    """Mean and spread of each number of a step.

    Attributes
    ----------
    rotation_numbers : {3, 4, 6, 9}
    mean, sd : numpy.ndarray (rotation_numbers + 3,) float64
        First of the rotation's numbers less the identity's, then of the translation in mm.

    Raises
    ------
    ValueError
        For another number of numbers, shapes that do not fit, or a spread that is not > 0.
    """

    rotation_numbers: int
    mean: np.ndarray
    sd: np.ndarray

    def __post_init__(self) -> None:
        """Check number, shapes and spread."""
        if self.rotation_numbers not in ROTATION_NUMBERS:
            raise ValueError(
                f"rotation_numbers must be one of {ROTATION_NUMBERS}, got {self.rotation_numbers}"
            )
        for name in ("mean", "sd"):
            values = np.asarray(getattr(self, name), np.float64)
            if values.shape != (self.numbers_per_step,) or not np.isfinite(values).all():
                raise ValueError(
                    f"{name} must be {self.numbers_per_step} finite numbers, got {values}"
                )
            object.__setattr__(self, name, values)
        if not (self.sd > 0).all():
            raise ValueError(f"sd must be > 0, got {self.sd}")

    @property
    def numbers_per_step(self) -> int:
        """Return how many numbers tell a step."""
        return self.rotation_numbers + 3

    @property
    def identity(self) -> np.ndarray:
        """Return the identity rotation's numbers, (rotation_numbers,)."""
        return _TO[self.rotation_numbers](np.eye(3))

    @classmethod
    def fit(cls, windows: Windows, rotation_numbers: int = 6) -> TargetScaling:
        """Measure mean and spread over the tracked steps of training sweeps.

        Parameters
        ----------
        windows : Windows
            Of training sweeps. Steps between neighbouring frames count, each once, whatever
            the strides: zero at the output is the constant step also where frames are
            skipped in training.
        rotation_numbers : {3, 4, 6, 9}

        Returns
        -------
        TargetScaling

        Raises
        ------
        ValueError
            If no step is tracked, or for another number of numbers.
        """
        poses = [sweep.T_centre_to_world for sweep in windows.sweeps]
        steps = np.concatenate([geometry.relative(T[:-1], T[1:]) for T in poses])
        steps = steps[np.isfinite(steps).all(axis=(1, 2))]
        if not len(steps):
            raise ValueError("scaling needs at least one tracked step, got none")
        width = rotation_numbers + 3
        raw = cls(rotation_numbers, np.zeros(width), np.ones(width)).encode(steps)
        return cls(rotation_numbers, raw.mean(axis=0), np.maximum(raw.std(axis=0), LEAST_SD))

    def encode(self, steps) -> np.ndarray:
        """Return the standardised numbers of steps.

        Parameters
        ----------
        steps : array-like (..., 4, 4)
            Rigid, translation in mm; NaN stays NaN.

        Returns
        -------
        numpy.ndarray (..., numbers_per_step) float64
        """
        steps = np.asarray(steps, np.float64)
        turn = _TO[self.rotation_numbers](steps[..., :3, :3]) - self.identity
        return (np.concatenate([turn, steps[..., :3, 3]], axis=-1) - self.mean) / self.sd

    def decode(self, numbers) -> np.ndarray:
        """Return the steps of standardised numbers.

        Parameters
        ----------
        numbers : array-like (..., numbers_per_step)

        Returns
        -------
        numpy.ndarray (..., 4, 4) float64
            Rigid: the numbers are made a rotation as the representation asks (normalised,
            Gram-Schmidt, nearest rotation).

        Raises
        ------
        ValueError
            If the last axis is not `numbers_per_step` long.
        """
        numbers = np.asarray(numbers, np.float64)
        if numbers.shape[-1:] != (self.numbers_per_step,):
            raise ValueError(f"numbers must be (..., {self.numbers_per_step}), got {numbers.shape}")
        raw = numbers * self.sd + self.mean
        turn = raw[..., : self.rotation_numbers] + self.identity
        return geometry.transform(_FROM[self.rotation_numbers](turn), raw[..., -3:])
