"""One examination of a cohort: what its session file says, and its sweeps opened with it.

Decides how a session's calibration and lag meet a sweep file. Deliberately knows no tables
(see `cohort_layout`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hipus import geometry
from hipus.formats import metafile, sweep_fields
from hipus.sweep import Sweep

_FIELDS = ("is_tracked", "lag_s", "poses_are_lag_corrected", "T_pixel_to_probe")
#: Poses are not interpolated across more than this many frame intervals when a lag is undone.
_GAP_FRAMES = 2.5


@dataclass(frozen=True)
class Session:
    """What a hospital knows of one examination.

    Attributes
    ----------
    is_tracked : bool
    lag_s : float or None
        `pose_time = image_time + lag`, as calibrated.
    poses_are_lag_corrected : bool
        Whether the sweep files' poses are those of their images already.
    T_pixel_to_probe : numpy.ndarray (4, 4) or None
        Calibration, mm per pixel included; None where the sweep files state it.
    other : dict
        Further entries, as found.
    """

    is_tracked: bool
    lag_s: float | None
    poses_are_lag_corrected: bool
    T_pixel_to_probe: np.ndarray | None
    other: dict = field(default_factory=dict)


def read_session(path) -> Session:
    """Read what is known of one examination.

    Parameters
    ----------
    path : path-like
        JSON with is_tracked, lag_s, poses_are_lag_corrected and T_pixel_to_probe.

    Returns
    -------
    Session

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If an entry is missing or wrong.
    """
    path = Path(path)
    content = read_json(path)
    missing = [name for name in _FIELDS if name not in content]
    if missing:
        raise ValueError(f"{path}: needs {missing}, has {sorted(content)}")
    is_tracked, lag_s, is_corrected, matrix = (content.pop(name) for name in _FIELDS)
    for name, value in (("is_tracked", is_tracked), ("poses_are_lag_corrected", is_corrected)):
        if not isinstance(value, bool):
            raise ValueError(f"{path}: {name} must be true or false, got {value!r}")
    if is_tracked and not is_corrected and lag_s is None:
        raise ValueError(f"{path}: lag_s must be a number where poses are not corrected, got null")
    if lag_s is not None and not (isinstance(lag_s, (int, float)) and abs(lag_s) <= 1):
        raise ValueError(f"{path}: lag_s must lie between -1 and 1 s, got {lag_s!r}")
    if matrix is not None:
        matrix = _matrix(matrix, f"{path}: T_pixel_to_probe")
    return Session(is_tracked, lag_s, is_corrected, matrix, content)


def _matrix(values, where: str) -> np.ndarray:
    """Return a calibration."""
    try:
        matrix = np.asarray(values, np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where} must be 4 x 4 numbers, got {values!r}") from error
    return geometry.check_transform(matrix, where, rigid=False)


def read_json(path: Path) -> dict:
    """Read a JSON object of a cohort.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it is no JSON object.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: a cohort needs it, see docs/data_formats.md")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no readable JSON: {error}") from error
    if not isinstance(content, Mapping):
        raise ValueError(f"{path} must be a JSON object, got {type(content).__name__}")
    return dict(content)


def open_sweep(path, session: Session, sweep_id: str) -> Sweep:
    """Open a sweep file with what its session says.

    Parameters
    ----------
    path : path-like
    session : Session
    sweep_id : str
        Name to give the sweep.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        If file and session contradict each other, or the file is damaged.
    """
    sequence = metafile.read(path)
    stated = sweep_fields.calibration_of(sequence.fields, str(path))
    T_pixel_to_probe = _agreed(stated, session.T_pixel_to_probe, str(path))
    if not session.is_tracked:
        return Sweep(
            frames=sequence.frames,
            time_s=sequence.time_s,
            T_probe_to_reference=np.full((len(sequence), 4, 4), np.nan),
            pixel_spacing_xy_mm=sweep_fields.spacing_of(sequence.fields, str(path)),
            imu=sweep_fields.imu_of(sequence.fields, str(path)),
            sweep_id=sweep_id,
        )
    sweep = sequence.to_sweep(T_pixel_to_probe=T_pixel_to_probe, sweep_id=sweep_id)
    return sweep if session.poses_are_lag_corrected else _undo_lag(sweep, session.lag_s)


def _agreed(stated, given, where: str):
    """Return the calibration of file or session; both must agree."""
    if stated is not None and given is not None and not np.allclose(stated, given, atol=1e-6):
        raise ValueError(
            f"{where}: ImageToProbeTransform differs from the session's T_pixel_to_probe by "
            f"{np.abs(stated - given).max():.3g}: leave one of them out"
        )
    return given if stated is None else stated


def _undo_lag(sweep: Sweep, lag_s: float) -> Sweep:
    """Return a sweep whose poses are those of its images."""
    limit_s = _GAP_FRAMES * float(np.median(np.diff(sweep.time_s)))
    poses = geometry.interpolate_poses(
        sweep.time_s, sweep.T_probe_to_reference, sweep.time_s + lag_s, max_gap_s=limit_s
    )
    is_posed = ~np.isnan(poses).any(axis=(1, 2))
    had_image = sweep.is_valid | np.isnan(sweep.T_probe_to_reference).any(axis=(1, 2))
    return replace(sweep, T_probe_to_reference=poses, is_valid=is_posed & had_image)
