"""Prepared sweeps on disk: made once, read back without a copy.

Decides the file (an uncompressed .npz whose arrays can be mapped into memory) and when it is
made anew: when the recording, its session, the settings, the reference picture or the code
that prepares have changed. A file that is missing, damaged or of another origin is made again:
it is scratch. Deliberately decides no contents (see `preparation`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from hipus import sweep_cleaning
from hipus.files import atomic_path, sha256
from hipus.formats.cohort_layout import Cohort, find_sweep, session_file
from hipus.motion.preparation import PreparedSweep, prepare
from hipus.parallel import map_cases

log = logging.getLogger(__name__)

_ARRAYS = ("frames", "thumbnails", "flow", "time_s", "T_centre_to_world")
_TEXTS = ("subject_id", "sweep_id", "sweep_type", "side", "is_mirrored", "is_flipped")
_ABOUT, _TURNS, _EXTRA = "about", "imu_rotations", "extra."
#: Modules of this family that decide what a prepared sweep holds.
_PREPARING = ("attitude", "cleaning", "flow", "imu", "poses", "preparation", "stillness")
#: Fewer sweeps are prepared in this process: to start workers takes longer.
_FEW = 16
#: Arrays begin at multiples of this in the file, so that a mapped one is aligned.
_ALIGNMENT = 64
#: A zip entry's header has 30 bytes and its name; the field of sizes above 4 GiB has 20, the
#: head of any other extra field 4. The field's number is the one that Android's zipalign uses.
_HEADER, _SIZES, _FIELD, _PADDING_ID = 30, 20, 4, 0xD935


@dataclass(frozen=True)
class PreparationSettings:
    """How the sweeps of a cohort are prepared, see `preparation.prepare`.

    Attributes
    ----------
    input_px : int
    from_pictures : bool
    flow_method : str
    """

    input_px: int
    from_pictures: bool = False
    flow_method: str = "dis_fast"


def prepare_cohort(
    cohort: Cohort,
    rows: pd.DataFrame,
    *,
    folder,
    settings: PreparationSettings,
    reference_pictures: Mapping[str, np.ndarray] | None = None,
    workers: int | None = None,
) -> list[PreparedSweep]:
    """Prepare sweeps of a cohort, or read them back where that was done.

    Parameters
    ----------
    cohort : Cohort
    rows : pandas.DataFrame
        Rows of `cohort.sweeps`.
    folder : path-like
        Scratch; a sweep is kept in `<folder>/<subject>/<sweep>.npz`, about the size of its
        uncompressed frames plus 12 bytes per pixel of a thumbnail.
    settings : PreparationSettings
    reference_pictures : mapping of sweep type to numpy.ndarray (P, P), optional
        As `cleaning.mean_picture` returns them.
    workers : int, optional
        As for `parallel.map_cases`; fewer than 16 sweeps are prepared in this process.

    Returns
    -------
    list of PreparedSweep
        In the rows' order, arrays mapped read-only from the files.

    Raises
    ------
    CaseError
        If a sweep cannot be prepared: names it.
    """
    pictures = dict(reference_pictures or {})
    about_code = _code()
    cases, wanted = [], []
    for row in rows.itertuples():
        path = Path(folder) / row.subject_id / f"{row.sweep_id}.npz"
        key = _key(cohort, row, [asdict(settings), about_code], pictures.get(row.sweep_type))
        known = (row.subject_id, row.sweep_id, row.sweep_type, row.side)
        wanted.append((path, key))
        if not _is_there(path, key):
            cases.append((*known, path, key))
    if cases:
        make = partial(_make, cohort=cohort, settings=settings, pictures=pictures)
        title = f"preparing sweeps at {settings.input_px} px"
        workers = 1 if workers is None and len(cases) < _FEW else workers
        map_cases(make, cases, workers=workers, progress=title, name="{0[0]}/{0[1]}".format)
    return [load(path) for path, _ in wanted]


def _make(case: tuple, *, cohort: Cohort, settings: PreparationSettings, pictures: dict) -> None:
    """Prepare one sweep and keep it."""
    subject_id, sweep_id, sweep_type, side, path, key = case
    prepared = prepare(
        cohort.sweep(subject_id, sweep_id),
        subject_id=subject_id,
        sweep_id=sweep_id,
        sweep_type=sweep_type,
        side=side,
        reference_picture=pictures.get(sweep_type),
        **asdict(settings),
    )
    save(prepared, path, key=key)


def save(prepared: PreparedSweep, path, *, key: str = "") -> Path:
    """Write a prepared sweep.

    Parameters
    ----------
    prepared : PreparedSweep
    path : path-like
        Ending in `.npz`; `numpy.load` reads it too.
    key : str
        What it was made from.

    Returns
    -------
    pathlib.Path
    """
    about = {name: getattr(prepared, name) for name in _TEXTS}
    about |= {"first_frame": int(prepared.first_frame), "key": key}
    about["pixel_spacing_xy_mm"] = prepared.pixel_spacing_xy_mm
    arrays = {_ABOUT: np.array(json.dumps(about))}
    arrays |= {name: getattr(prepared, name) for name in _ARRAYS}
    if prepared.imu_rotations is not None:
        arrays[_TURNS] = prepared.imu_rotations
    arrays |= {_EXTRA + name: values for name, values in prepared.extra.items()}
    with atomic_path(path) as temporary:
        _write_aligned(temporary, arrays)
    return Path(path)


def load(path) -> PreparedSweep:
    """Read a prepared sweep; arrays are mapped, and read when they are used.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    PreparedSweep
        Arrays cannot be written to.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it is damaged or no prepared sweep.
    """
    try:
        arrays = _mapped(Path(path))
        about = json.loads(str(arrays.pop(_ABOUT)))
        spacing = about.pop("pixel_spacing_xy_mm")
        about.pop("key")
        extra = [name for name in arrays if name.startswith(_EXTRA)]
        return PreparedSweep(
            **about,
            **{name: arrays[name] for name in _ARRAYS},
            imu_rotations=arrays.get(_TURNS),
            pixel_spacing_xy_mm=None if spacing is None else tuple(spacing),
            extra={name.removeprefix(_EXTRA): arrays[name] for name in extra},
        )
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: no readable prepared sweep, {error!r}") from error


def _is_there(path: Path, key: str) -> bool:
    """Return whether a sweep was prepared from just this."""
    try:
        about = json.loads(str(_mapped(path)[_ABOUT]))
        return about["key"] == key
    except FileNotFoundError:
        return False
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        log.warning("%s is damaged (%r) and is made again", path, error)
        return False


def _key(cohort: Cohort, row, settings: list, picture: np.ndarray | None) -> str:
    """Return a name for all that a prepared sweep depends on, 64 hexadecimal digits."""
    files = [
        find_sweep(cohort.folder, row.subject_id, row.sweep_id),
        session_file(cohort.folder, row.subject_id, row.session_id),
    ]
    parts = [settings, row.side, row.sweep_type, *map(sha256, files)]
    seen = b"" if picture is None else np.ascontiguousarray(picture).tobytes()
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode() + seen).hexdigest()


def _code() -> list[str]:
    """Return what the preparing code is: an edit of it makes the sweeps again."""
    here = Path(__file__)
    files = [here.with_name(f"{name}.py") for name in _PREPARING]
    return [cv2.__version__, *(sha256(path) for path in [*files, sweep_cleaning.__file__])]


def _write_aligned(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an uncompressed .npz whose arrays begin at multiples of `_ALIGNMENT`."""
    with open(path, "wb") as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # dated 1980: equal arrays, equal bytes
            head = _HEADER + len(entry.filename) + _SIZES + _FIELD
            padding = -(stream.tell() + head) % _ALIGNMENT
            entry.extra = struct.pack("<HH", _PADDING_ID, padding) + bytes(padding)
            with archive.open(entry, "w", force_zip64=True) as part:
                np.lib.format.write_array(part, np.asarray(array, order="C"), (1, 0))


def _mapped(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an uncompressed .npz without reading them."""
    found = {}
    with open(path, "rb") as stream, zipfile.ZipFile(stream) as archive:
        content = np.memmap(stream, np.uint8, mode="r")
        for entry in archive.infolist():
            stream.seek(entry.header_offset + 26)
            lengths = struct.unpack("<HH", stream.read(4))
            stream.seek(entry.header_offset + _HEADER + sum(lengths))
            np.lib.format.read_magic(stream)
            shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
            offset = stream.tell()
            found[entry.filename.removesuffix(".npy")] = np.ndarray(shape, dtype, content, offset)
    return found
