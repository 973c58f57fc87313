"""What PLUS's fCal wrote about a calibration of its own: its dots, its matrix, its errors.

Decides how that report becomes arrays, so that its solution can be reproduced from its dots
and ours set beside it. Deliberately computes nothing.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus import geometry
from hipus.calibration.plus_config import attribute, numbers, parse


@dataclass(frozen=True)
class PlusFrames:
    """What fCal lists of one sweep; NaN in frames whose wires it did not find.

    Attributes
    ----------
    points_px : numpy.ndarray (F, 3 L, 2)
        Dots in the order of `PlusResults.wire_names`.
    T_probe_to_reference : numpy.ndarray (F, 4, 4)
    reprojection_mm : numpy.ndarray (F, L)
        3D errors of the middle wires.
    error_mm_mean, error_mm_sd : float
        As printed: of the best 95 %.
    """

    points_px: np.ndarray
    T_probe_to_reference: np.ndarray
    reprojection_mm: np.ndarray
    error_mm_mean: float
    error_mm_sd: float

    @property
    def frames_used(self) -> int:
        """Return the number of frames whose wires fCal found."""
        return int(np.isfinite(self.points_px).all(axis=(1, 2)).sum())


@dataclass(frozen=True)
class PlusResults:
    """fCal's report.

    Attributes
    ----------
    wire_names : tuple of str (3 L)
    T_pixel_to_probe : numpy.ndarray (4, 4)
        PLUS's ImageToProbe, whose image frame is in pixels.
    calibration, validation : PlusFrames
    """

    wire_names: tuple[str, ...]
    T_pixel_to_probe: np.ndarray
    calibration: PlusFrames
    validation: PlusFrames


def read_plus_results(path) -> PlusResults:
    """Read fCal's calibration report.

    Parameters
    ----------
    path : path-like
        A `*.results.xml` written by fCal.

    Returns
    -------
    PlusResults

    Raises
    ------
    ValueError
        Naming the file and what is missing or malformed in it.
    """
    path = Path(path)
    root = parse(path)
    matrix = _element(path, root, "CalibrationResults/Transform")
    T = np.array(numbers(path, matrix, "Matrix", 16)).reshape(4, 4)
    wires = root.findall("ErrorReport/ReprojectionError2DStatistics/Wire")
    names = tuple(attribute(path, wire, "Name") for wire in wires)
    if not names or len(names) % 3:
        raise ValueError(f"{path.name}: ErrorReport must list 3 wires a pattern, got {len(names)}")
    return PlusResults(
        wire_names=names,
        T_pixel_to_probe=geometry.check_transform(T, f"{path.name}: Matrix", rigid=False),
        calibration=_frames(path, root, "Calibration", names),
        validation=_frames(path, root, "Validation", names),
    )


def _element(path: Path, root: ElementTree.Element, where: str) -> ElementTree.Element:
    """Return an element that must be there."""
    element = root.find(where)
    if element is None:
        raise ValueError(f"{path.name}: no {where} element")
    return element


def _frames(path: Path, root: ElementTree.Element, which: str, names: tuple[str, ...]):
    """Return the frames of one sweep."""
    printed = _element(path, root, "ErrorReport/ReprojectionError3DStatistics")
    frames = _element(path, root, f"ErrorReport/{which}Data").findall("Frame")
    if not frames:
        raise ValueError(f"{path.name}: ErrorReport/{which}Data has no Frame element")
    return PlusFrames(
        points_px=np.stack([_points(path, frame, names) for frame in frames]),
        T_probe_to_reference=np.stack([_pose(path, frame) for frame in frames]),
        reprojection_mm=np.stack([_errors(path, frame, names) for frame in frames]),
        error_mm_mean=numbers(path, printed, f"{which}MeanMm", 1)[0],
        error_mm_sd=numbers(path, printed, f"{which}StdDevMm", 1)[0],
    )


def _is_found(frame: ElementTree.Element) -> bool:
    """Tell whether fCal found the wires in a frame."""
    return frame.get("SegmentationStatus") == "OK"


def _points(path: Path, frame: ElementTree.Element, names: tuple[str, ...]) -> np.ndarray:
    """Return a frame's dots in the order of the wires, (3 L, 2)."""
    if not _is_found(frame):
        return np.full((len(names), 2), np.nan)
    found = {
        attribute(path, point, "WireName"): numbers(path, point, "Position", 3)[:2]
        for point in frame.findall("SegmentedPoints/Point")
    }
    return np.array([_named(path, frame, found, name) for name in names])


def _errors(path: Path, frame: ElementTree.Element, names: tuple[str, ...]) -> np.ndarray:
    """Return a frame's 3D errors in the order of the middle wires, (L,)."""
    if not _is_found(frame):
        return np.full(len(names) // 3, np.nan)
    found = {
        attribute(path, error, "WireName"): numbers(path, error, "ErrorMm", 1)[0]
        for error in frame.findall("ReprojectionError3DList/ReprojectionError3D")
    }
    return np.array([_named(path, frame, found, name) for name in names[1::3]])


def _named(path: Path, frame: ElementTree.Element, found: dict, name: str):
    """Return a wire's entry."""
    if name not in found:
        raise ValueError(f"{path.name}: Frame {frame.get('Index')} lists no wire {name}")
    return found[name]


def _pose(path: Path, frame: ElementTree.Element) -> np.ndarray:
    """Return a frame's probe pose, NaN where the wires or the pose are invalid, (4, 4)."""
    if not _is_found(frame):
        return np.full((4, 4), np.nan)
    fields = {field.get("Name"): field for field in frame.findall("TrackedFrame/CustomFrameField")}
    poses = []
    for name in ("ReferenceToTrackerTransform", "ProbeToTrackerTransform"):
        if name not in fields:
            raise ValueError(f"{path.name}: Frame {frame.get('Index')} has no {name}")
        status = fields.get(f"{name}Status")
        if status is not None and status.get("Value") != "OK":
            return np.full((4, 4), np.nan)
        poses.append(np.array(numbers(path, fields[name], "Value", 16)).reshape(4, 4))
    return geometry.relative(poses[0], poses[1])
