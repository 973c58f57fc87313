"""One recording as a scanner, a tracker or a probe left it, read as a sweep.

Decides what stands for frames, times, poses, scale and inertial samples in each format that is
imported: sequence metafiles (PLUS), TUS-REC scans, Clarius exports, ultrasound DICOM. Of all
other fields of a file nothing is taken. Deliberately guesses no scale and no frame rate.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hipus import geometry
from hipus.formats import clarius, dicom, metafile, plus_config, sweep_fields, tusrec
from hipus.formats.dicom import SpacingSource
from hipus.sweep import Sweep

log = logging.getLogger(__name__)

SEQUENCES = tuple(metafile.SUFFIXES)
SUFFIXES = (*SEQUENCES, ".h5", ".raw", ".dcm")
CALIBRATIONS = "calib_matrix.csv"


@dataclass(frozen=True)
class Recording:
    """A sweep, and what else an import must know of its file.

    Attributes
    ----------
    sweep : Sweep
        All poses NaN where nobody tracked.
    is_tracked : bool
    is_coloured : numpy.ndarray (N, H, W) bool or None
        Pixels that were drawn in colour.
    box_xyxy : tuple of int or None
        Where a DICOM file says that its sonogram lies.
    """

    sweep: Sweep
    is_tracked: bool
    is_coloured: np.ndarray | None = None
    box_xyxy: tuple[int, int, int, int] | None = None


def read_recording(path: Path, stated: Mapping[str, str]) -> Recording:
    """Read a recording of whichever format.

    Parameters
    ----------
    path : Path
    stated : mapping of str to str
        What the list says of it (`listing.OF_SWEEP`), "" or absent where nothing.

    Returns
    -------
    Recording

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If the ending is unknown, a file is damaged, or scale or frame rate are neither in the
        file nor stated.
    """
    name = path.name.lower()
    kinds: dict[tuple[str, ...], Callable] = {
        SEQUENCES: _sequence,
        (".h5",): _scan,
        (".raw",): _clarius,
        (".dcm",): _cine,
    }
    read = next((reader for ends, reader in kinds.items() if name.endswith(ends)), None)
    if read is None:
        raise ValueError(f"{path} must end in one of {', '.join(SUFFIXES)}")
    found = read(path, stated)
    sweep = _with_sensor(_with_scale(found.sweep, stated, path), stated, path)
    return replace(found, sweep=sweep)


def _sequence(path: Path, stated: Mapping[str, str]) -> Recording:
    """Return a sequence metafile; without any transform nobody tracked it."""
    options = {"assumed_orientation": stated["orientation"]} if stated.get("orientation") else {}
    sequence = metafile.read(path, **options)
    if not sequence.has_images:
        raise ValueError(f"{path}: a sweep needs images, got frames of {sequence.frames.shape}")
    if sequence.transforms:
        names = {"probe": stated.get("probe") or "Probe"}
        sweep = sequence.to_sweep(**names, reference=stated.get("reference") or None)
        return Recording(sweep, is_tracked=True)
    fields, where = sequence.fields, str(path)
    return _untracked(
        sequence.frames,
        sequence.time_s,
        T_pixel_to_probe=sweep_fields.calibration_of(fields, where),
        pixel_spacing_xy_mm=sweep_fields.spacing_of(fields, where),
        imu=sweep_fields.imu_of(fields, where),
    )


def _scan(path: Path, stated: Mapping[str, str]) -> Recording:
    """Return a TUS-REC scan, with the calibration beside it where none is stated."""
    rate_hz = _number(stated, "frame_rate_hz", path)
    options = {} if rate_hz is None else {"frame_rate_hz": rate_hz}
    places = [path.with_name(f"{path.stem}.{CALIBRATIONS}"), path.with_name(CALIBRATIONS)]
    beside = next((place for place in places if place.is_file()), None)
    return Recording(tusrec.read(path, beside, **options), is_tracked=True)


def _clarius(path: Path, stated: Mapping[str, str]) -> Recording:
    """Return the envelope of a Clarius recording as pictures, lines side by side."""
    found = clarius.read_raw(path)
    if found.kind != "envelope":
        raise ValueError(f"{path}: pictures are made of an envelope, got {found.kind} samples")
    if np.ptp(found.header.line_angle_deg) > 1:
        log.warning("%s: the lines are not parallel, its pictures are not to scale", path)
    beside = path.with_name(f"{path.stem.removesuffix('_env')}_imu.yml")
    frames = np.ascontiguousarray(found.samples[:].transpose(0, 2, 1))
    imu = clarius.read_imu(beside) if beside.is_file() else None
    return _untracked(frames, found.time_s, imu=imu)


def _cine(path: Path, stated: Mapping[str, str]) -> Recording:
    """Return an ultrasound cine; a pixel of 1 x 1 mm is a placeholder and no scale."""
    cine = dicom.read(path)
    time_s, rate_hz = cine.time_s, _number(stated, "frame_rate_hz", path)
    if rate_hz is not None:
        time_s = np.arange(len(cine.frames)) / rate_hz
    if time_s is None:
        raise ValueError(f"{path} states no frame time: state frame_rate_hz in the list")
    trusted = [one for one in cine.spacings if one.source != SpacingSource.UNTRUSTED_PLACEHOLDER]
    found = _untracked(
        cine.frames, time_s, pixel_spacing_xy_mm=trusted[0].spacing_xy_mm if trusted else None
    )
    box = cine.regions_xyxy[0] if len(cine.regions_xyxy) == 1 else None
    return replace(found, is_coloured=cine.is_coloured, box_xyxy=box)


def _untracked(frames, time_s, **known) -> Recording:
    """Return pictures that nobody tracked."""
    poses = np.full((len(time_s), 4, 4), np.nan)
    return Recording(Sweep(frames, time_s, poses, **known), is_tracked=False)


def _with_scale(sweep: Sweep, stated: Mapping[str, str], path: Path) -> Sweep:
    """Return a sweep with what the list states of its scale; some scale there must be."""
    if stated.get("calibration"):
        T = read_calibration(Path(stated["calibration"]))
        sweep = replace(sweep, T_pixel_to_probe=T, pixel_spacing_xy_mm=None)
    elif stated.get("pixel_mm"):
        sides = [_as_number(part, "pixel_mm", path) for part in stated["pixel_mm"].split()]
        sweep = replace(sweep, T_pixel_to_probe=None, pixel_spacing_xy_mm=(sides * 2)[:2])
    if sweep.pixel_spacing_xy_mm is None:
        raise ValueError(f"{path} holds no scale: state pixel_mm or calibration in the list")
    return sweep


def _with_sensor(sweep: Sweep, stated: Mapping[str, str], path: Path) -> Sweep:
    """Return a sweep with what the list states of its inertial sensor."""
    if stated.get("imu"):
        sweep = replace(sweep, imu=clarius.read_imu(Path(stated["imu"])))
    if not stated.get("imu_to_probe"):
        return sweep
    if sweep.imu is None:
        raise ValueError(f"{path}: imu_to_probe needs an inertial sensor, there is no log of one")
    T = _matrix_of(Path(stated["imu_to_probe"]), "T_imu_to_probe", rigid=True)
    return replace(sweep, imu=replace(sweep.imu, T_imu_to_probe=T))


def read_calibration(path: Path) -> np.ndarray:
    """Read `T_pixel_to_probe` from a PLUS XML, a TUS-REC csv or our own JSON.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it holds no such transform.
    """
    if path.suffix.lower() == ".xml":
        return plus_config.read_transform(path, "Image", "Probe")
    if path.suffix.lower() == ".csv":
        return tusrec.read_calibration(path).T_pixel_to_probe
    return _matrix_of(path, "T_pixel_to_probe", rigid=False)


def _matrix_of(path: Path, name: str, *, rigid: bool) -> np.ndarray:
    """Return a transform of a JSON file."""
    try:
        matrix = np.array(json.loads(path.read_text(encoding="utf-8"))[name], np.float64)
        matrix = matrix.reshape(4, 4)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} must be JSON with {name}, 4 rows of 4 numbers") from error
    return geometry.check_transform(matrix, f"{path.name}: {name}", rigid=rigid)


def _number(stated: Mapping[str, str], name: str, path: Path) -> float | None:
    """Return a stated number, None where nothing is stated."""
    return _as_number(stated[name], name, path) if stated.get(name) else None


def _as_number(text: str, name: str, path: Path) -> float:
    """Return a positive number from text."""
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not 0 < value < np.inf:
        raise ValueError(f"{path}: {name} must be positive, got {text!r}")
    return value
