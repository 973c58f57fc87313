"""The inertial log (`_imu.yml`) of a Clarius probe.

Decides the units of the log and how its samples become our `Imu`. Deliberately estimates no
orientation: the probe's own is kept beside, as logged. The log's clock is that of the `.raw`.

Units, from the maker's description of the log (the file itself names none): angular rate in
rad/s; acceleration divided by gravity; magnetic flux in Gauss. The open
example agrees: its orientation turns by 0.046 rad in all, for which the integrated angular
rate leaves room in rad/s (0.062 rad) and not in deg/s (0.001 rad). A probe whose accelerometer
gains were never calibrated reads a few percent off at rest (0.92 g in that example).
"""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus import plain_yaml
from hipus.files import write_text
from hipus.plain_yaml import short
from hipus.sweep import Imu, check_times

STANDARD_GRAVITY_M_S2 = 9.80665
#: A step longer than this many median steps is a gap: samples were lost on the way.
GAP_FACTOR = 3.0
_MAX_BYTES = 1 << 28
_NS = 1e-9
_AXES = "xyz"


@dataclass(frozen=True)
class ClariusImu:
    """A log in full: what a sweep needs, and what the probe made of it.

    Attributes
    ----------
    imu : Imu
        Angular velocity in rad/s and acceleration in m/s^2, on the probe's clock.
    magnetic_flux_gauss : numpy.ndarray (M, 3)
        NaN where the log has none.
    orientation_wxyz : numpy.ndarray (M, 4)
        The probe's own estimate, quaternion with the real part first; NaN where absent.
    """

    imu: Imu
    magnetic_flux_gauss: np.ndarray
    orientation_wxyz: np.ndarray


def read_imu(path: str | os.PathLike) -> Imu:
    """Read the log of a recording as the sweep's `Imu`.

    Parameters
    ----------
    path : path-like
        `_imu.yml`: one YAML document a sample, or a list of samples. There are several a
        frame, and their number has nothing to do with the number of frames.

    Returns
    -------
    Imu
        `T_imu_to_probe` is None: the log does not say how the sensor is mounted.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it is no YAML, is empty, a sample lacks a value, or the times do not increase.
    """
    return read_imu_log(path).imu


def read_imu_log(path: str | os.PathLike) -> ClariusImu:
    """Read the log of a recording with magnetometer and the probe's own orientation.

    Parameters
    ----------
    path : path-like
        `_imu.yml`.

    Returns
    -------
    ClariusImu

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_imu`.
    """
    path = Path(path)
    samples = _load(path)
    stamps = [_number(path.name, index, s, "timestamp") for index, s in enumerate(samples)]
    time_s = check_times(np.array(stamps) * _NS, f"{path.name}: timestamps")
    acceleration_g = _vectors(path.name, samples, "accelerometer")
    return ClariusImu(
        imu=Imu(
            time_s=time_s,
            angular_velocity_rad_s=_vectors(path.name, samples, "gyroscope"),
            acceleration_m_s2=acceleration_g * STANDARD_GRAVITY_M_S2,
        ),
        magnetic_flux_gauss=_vectors(path.name, samples, "magnetometer", is_optional=True),
        orientation_wxyz=_orientations(path.name, samples),
    )


def _load(path: Path) -> list[dict]:
    """Return the samples of a log."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such Clarius IMU log")
    documents = [found for found in plain_yaml.read_documents(path, max_bytes=_MAX_BYTES) if found]
    samples = [s for found in documents for s in (found if isinstance(found, list) else [found])]
    if not samples:
        raise ValueError(f"{path.name} must hold at least one sample, got none")
    for index, sample in enumerate(samples):
        if not isinstance(sample, dict):
            raise ValueError(
                f"{path.name}: sample {index} must be keys and values, got {short(sample)}"
            )
    return samples


def _number(name: str, index: int, sample: dict, key: str, *, is_optional=False) -> float:
    """Return one finite number of one sample; NaN where an optional one is absent."""
    found = sample.get(key)
    if found is None and is_optional:
        return math.nan
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    # A whole number beyond the range of floats has no finite value either.
    if not is_number or not abs(found) <= sys.float_info.max:
        raise ValueError(f"{name}: sample {index} must have a number {key!r}, got {short(found)}")
    return float(found)


def _vectors(name: str, samples: list[dict], key: str, *, is_optional=False) -> np.ndarray:
    """Return the (M, 3) values of one sensor."""
    keys = [f"{key} {axis}" for axis in _AXES]
    rows = enumerate(samples)
    return np.array(
        [[_number(name, i, s, k, is_optional=is_optional) for k in keys] for i, s in rows]
    )


def _orientations(name: str, samples: list[dict]) -> np.ndarray:
    """Return the (M, 4) quaternions that the probe logged, NaN where there is none."""
    turned = [sample.get("orientation") or {} for sample in samples]
    for index, found in enumerate(turned):
        if not isinstance(found, dict):
            raise ValueError(
                f"{name}: sample {index}: orientation must hold q0 to q3, got {short(found)}"
            )
    keys = [f"q{part}" for part in range(4)]
    rows = enumerate(turned)
    return np.array([[_number(name, i, q, k, is_optional=True) for k in keys] for i, q in rows])


def imu_gaps_s(imu: Imu, *, factor: float = GAP_FACTOR) -> np.ndarray:
    """Return the gaps of a log.

    Parameters
    ----------
    imu : Imu
    factor : float
        A step longer than `factor` median steps is a gap.

    Returns
    -------
    numpy.ndarray (G, 2)
        Times of the last sample before and the first after each gap, s.
    """
    step = np.diff(imu.time_s)
    if not len(step):
        return np.empty((0, 2))
    last = np.flatnonzero(step > factor * np.median(step))
    return np.column_stack([imu.time_s[last], imu.time_s[last + 1]])


def write_imu(imu: Imu, path: str | os.PathLike) -> Path:
    """Write a log in the layout of the probe's own, one YAML document a sample.

    Parameters
    ----------
    imu : Imu
        Times must not be negative; they are rounded to 1 ns.
    path : path-like
        Target, ending in `.yml`.

    Returns
    -------
    pathlib.Path
        The written file. `T_imu_to_probe` is not kept: the layout has no place for it.

    Raises
    ------
    ValueError
        If a time is negative.
    """
    if imu.time_s[0] < 0:
        raise ValueError(f"imu.time_s must not be negative, got {imu.time_s[0]}")
    documents = []
    acceleration_g = imu.acceleration_m_s2 / STANDARD_GRAVITY_M_S2
    for index, time_s in enumerate(imu.time_s):
        lines = [f"timestamp: {round(time_s / _NS)}"]
        for name, values in (
            ("gyroscope", imu.angular_velocity_rad_s[index]),
            ("accelerometer", acceleration_g[index]),
        ):
            rows = zip(_AXES, values, strict=True)
            lines += [f"{name} {axis}: {value:#.17g}" for axis, value in rows]
        documents.append("\n".join(lines))
    return write_text(path, "\n---\n".join(documents) + "\n")
