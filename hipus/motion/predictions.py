"""Predicted poses of whole sweeps on disk: anybody's predictions, judged alike.

Decides two forms: a folder with one `<subject>_<sweep>.npz` a sweep, with uncertainty, and one
CSV file of poses, which any program can write. Poses are of the image's centre (see `poses`),
mm, seen from the first predicted frame, **not mirrored**; frames are counted in the sweep as it
was recorded. Deliberately predicts and judges nothing.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from hipus import geometry, tables
from hipus.files import atomic_path

log = logging.getLogger(__name__)

KEY = ("subject_id", "sweep_id", "frame_index")
#: A probe turned by 180 degrees about its beam, seen from the picture's centre.
_TURN = np.diag([-1.0, 1.0, -1.0, 1.0])
#: The upper three rows of T_centre_to_first, row by row.
MATRIX = tuple(f"m{row}{column}" for row in range(3) for column in range(4))


@dataclass(frozen=True)
class PosePrediction:
    """Predicted poses of one sweep.

    Attributes
    ----------
    subject_id, sweep_id : str
    first_frame : int
        Place of the first predicted frame in the recorded sweep.
    T_centre_to_first : numpy.ndarray (N, 4, 4) float64
        Rigid, in the axes of the first frame with a pose; NaN where nothing is predicted.
    time_s : numpy.ndarray (N,) or None
    sd_mm, sd_deg : numpy.ndarray (N - 1, 3) or None
        Uncertainty of each step: lateral, axial, elevational, and about these axes.
    is_flipped : bool
        The pictures were turned left to right before they were looked at
        (`sweep_cleaning.correct_flip`): the poses are of the turned pictures.
    """

    subject_id: str
    sweep_id: str
    first_frame: int
    T_centre_to_first: np.ndarray
    time_s: np.ndarray | None = None
    sd_mm: np.ndarray | None = None
    sd_deg: np.ndarray | None = None
    is_flipped: bool = False

    def __post_init__(self) -> None:
        """Check shapes, and move the poses into the axes of the first frame."""
        name = f"{self.subject_id}/{self.sweep_id}"
        if self.first_frame < 0:
            raise ValueError(f"{name}: first_frame must be >= 0, got {self.first_frame}")
        T = geometry.check_transform(self.T_centre_to_first, f"{name}: T", allow_nan=True)
        if T.ndim != 3 or not np.isfinite(T[:, 0, 0]).any():
            raise ValueError(f"{name}: T must be (N, 4, 4) with a pose in it, got {T.shape}")
        first = T[np.isfinite(T[:, 0, 0])][0]
        object.__setattr__(self, "T_centre_to_first", geometry.relative(first, T))
        for field, shape in (
            ("time_s", (len(T),)),
            ("sd_mm", (len(T) - 1, 3)),
            ("sd_deg", (len(T) - 1, 3)),
        ):
            value = getattr(self, field)
            if value is not None and np.shape(value) != shape:
                raise ValueError(f"{name}: {field} must be {shape}, got {np.shape(value)}")

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.T_centre_to_first)

    @property
    def frames(self) -> slice:
        """Return which frames of the recorded sweep these are."""
        return slice(self.first_frame, self.first_frame + len(self))


def as_recorded(prediction: PosePrediction) -> PosePrediction:
    """Return a prediction whose poses are of the pictures as they were recorded.

    Parameters
    ----------
    prediction : PosePrediction

    Returns
    -------
    PosePrediction
        Not flipped. Deviations stay: a turn about the beam only changes signs of axes.
    """
    if not prediction.is_flipped:
        return prediction
    T = prediction.T_centre_to_first @ _TURN
    return replace(prediction, T_centre_to_first=T, is_flipped=False)


def prediction_file(folder, subject_id: str, sweep_id: str) -> Path:
    """Return where a sweep's prediction is written."""
    return Path(folder) / f"{subject_id}_{sweep_id}.npz"


def write_predictions(predictions: Iterable[PosePrediction], target) -> list[Path]:
    """Write predictions: one .npz each into a folder, or all into one .csv file.

    Parameters
    ----------
    predictions : iterable of PosePrediction
    target : path-like
        A folder, or a name that ends in `.csv`.

    Returns
    -------
    list of Path
        What was written, whole files only.

    Raises
    ------
    ValueError
        If there is nothing to write, or if a sweep comes twice.

    Notes
    -----
    The CSV holds poses and times, always of the pictures as they were recorded; uncertainty and
    flips are in the .npz form only.
    """
    predictions = list(predictions)
    if not predictions:
        raise ValueError(f"{target}: no predictions to write")
    if Path(target).suffix == ".csv":
        return [_write_csv(predictions, Path(target))]
    written = [prediction_file(target, one.subject_id, one.sweep_id) for one in predictions]
    for path in written:
        if written.count(path) > 1:
            raise ValueError(f"{path}: written by more than one sweep")
    for path, one in zip(written, predictions, strict=True):
        _write_npz(one, path)
    return written


def _write_npz(one: PosePrediction, path: Path) -> None:
    """Write one prediction; fields that are None are left out."""
    content = {field.name: getattr(one, field.name) for field in fields(one)}
    kept = {name: np.asarray(value) for name, value in content.items() if value is not None}
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, **kept)


def _write_csv(predictions: Sequence[PosePrediction], path: Path) -> Path:
    """Write poses as one table; frames without a pose have empty cells."""
    import pandas as pd

    parts = []
    for one in map(as_recorded, predictions):
        part = pd.DataFrame(one.T_centre_to_first[:, :3].reshape(len(one), 12), columns=MATRIX)
        part.insert(0, "time_s", np.nan if one.time_s is None else one.time_s)
        part.insert(0, "frame_index", np.arange(len(one)) + one.first_frame)
        part.insert(0, "sweep_id", one.sweep_id)
        part.insert(0, "subject_id", one.subject_id)
        parts.append(part)
    return tables.write(pd.concat(parts), path, key=KEY)


def read_predictions(
    source, expected: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], PosePrediction]:
    """Read the predictions of all expected sweeps.

    Parameters
    ----------
    source : path-like
        A folder or a .csv file, as `write_predictions` writes them. The CSV needs the columns
        subject_id, sweep_id, frame_index, m00, m01, ..., m23; time_s may be there. Its poses
        may be in any world: they are moved into the axes of each sweep's first frame.
    expected : iterable of (subject_id, sweep_id)

    Returns
    -------
    dict of (subject_id, sweep_id) to PosePrediction
        In the expected order; further predictions are left out.

    Raises
    ------
    FileNotFoundError
        If the source is missing.
    ValueError
        If an expected sweep is not predicted (each is named: none is ever left out of a mean),
        nothing is expected, or a file is damaged or wrong.
    """
    source, expected = Path(source), list(dict.fromkeys(expected))
    if not expected:
        raise ValueError(f"{source}: expected must name at least one sweep")
    if not source.exists():
        raise FileNotFoundError(f"{source} is missing: no predictions to read")
    found = dict(_in_folder(source, expected) if source.is_dir() else _in_csv(source))
    missing = [f"{subject}/{sweep}" for subject, sweep in expected if (subject, sweep) not in found]
    if missing:
        raise ValueError(
            f"{source} lacks predictions of {len(missing)} of {len(expected)} sweeps: "
            f"{', '.join(missing)}"
        )
    further = len(found) - len(expected)
    if further:
        log.info("%s: %d further predictions left out", source, further)
    return {key: found[key] for key in expected}


def read_prediction(source) -> PosePrediction:
    """Read the prediction of one sweep, whichever it is of.

    Parameters
    ----------
    source : path-like
        An .npz file under any name, or a .csv file that holds one sweep.

    Returns
    -------
    PosePrediction

    Raises
    ------
    FileNotFoundError
        If the source is missing.
    ValueError
        If it is damaged, or a table of several sweeps.
    """
    source = Path(source)
    if not source.is_file():
        raise FileNotFoundError(f"{source} is missing: no prediction to read")
    if source.suffix != ".csv":
        return _read_npz(source)
    found = dict(_in_csv(source))
    if len(found) != 1:
        names = ", ".join("/".join(key) for key in found) or "none"
        raise ValueError(f"{source} must hold the poses of one sweep, got {names}")
    return next(iter(found.values()))


def _in_folder(folder: Path, expected) -> Iterator[tuple[tuple[str, str], PosePrediction]]:
    """Yield the expected predictions that are there."""
    for key in expected:
        path = prediction_file(folder, *key)
        if path.is_file():
            one = _read_npz(path)
            found = (one.subject_id, one.sweep_id)
            if found != key:
                raise ValueError(f"{path} must be of {'/'.join(key)}, is {'/'.join(found)}")
            yield key, one


def _read_npz(path: Path) -> PosePrediction:
    """Return one prediction; arrays that are no part of it are left alone."""
    known = {field.name for field in fields(PosePrediction)}
    try:
        with np.load(path, allow_pickle=False) as stored:
            content = {name: stored[name] for name in stored.files if name in known}
        plain = {name: value.item() for name, value in content.items() if value.ndim == 0}
        return PosePrediction(**(content | plain))
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read as a prediction: {error}") from error


def _in_csv(path: Path) -> Iterator[tuple[tuple[str, str], PosePrediction]]:
    """Yield all predictions of a table."""
    text = {"subject_id": str, "sweep_id": str}
    table = tables.read(path, columns=(*KEY, *MATRIX), dtype=text)
    for key, rows in table.groupby(["subject_id", "sweep_id"], sort=False):
        yield key, _from_rows(path, key, rows.sort_values("frame_index"))


def _from_rows(path: Path, key: tuple[str, str], rows) -> PosePrediction:
    """Return one sweep's prediction; frames that the table leaves out have no pose."""
    index = rows["frame_index"].to_numpy()
    if not (np.issubdtype(index.dtype, np.integer) and (np.diff(index) > 0).all()):
        raise ValueError(
            f"{path}: frame_index of {key[0]}/{key[1]} must be whole numbers, each once"
        )
    T = np.full((index[-1] - index[0] + 1, 4, 4), np.nan)
    T[index - index[0], :3] = rows[list(MATRIX)].to_numpy(float).reshape(-1, 3, 4)
    T[np.isfinite(T[:, :3]).all(axis=(1, 2)), 3] = (0, 0, 0, 1)
    time_s = None
    if "time_s" in rows and rows["time_s"].notna().all() and len(rows) == len(T):
        time_s = rows["time_s"].to_numpy(float)
    try:
        return PosePrediction(*key, int(index[0]), T, time_s)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
