"""params.yaml -> frozen dataclasses.

Decides which keys a profile has; an unknown, missing or mistyped one is an error, so that a
misspelt setting can never be ignored. Deliberately reads nothing else: no environment, no
command line, no second file.
"""

from __future__ import annotations

import types
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from hipus import paths, plain_yaml
from hipus.measuring_settings import HipAngles, HipFusion, HipMeasures
from hipus.motion_settings import Motion, MotionArms, MotionSpacing
from hipus.segmentation_settings import (
    ModelNumbers,
    SegmentationArms,
    SegmentationScores,
    Stills,
    SweepVolumes,
    VolumeGrades,
    VolumeLabels,
)
from hipus.settings import (
    Calibration,
    CalibrationSimulated,
    Cohort,
    Common,
    DecorrelationCurves,
    MotionVolumes,
    PoseRefinement,
    Raters,
    Realism,
    Reconstruction,
)

_MAX_BYTES = 1 << 20


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
    motion: Motion
    decorrelation_curves: DecorrelationCurves
    motion_volumes: MotionVolumes
    pose_refinement: PoseRefinement
    sweep_volumes: SweepVolumes
    model_21: ModelNumbers
    model_22: ModelNumbers
    model_23: ModelNumbers
    volume_labels: VolumeLabels
    model_31: ModelNumbers
    model_32: ModelNumbers
    segmentation_scores: SegmentationScores
    volume_grades: VolumeGrades
    hip_measures: HipMeasures
    hip_angles: HipAngles
    hip_fusion: HipFusion
    motion_arms: MotionArms
    motion_spacing: MotionSpacing
    segmentation_arms: SegmentationArms
    stills: Stills


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
