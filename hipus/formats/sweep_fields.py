"""What a sweep knows beyond frames, times and poses, as header fields of a sequence file.

Decides the names: `ImageToProbeTransform` (what PLUS means by it: pixel to probe, scale
included), `PixelSpacing` (mm), `SweepId`, `SweepReference`, and one `ImuSample0000` per
inertial sample with `ImuToProbeTransform`. Header fields, because an inertial sensor ticks
on its own clock and a calibration does not change from frame to frame; short lines, because
PLUS reads no more than 1000 characters of one. Numbers are written in full, so they come
back bit for bit.
"""

from __future__ import annotations

import numpy as np

from hipus import geometry
from hipus.formats import header
from hipus.sweep import Imu, Sweep

CALIBRATION = "ImageToProbeTransform"
SPACING = "PixelSpacing"
SWEEP_ID = "SweepId"
REFERENCE = "SweepReference"
_IMU_SAMPLE = "ImuSample"
_IMU_MOUNTING = "ImuToProbeTransform"


def text(values) -> str:
    """Return numbers as text that reads back to the same bits."""
    return " ".join(repr(value) for value in np.asarray(values, np.float64).ravel().tolist())


def fields_of(sweep: Sweep) -> dict[str, str]:
    """Return a sweep's calibration, names and inertial samples as header fields.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    dict of str
    """
    fields = {REFERENCE: frame_name(sweep.reference)}
    if sweep.sweep_id:
        fields[SWEEP_ID] = sweep.sweep_id
    if sweep.T_pixel_to_probe is not None:
        fields[CALIBRATION] = text(sweep.T_pixel_to_probe)
    if sweep.pixel_spacing_xy_mm is not None:
        fields[SPACING] = text(sweep.pixel_spacing_xy_mm)
    return fields | ({} if sweep.imu is None else _imu_fields(sweep.imu))


def calibration_of(fields: dict[str, str], where: str) -> np.ndarray | None:
    """Return `T_pixel_to_probe` from header fields, None where there is none.

    Raises
    ------
    ValueError
        If the field is not 16 numbers, or they are no invertible transform.
    """
    T = _matrix(fields, CALIBRATION, where, rigid=False)
    if T is not None and abs(np.linalg.det(T[:3, :3])) < 1e-12:
        raise ValueError(f"{where}: {CALIBRATION} must be invertible, got determinant 0")
    return T


def spacing_of(fields: dict[str, str], where: str) -> tuple[float, float] | None:
    """Return the pixel spacing in mm from header fields, None where there is none.

    Raises
    ------
    ValueError
        If the field is not 2 positive numbers.
    """
    if SPACING not in fields:
        return None
    spacing = header.numbers(fields[SPACING], f"{where}: {SPACING}", count=2)
    if not ((spacing > 0) & np.isfinite(spacing)).all():
        raise ValueError(f"{where}: {SPACING} must be 2 positive numbers, got {fields[SPACING]!r}")
    return float(spacing[0]), float(spacing[1])


def imu_of(fields: dict[str, str], where: str) -> Imu | None:
    """Return the inertial samples from header fields, None where there are none.

    Parameters
    ----------
    fields : dict of str
        Samples are time (s), angular velocity (rad/s), specific force (m/s^2): 7 numbers.
    where : str
        File, used in messages.

    Returns
    -------
    Imu or None

    Raises
    ------
    ValueError
        If a sample is not 7 finite numbers, times do not increase, or the mounting is not
        rigid.
    """
    names = [name for name in fields if name.startswith(_IMU_SAMPLE)]
    if not names:
        return None
    samples = [header.numbers(fields[name], f"{where}: {name}", count=7) for name in names]
    table = np.array(samples)
    mounting = _matrix(fields, _IMU_MOUNTING, where, rigid=True)
    try:
        return Imu(table[:, 0], table[:, 1:4], table[:, 4:7], mounting)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def frame_name(reference: str) -> str:
    """Return a frame of reference as PLUS spells it: "reference" is "Reference" there.

    Raises
    ------
    ValueError
        If the name cannot be part of a transform's name.
    """
    if not reference.isidentifier() or "To" in reference:
        raise ValueError(f"reference must be one plain word without 'To', got {reference!r}")
    return reference[:1].upper() + reference[1:]


def _imu_fields(imu: Imu) -> dict[str, str]:
    """Return inertial samples, one field each, and the sensor's mounting."""
    table = np.column_stack([imu.time_s, imu.angular_velocity_rad_s, imu.acceleration_m_s2])
    fields = {f"{_IMU_SAMPLE}{index:04d}": text(row) for index, row in enumerate(table)}
    if imu.T_imu_to_probe is not None:
        fields[_IMU_MOUNTING] = text(imu.T_imu_to_probe)
    return fields


def _matrix(fields: dict[str, str], key: str, where: str, *, rigid: bool) -> np.ndarray | None:
    """Return a header field as a checked 4 x 4 transform."""
    if key not in fields:
        return None
    T = header.numbers(fields[key], f"{where}: {key}", count=16).reshape(4, 4)
    return geometry.check_transform(T, f"{where}: {key}", rigid=rigid)
