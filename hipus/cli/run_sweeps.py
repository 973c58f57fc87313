"""A sweep as `hipus run` and `hipus fuse` take it: its files, what is stated, and its frames.

Decides that a side is always stated, since pictures alone do not tell which way a probe went,
and that a sweep called by the other side is refused. Whose poses it has: see `run_poses`.
Deliberately writes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from hipus.cli import origins, sources
from hipus.cli.untracked import CLARIUS_SUFFIX, read_mounting, read_untracked

#: Sweep ids that begin with a side, as cohorts of the study have them.
_SIDE = re.compile(r"(left|right)(?![a-z])", flags=re.IGNORECASE)
_TYPE = re.compile(r"(?:left|right)_(p_[ad])(?![a-z])", flags=re.IGNORECASE)
#: Where an `.mhd` keeps its pixels.
_PIXELS = re.compile(r"^ElementDataFile\s*=\s*([^/\\\r\n]+)", flags=re.MULTILINE)


class PoseChoice(StrEnum):
    """Whose poses are taken."""

    AUTO = "auto"
    TRACKED = "tracked"
    PREDICTED = "predicted"


@dataclass(frozen=True)
class Recording:
    """A sweep's file, and what a person states of it.

    Attributes
    ----------
    path : Path
    side : {"left", "right"}
    sweep_type : {"p_a", "p_d", ""}
        "" is a sweep taken whole.
    choice : PoseChoice
    image_to_probe, imu, imu_to_probe : Path or None
        Calibration, inertial log and the sensor's mounting, where the file has none.
    spacing_xy_mm : tuple of 2 float or None
        Side of a pixel, where there is no calibration.
    """

    path: Path
    side: str
    sweep_type: str = ""
    choice: PoseChoice = PoseChoice.AUTO
    image_to_probe: Path | None = None
    imu: Path | None = None
    imu_to_probe: Path | None = None
    spacing_xy_mm: tuple[float, float] | None = None

    @property
    def stem(self) -> str:
        """Return the file's name without its endings."""
        return self.path.name.split(".")[0]


def input_files(one: Recording) -> list[Path]:
    """Return every file that tells something of a sweep, its own first.

    Parameters
    ----------
    one : Recording

    Returns
    -------
    list of Path
        Those that are there: with the pixels of an `.mhd`, the logs of a Clarius recording, the
        calibration beside a scan, and what options name.
    """
    path, name = one.path, one.path.name.lower()
    beside = []
    if name.endswith(CLARIUS_SUFFIX):
        stem = path.stem.removesuffix("_env")
        beside = [path.with_suffix(".yml"), path.with_name(f"{stem}_imu.yml")]
    elif name.endswith(".mhd") and path.is_file():
        found = _PIXELS.search(path.read_text(encoding="latin-1"))
        beside = [path.with_name(found[1].strip())] if found else []
    named = (sources.calibration_beside(path), one.image_to_probe, one.imu, one.imu_to_probe)
    files = [path, *beside, *(file for file in named if file is not None)]
    return list(dict.fromkeys(file for file in files if file == path or file.is_file()))


def read(one: Recording):
    """Read pictures, scale and inertial samples of a sweep; poses are left behind.

    Parameters
    ----------
    one : Recording

    Returns
    -------
    hipus.sweep.Sweep

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If it is no sweep, its name says another side or type than is stated, or its scale is
        not known.
    """
    sweep = read_untracked(
        one.path,
        calibration=calibration_of(one),
        spacing_xy_mm=one.spacing_xy_mm,
        imu=one.imu,
        mounting=read_mounting(one.imu_to_probe) if one.imu_to_probe else None,
    )
    _check_name(one, sweep.sweep_id or one.stem)
    if sweep.pixel_spacing_xy_mm is None:
        raise ValueError(
            f"{one.path} does not state the size of a pixel: name --image-to-probe or "
            "--pixel-spacing-mm"
        )
    return sweep


def _check_name(one: Recording, name: str) -> None:
    """Refuse a sweep that is called by another side or type than is stated."""
    side, kind = _SIDE.match(name), _TYPE.match(name)
    if side is not None and side[1].lower() != one.side:
        raise ValueError(
            f"{one.path}: --side says {one.side}, the sweep is called {name!r}: is this the "
            "right file?"
        )
    if kind is not None and one.sweep_type and kind[1].lower() != one.sweep_type:
        raise ValueError(
            f"{one.path}: taken for a {one.sweep_type} sweep, it is called {name!r}: is this "
            "the right file?"
        )


def origin_of(one: Recording) -> str:
    """Return whether a sweep is "simulated" or "recorded", as far as its file tells.

    Parameters
    ----------
    one : Recording

    Returns
    -------
    str
    """
    return origins.origin_of(one.path, is_sequence=sources.is_sequence(one.path))


def place(one: Recording, sweep, prediction):
    """Return a sweep's frames with poses, a turned probe turned back.

    Parameters
    ----------
    one : Recording
    sweep : hipus.sweep.Sweep
        As `read` returns it.
    prediction : hipus.motion.predictions.PosePrediction
        As `run_poses.find_poses` finds it.

    Returns
    -------
    hipus.segmentation.sweep_volumes.StudySweep

    Raises
    ------
    ValueError
        If the probe did not travel far enough to tell how it was held; names the file.
    """
    from hipus.segmentation import application

    try:
        placed = application.open_sweep(sweep, prediction=prediction, side=one.side)
    except ValueError as error:
        raise ValueError(f"{one.path}: {error}") from error
    return replace(placed, subject_id=f"{one.side} hip", sweep_id=sweep.sweep_id or one.stem,
                   sweep_type=one.sweep_type)  # fmt: skip


def calibration_of(one: Recording):
    """Return the calibration that is named or lies beside a sweep, None where there is none.

    Parameters
    ----------
    one : Recording

    Returns
    -------
    numpy.ndarray (4, 4) or None
        `T_pixel_to_probe`.
    """
    path = one.image_to_probe or sources.calibration_beside(one.path)
    return sources.read_calibration(path) if path else None
