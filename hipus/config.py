"""params.yaml -> frozen dataclasses.

Decides which keys a profile has; an unknown, missing or mistyped one is an error, so that a
misspelt setting can never be ignored. Deliberately reads nothing else: no environment, no
command line, no second file.
"""

from __future__ import annotations

import math
import re
import types
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from hipus import paths, plain_yaml

_MAX_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
SOURCES = ("simulated", "folder")


class _Sizes:
    """A block that holds nothing but positive numbers."""

    def __post_init__(self) -> None:
        """Check that every size is one."""
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0 < value < math.inf:
                raise ValueError(f"{item.name} must be > 0 and finite, got {value}")


@dataclass(frozen=True)
class Common:
    """Settings shared by all profiles.

    Attributes
    ----------
    seed : int
        Root of every random generator.
    simulation_sha256 : str
        Fingerprint of the frozen parameters of the simulation, 64 hexadecimal digits
        (`hipus.phantom.cohort.frozen`).
    """

    seed: int
    simulation_sha256: str

    def __post_init__(self) -> None:
        """Check that the fingerprint is one."""
        if not _SHA256.fullmatch(self.simulation_sha256):
            raise ValueError(
                f"simulation_sha256 must be 64 hexadecimal digits, got {self.simulation_sha256!r}"
            )


@dataclass(frozen=True)
class Calibration(_Sizes):
    """Size of the calibration study.

    Attributes
    ----------
    frame_step, validation_frame_step : int
        Every n-th frame of the calibration and of the validation sweep is used.
    bootstrap : int
        Resamples of whole frames.
    lag_scan_step_s : float
        Step of the lag grid of the joint space-and-time calibration.
    """

    frame_step: int
    validation_frame_step: int
    bootstrap: int
    lag_scan_step_s: float


@dataclass(frozen=True)
class Reconstruction(_Sizes):
    """Size of the reconstruction study.

    Attributes
    ----------
    resliced_frames : int
        Frames left out one at a time and predicted from the others.
    """

    resliced_frames: int


@dataclass(frozen=True)
class Cohort:
    """Where the cohort comes from, and how large a simulated one is.

    Attributes
    ----------
    source : {"simulated", "folder"}
    path : str or None
        The folder's; a relative one begins beside params.yaml.
    study_train, ..., volume_spacing_mm
        Sizes of a simulated cohort, as `hipus.phantom.cohort.settings.CohortSettings` says
        and checks.
    """

    source: str
    path: str | None
    study_train: int
    study_validation: int
    study_test: int
    labelled_2d: tuple[int, ...]
    labelled_3d: tuple[int, ...]
    test_subjects: int
    training_only_subjects: int
    centre2_subjects: int
    dysplastic_subjects: int
    repeats_subjects: int
    grid_subjects: int
    grid_path_mm: tuple[float, ...]
    grid_duration_s: tuple[float, ...]
    grid_motion: tuple[float, ...]
    graf_subjects: int
    frame_rows: int
    frame_columns: int
    line_count: int
    sample_pitch_mm: float
    scene_spacing_mm: float
    volume_spacing_mm: float

    def __post_init__(self) -> None:
        """Check that a folder is named when one is asked for, and only then."""
        if self.source not in SOURCES:
            raise ValueError(f"source must be one of {SOURCES}, got {self.source!r}")
        if (self.source == "folder") != bool(self.path):
            raise ValueError(
                f"path must name the cohort's folder when source is folder, and be null "
                f"otherwise, got {self.path!r} with source {self.source!r}"
            )


@dataclass(frozen=True)
class Realism(_Sizes):
    """Size of the comparison of simulated with real pictures.

    Attributes
    ----------
    pictures : int
        Simulated infants, one picture each.
    volume_sweeps : int
        Sweeps of the cohort that are put into volumes for the printed normalisation.
    """

    pictures: int
    volume_sweeps: int

    def __post_init__(self) -> None:
        """Check that every size is one; a classifier needs two pictures."""
        super().__post_init__()
        if self.pictures < 2:
            raise ValueError(f"pictures must be >= 2, got {self.pictures}")


@dataclass(frozen=True)
class Raters(_Sizes):
    """Size of the study of raters.

    Attributes
    ----------
    subjects : int
        Infants whose sweeps are annotated.
    pairs : int
        Of raters for each sweep.
    """

    subjects: int
    pairs: int


@dataclass(frozen=True)
class CalibrationSimulated(_Sizes):
    """Size of the calibration study on simulated phantoms.

    Attributes
    ----------
    sessions : int
        Of each phantom, and water tanks.
    frames : int
        Of one session.
    """

    sessions: int
    frames: int


@dataclass(frozen=True)
class Study:
    """One profile of params.yaml."""

    profile: str
    common: Common
    calibration: Calibration
    reconstruction: Reconstruction
    cohort: Cohort
    realism: Realism
    raters: Raters
    calibration_simulated: CalibrationSimulated


def load(profile: str, path: str | Path | None = None) -> Study:
    """Load one profile.

    Parameters
    ----------
    profile : str
        One of the names under `profiles`.
    path : path-like, optional
        Another params.yaml than the study's.

    Returns
    -------
    Study

    Raises
    ------
    FileNotFoundError
        If params.yaml is missing.
    ValueError
        If the profile is unknown, or a key is unknown, missing or of the wrong type.
    """
    path = Path(path) if path else paths.params_file()
    params = _read(path)
    known = params["profiles"]
    if profile not in known:
        raise ValueError(f"{path.name}: profile must be one of {known}, got {profile!r}")
    if profile not in params:
        raise ValueError(f"{path.name}: profile {profile!r} is listed but has no block")
    where = f"{path.name}: {profile}"
    block = params[profile]
    if not isinstance(block, dict) or {"profile", "common"} & set(block):
        raise ValueError(f"{where} must be a block without `profile` and `common`, got {block!r}")
    block = {"profile": profile, "common": params.get("common"), **block}
    return _build(Study, block, where=where)


def profiles(path: str | Path | None = None) -> tuple[str, ...]:
    """Return the names of all profiles, smallest first."""
    return tuple(_read(Path(path) if path else paths.params_file())["profiles"])


def _read(path: Path) -> dict[str, Any]:
    """Return params.yaml as nested dicts."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: run from a checkout, or set HIPUS_ROOT")
    documents = plain_yaml.read_documents(path, max_bytes=_MAX_BYTES)
    params = documents[0] if len(documents) == 1 else None
    if not isinstance(params, dict) or not isinstance(params.get("profiles"), list):
        raise ValueError(f"{path.name} must have a list `profiles`, got {plain_yaml.short(params)}")
    return params


def _build(kind: type, values: Any, where: str) -> Any:
    """Build a dataclass from nested dicts, refusing surprises."""
    if not isinstance(values, dict):
        raise ValueError(f"{where} must be a block of keys, got {values!r}")
    hints = get_type_hints(kind)
    names = [item.name for item in fields(kind)]
    unknown = sorted(str(key) for key in set(values) - set(names))
    missing = sorted(set(names) - set(values))
    if unknown or missing:
        raise ValueError(f"{where}: unknown keys {unknown}, missing keys {missing}")
    checked = {name: _value(hints[name], values[name], f"{where}.{name}") for name in names}
    try:
        return kind(**checked)
    except ValueError as error:
        raise ValueError(f"{where}.{error}") from error


def _value(kind: Any, value: Any, where: str) -> Any:
    """Return one checked value; an int is accepted where a float is asked for."""
    if is_dataclass(kind):
        return _build(kind, value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    base = getattr(kind, "__origin__", kind)
    if base is tuple and isinstance(value, list):
        return tuple(
            _value(kind.__args__[0], part, f"{where}[{i}]") for i, part in enumerate(value)
        )
    allowed = kind.__args__ if isinstance(kind, types.UnionType) else (base,)
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise ValueError(f"{where} must be {getattr(kind, '__name__', kind)}, got {value!r}")
    return value
