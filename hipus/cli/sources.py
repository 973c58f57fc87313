"""Sweeps from any file that the package reads, chosen by the file's ending."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from hipus import geometry
from hipus.files import atomic_path
from hipus.formats import metafile, plus_config, tusrec
from hipus.formats.sequence import Sequence, from_sweep
from hipus.sweep import Sweep

SEQUENCE_SUFFIXES = tuple(metafile.SUFFIXES)
TUSREC_SUFFIX = ".h5"


def is_sequence(path: Path) -> bool:
    """Return whether a file is called as sequence metafiles are; it is not opened.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
    """
    return path.name.lower().endswith(SEQUENCE_SUFFIXES)


def read_sequence(path: Path) -> Sequence:
    """Read a sequence metafile.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If its ending is none of a sequence.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    if not is_sequence(path):
        raise ValueError(f"{path} must end in one of {', '.join(SEQUENCE_SUFFIXES)}")
    return metafile.read(path)


def read_sweep(
    path: Path, *, probe: str = "Probe", reference: str | None = None, calibration=None
) -> Sweep:
    """Read a sweep: a sequence metafile, or a TUS-REC scan.

    Parameters
    ----------
    path : Path
    probe, reference : str
        Names of the frames of reference in a sequence metafile.
    calibration : array-like (4, 4), optional
        `T_pixel_to_probe`; a sequence metafile may hold its own.

    Returns
    -------
    Sweep

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no sweep.
    """
    if path.name.lower().endswith(TUSREC_SUFFIX):
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing")
        return replace(tusrec.read(path), T_pixel_to_probe=calibration)
    sequence = read_sequence(path)
    return sequence.to_sweep(probe=probe, reference=reference, T_pixel_to_probe=calibration)


def read_calibration(path: Path) -> np.ndarray:
    """Read `T_pixel_to_probe` from a PLUS XML, a TUS-REC calibration csv or our own JSON.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds no such transform.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    if path.suffix.lower() == ".xml":
        return plus_config.read_transform(path, "Image", "Probe")
    if path.suffix.lower() == ".csv":
        return tusrec.read_calibration(path).T_pixel_to_probe
    try:
        matrix = json.loads(path.read_text(encoding="utf-8"))["T_pixel_to_probe"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{path} must be a PLUS .xml, a TUS-REC .csv, or JSON with T_pixel_to_probe as "
            f"`hipus calibrate space` writes it"
        ) from error
    return _checked_matrix(matrix, f"{path.name}: T_pixel_to_probe")


def calibration_beside(path: Path) -> Path | None:
    """Return the calibration that lies beside a TUS-REC scan, None where there is none."""
    places = [
        path.with_name(f"{path.stem}.calib_matrix.csv"),
        path.with_name("calib_matrix.csv"),
    ]
    is_scan = path.suffix.lower() == TUSREC_SUFFIX
    return next((place for place in places if is_scan and place.is_file()), None)


def _checked_matrix(matrix, name: str) -> np.ndarray:
    """Return one 4 x 4 transform of whatever a JSON file held."""
    try:
        matrix = np.array(matrix, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be 4 rows of 4 numbers: {error}") from error
    if matrix.shape != (4, 4):
        raise ValueError(f"{name} must be 4 rows of 4 numbers, got shape {matrix.shape}")
    return geometry.check_transform(matrix, name, rigid=False)


def write_sweep(sweep: Sweep, path: Path) -> list[Path]:
    """Write a sweep in the format that the ending names.

    Returns
    -------
    list of Path
        The file, and for a calibrated TUS-REC scan its calibration beside it.

    Raises
    ------
    ValueError
        If no format has this ending.
    """
    if path.name.lower().endswith(TUSREC_SUFFIX):
        return _write_scan(sweep, path)
    if is_sequence(path):
        return [metafile.write(path, from_sweep(sweep))]
    endings = ", ".join((*SEQUENCE_SUFFIXES, TUSREC_SUFFIX))
    raise ValueError(f"{path} must end in one of {endings}")


def _write_scan(sweep: Sweep, path: Path) -> list[Path]:
    """Write a TUS-REC scan; its calibration, which the format keeps apart, goes beside it."""
    if sweep.T_pixel_to_probe is None:
        return [tusrec.write(sweep, path)]
    beside = path.with_name(f"{path.stem}.calib_matrix.csv")
    with atomic_path(beside) as temporary:
        tusrec.write_calibration(sweep.T_pixel_to_probe, temporary)
        tusrec.write(sweep, path)
    return [path, beside]
