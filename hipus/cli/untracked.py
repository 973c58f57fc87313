"""A recording that nobody tracked, from any file that the package reads.

Decides what stands for a sweep's pictures, scale and inertial samples in each format. Poses
that a file may hold are deliberately not looked at.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from hipus import geometry
from hipus.cli import sources
from hipus.formats import clarius, sweep_fields, tusrec
from hipus.sweep import Imu, Sweep

log = logging.getLogger(__name__)

CLARIUS_SUFFIX = ".raw"
SUFFIXES = (*sources.SEQUENCE_SUFFIXES, sources.TUSREC_SUFFIX, CLARIUS_SUFFIX)


def read_untracked(
    path: Path,
    *,
    calibration: np.ndarray | None = None,
    spacing_xy_mm: tuple[float, float] | None = None,
    imu: Path | None = None,
    mounting: np.ndarray | None = None,
) -> Sweep:
    """Read pictures, times, scale and inertial samples of a sweep.

    Parameters
    ----------
    path : Path
        Sequence metafile, TUS-REC scan, or Clarius `.raw` with its `.yml` beside it.
    calibration : numpy.ndarray (4, 4), optional
        `T_pixel_to_probe`; a sequence metafile may hold its own.
    spacing_xy_mm : tuple of 2 float, optional
        Side of a pixel, where there is no calibration.
    imu : Path, optional
        Log of a Clarius probe on the recording's clock. Left out: what the sequence file
        holds, or `NAME_imu.yml` beside `NAME.raw` or `NAME_env.raw`.
    mounting : numpy.ndarray (4, 4), optional
        `T_imu_to_probe`.

    Returns
    -------
    Sweep
        Every pose NaN.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file has another format, is damaged or holds no images, or if a mounting is given
        and there is no inertial sensor.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise ValueError(f"{path} must end in one of {', '.join(SUFFIXES)}")
    if name.endswith(CLARIUS_SUFFIX):
        sweep = _clarius(path)
    elif name.endswith(sources.TUSREC_SUFFIX):
        sweep = tusrec.read(path, needs_poses=False)
    else:
        sweep = _sequence(path)
    if calibration is not None:  # its scale stands for that of the file
        sweep = replace(sweep, T_pixel_to_probe=calibration, pixel_spacing_xy_mm=None)
    if spacing_xy_mm is not None and sweep.T_pixel_to_probe is None:
        sweep = replace(sweep, pixel_spacing_xy_mm=spacing_xy_mm)
    if imu is not None:
        sweep = replace(sweep, imu=clarius.read_imu(imu))
    return sweep if mounting is None else replace(sweep, imu=_mounted(sweep, path, mounting))


def read_mounting(path: Path) -> np.ndarray:
    """Read `T_imu_to_probe` from JSON, for example a cohort's session file.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it holds no such transform.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    try:
        matrix = json.loads(path.read_text(encoding="utf-8"))["T_imu_to_probe"]
        matrix = np.array(matrix, np.float64).reshape(4, 4)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{path} must be JSON with T_imu_to_probe, 4 rows of 4 numbers: {error}"
        ) from error
    return geometry.check_transform(matrix, f"{path.name}: T_imu_to_probe")


def _sequence(path: Path) -> Sweep:
    """Return the pictures of a sequence metafile, with what its header knows of the probe."""
    sequence = sources.read_sequence(path)
    if not sequence.has_images:
        raise ValueError(f"{path}: a sweep needs images, got frames of {sequence.frames.shape}")
    fields, where = sequence.fields, str(path)
    return _untracked(
        sequence,
        T_pixel_to_probe=sweep_fields.calibration_of(fields, where),
        pixel_spacing_xy_mm=sweep_fields.spacing_of(fields, where),
        imu=sweep_fields.imu_of(fields, where),
        sweep_id=fields.get(sweep_fields.SWEEP_ID, ""),
    )


def _clarius(path: Path) -> Sweep:
    """Return the envelope of a Clarius recording as pictures, lines side by side.

    Right for a linear probe, whose lines are parallel; those of a curved one spread.
    """
    recording = clarius.read_raw(path)
    if recording.kind != "envelope":
        raise ValueError(f"{path}: pictures are made of an envelope, got {recording.kind} samples")
    if np.ptp(recording.header.line_angle_deg) > 1:
        log.warning("%s: the lines are not parallel, its pictures are not to scale", path)
    log_file = path.with_name(f"{path.stem.removesuffix('_env')}_imu.yml")
    return _untracked(
        recording,
        frames=np.ascontiguousarray(recording.samples[:].transpose(0, 2, 1)),
        imu=clarius.read_imu(log_file) if log_file.is_file() else None,
        sweep_id=path.stem,
    )


def _untracked(recording, *, frames=None, **known) -> Sweep:
    """Return a recording as a sweep without poses."""
    return Sweep(
        frames=recording.frames if frames is None else frames,
        time_s=recording.time_s,
        T_probe_to_reference=np.full((len(recording), 4, 4), np.nan),
        **known,
    )


def _mounted(sweep: Sweep, path: Path, T_imu_to_probe: np.ndarray) -> Imu:
    """Return a sweep's inertial samples with the sensor's mounting."""
    if sweep.imu is None:
        raise ValueError(f"{path}: a mounting needs an inertial sensor, and there is no log of one")
    return replace(sweep.imu, T_imu_to_probe=T_imu_to_probe)
