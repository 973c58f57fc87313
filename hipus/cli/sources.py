"""Sweeps from any file that the package reads, chosen by the file's ending."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from hipus import geometry
from hipus.formats import metafile, plus_config, tusrec
from hipus.formats.sequence import Sequence, from_sweep
from hipus.sweep import Sweep

SEQUENCE_SUFFIXES = tuple(metafile.SUFFIXES)
TUSREC_SUFFIX = ".h5"


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
    if not path.name.lower().endswith(SEQUENCE_SUFFIXES):
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
    calibration : array-like (4, 4) or Path, optional
        `T_pixel_to_probe`; for a TUS-REC scan also its `calib_matrix.csv`.

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
        return tusrec.read(path, calibration)
    sequence = read_sequence(path)
    return sequence.to_sweep(probe=probe, reference=reference, T_pixel_to_probe=calibration)


def read_calibration(path: Path) -> np.ndarray:
    """Read `T_pixel_to_probe` from a PLUS XML (Image to Probe) or from our own JSON.

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
    try:
        matrix = json.loads(path.read_text(encoding="utf-8"))["T_pixel_to_probe"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} must be a PLUS .xml, or JSON with T_pixel_to_probe as `hipus calibrate "
            f"space` writes it"
        ) from error
    return geometry.check_transform(matrix, f"{path.name}: T_pixel_to_probe", rigid=False)


def write_sweep(sweep: Sweep, path: Path) -> Path:
    """Write a sweep in the format that the ending names.

    Raises
    ------
    ValueError
        If no format has this ending.
    """
    name = path.name.lower()
    if name.endswith(TUSREC_SUFFIX):
        return tusrec.write(sweep, path)
    if name.endswith(SEQUENCE_SUFFIXES):
        return metafile.write(path, from_sweep(sweep))
    endings = ", ".join((*SEQUENCE_SUFFIXES, TUSREC_SUFFIX))
    raise ValueError(f"{path} must end in one of {endings}")
