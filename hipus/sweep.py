"""A sweep: frames in time, where the probe was, and what its inertial sensor felt.

Decides what the rest of the study may rely on: strictly increasing times, rigid poses that
are NaN where they are invalid, a pixel-to-probe transform that carries the scale, frames
that may be larger than memory. Deliberately knows no file format and no method.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np

from hipus import geometry


@runtime_checkable
class FrameStack(Protocol):
    """What frames must offer: a shape, a dtype, and slices along the first axis."""

    shape: tuple[int, ...]
    dtype: np.dtype

    def __getitem__(self, key: slice) -> np.ndarray: ...


@dataclass(frozen=True)
class Imu:
    """Samples of the probe's inertial sensor, on its own clock ticks and in its own frame.

    Attributes
    ----------
    time_s : numpy.ndarray (M,)
        Strictly increasing, same origin as the sweep's `time_s`.
    angular_velocity_rad_s : numpy.ndarray (M, 3)
    acceleration_m_s2 : numpy.ndarray (M, 3)
        Specific force: a sensor at rest shows 9.81 upwards.
    T_imu_to_probe : numpy.ndarray (4, 4) or None
        None where it is not known (it is not in a Clarius log).
    """

    time_s: np.ndarray
    angular_velocity_rad_s: np.ndarray
    acceleration_m_s2: np.ndarray
    T_imu_to_probe: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check shapes, times and the sensor's mounting."""
        time_s = check_times(self.time_s, "imu.time_s")
        _set(self, "time_s", time_s)
        for name in ("angular_velocity_rad_s", "acceleration_m_s2"):
            values = np.asarray(getattr(self, name), np.float64)
            if values.shape != (len(time_s), 3):
                raise ValueError(f"imu.{name} must be ({len(time_s)}, 3), got {values.shape}")
            if not np.isfinite(values).all():
                index = int(np.argmin(np.isfinite(values).all(axis=1)))
                raise ValueError(
                    f"imu.{name} must be finite, got {values[index]} at sample {index}"
                )
            _set(self, name, values)
        if self.T_imu_to_probe is not None:
            mounting = geometry.check_transform(self.T_imu_to_probe, "imu.T_imu_to_probe")
            _set(self, "T_imu_to_probe", mounting)


@dataclass(frozen=True)
class Sweep:
    """One recorded sweep.

    Attributes
    ----------
    frames : FrameStack (N, H, W) uint8
        An array, or anything sliceable that reads from disk on demand.
    time_s : numpy.ndarray (N,)
        Image times, strictly increasing.
    T_probe_to_reference : numpy.ndarray (N, 4, 4) float64
        Rigid poses, NaN where invalid.
    is_valid : numpy.ndarray (N,) bool
        True where image and pose may be used. Left out: where the pose is finite.
    T_pixel_to_probe : numpy.ndarray (4, 4) or None
        Calibration, mm per pixel included. None for an uncalibrated sweep.
    pixel_spacing_xy_mm : tuple of float or None
        Side of a pixel along u and v. Left out: taken from `T_pixel_to_probe`.
    imu : Imu or None
    reference : str
        What the poses refer to, for example "reference", "tracker" or "hip".
    sweep_id : str
    """

    frames: FrameStack
    time_s: np.ndarray
    T_probe_to_reference: np.ndarray
    is_valid: np.ndarray | None = None
    T_pixel_to_probe: np.ndarray | None = None
    pixel_spacing_xy_mm: tuple[float, float] | None = None
    imu: Imu | None = None
    reference: str = "reference"
    sweep_id: str = field(default="")

    def __post_init__(self) -> None:
        """Check every attribute against the number of frames."""
        _check_frames(self.frames)
        _set(self, "time_s", check_times(self.time_s, "time_s", count=len(self)))
        poses = geometry.check_transform(
            self.T_probe_to_reference, "T_probe_to_reference", allow_nan=True
        )
        if poses.shape != (len(self), 4, 4):
            raise ValueError(f"T_probe_to_reference must be ({len(self)}, 4, 4), got {poses.shape}")
        is_finite = ~np.isnan(poses).any(axis=(1, 2))
        _set(self, "T_probe_to_reference", poses)
        _set(self, "is_valid", _check_validity(self.is_valid, is_finite))
        self._check_calibration()

    def _check_calibration(self) -> None:
        """Check the pixel transform and derive the pixel spacing from it."""
        if self.T_pixel_to_probe is not None:
            T = geometry.check_transform(self.T_pixel_to_probe, "T_pixel_to_probe", rigid=False)
            if abs(np.linalg.det(T[:3, :3])) < 1e-12:
                raise ValueError("T_pixel_to_probe must be invertible, got determinant 0")
            _set(self, "T_pixel_to_probe", T)
        if self.pixel_spacing_xy_mm is None and self.T_pixel_to_probe is not None:
            sides = np.linalg.norm(self.T_pixel_to_probe[:3, :2], axis=0)
            _set(self, "pixel_spacing_xy_mm", (float(sides[0]), float(sides[1])))
        if self.pixel_spacing_xy_mm is not None:
            _set(self, "pixel_spacing_xy_mm", _check_spacing(self.pixel_spacing_xy_mm))

    def __len__(self) -> int:
        """Return the number of frames."""
        return int(self.frames.shape[0])

    @property
    def T_pixel_to_reference(self) -> np.ndarray:
        """Return the (N, 4, 4) image poses, NaN where the sweep is invalid.

        Raises
        ------
        ValueError
            If the sweep is not calibrated.
        """
        if self.T_pixel_to_probe is None:
            raise ValueError(
                f"sweep {self.sweep_id!r} has no T_pixel_to_probe: calibrate it, or pass one"
            )
        T = geometry.compose(self.T_probe_to_reference, self.T_pixel_to_probe)
        T[~self.is_valid] = np.nan
        return T

    def blocks(self, size: int = 16) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield (slice, frames of that slice) in order, never more than `size` frames.

        Raises
        ------
        ValueError
            If `size` is not positive.
        """
        if size < 1:
            raise ValueError(f"size must be >= 1 frame, got {size}")
        for start in range(0, len(self), size):
            part = slice(start, min(start + size, len(self)))
            yield part, np.asarray(self.frames[part])

    def select(self, part: slice) -> Sweep:
        """Return the frames of a slice as a sweep of their own (the IMU log is kept whole).

        Raises
        ------
        ValueError
            If nothing is left.
        """
        kept = np.arange(len(self))[part]
        if not len(kept):
            raise ValueError(f"{part} leaves none of {len(self)} frames")
        return replace(
            self,
            frames=self.frames[part],
            time_s=self.time_s[part],
            T_probe_to_reference=self.T_probe_to_reference[part],
            is_valid=self.is_valid[part],
        )


def check_times(time_s, name: str = "time_s", *, count: int | None = None) -> np.ndarray:
    """Return strictly increasing float64 times, or say where they fail.

    Parameters
    ----------
    time_s : array-like (N,)
    name : str
        Name used in messages.
    count : int, optional
        Required number of samples.

    Returns
    -------
    numpy.ndarray (N,) float64

    Raises
    ------
    ValueError
        For a wrong shape or count, values that are not finite, or the first repeated or
        decreasing time.
    """
    time_s = np.asarray(time_s, np.float64)
    if time_s.ndim != 1 or (count is not None and len(time_s) != count):
        raise ValueError(f"{name} must be ({'N' if count is None else count},), got {time_s.shape}")
    if not np.isfinite(time_s).all():
        raise ValueError(f"{name} must be finite, got {time_s[~np.isfinite(time_s)][0]}")
    step = np.diff(time_s)
    if (step <= 0).any():
        index = int(np.argmax(step <= 0)) + 1
        fault = "repeats" if step[index - 1] == 0 else "steps back"
        raise ValueError(
            f"{name} must increase strictly, but {fault} at sample {index}: "
            f"{time_s[index - 1]:.6f} then {time_s[index]:.6f} s"
        )
    return time_s


def _check_frames(frames: FrameStack) -> None:
    """Check shape and dtype of a frame stack without reading it."""
    shape = tuple(frames.shape)
    if len(shape) != 3:
        raise ValueError(f"frames must be (N, H, W), got {shape}")
    if shape[0] == 0:
        raise ValueError("frames must hold at least one frame, got 0")
    if 0 in shape:
        raise ValueError(f"frames must hold at least one pixel, got {shape}")
    if np.dtype(frames.dtype) != np.uint8:
        raise ValueError(f"frames must be uint8, got {np.dtype(frames.dtype)}")


def _check_validity(is_valid, is_finite: np.ndarray) -> np.ndarray:
    """Return the validity mask; a sample cannot be valid without a pose."""
    if is_valid is None:
        return is_finite
    is_valid = np.asarray(is_valid, bool)
    if is_valid.shape != is_finite.shape:
        raise ValueError(f"is_valid must be {is_finite.shape}, got {is_valid.shape}")
    if (is_valid & ~is_finite).any():
        index = int(np.argmax(is_valid & ~is_finite))
        raise ValueError(f"is_valid is True at frame {index}, whose pose is NaN")
    return is_valid


def _check_spacing(spacing) -> tuple[float, float]:
    """Return two positive pixel sides."""
    sides = tuple(float(side) for side in spacing)
    if len(sides) != 2 or not all(np.isfinite(side) and side > 0 for side in sides):
        raise ValueError(f"pixel_spacing_xy_mm must be 2 positive numbers, got {sides}")
    return sides


def _set(instance, name: str, value) -> None:
    """Store a checked value in a frozen dataclass."""
    object.__setattr__(instance, name, value)
