"""What PLUS's fCal wrote about a calibration of its own: its dots, its matrix, its errors.

Decides how that report becomes arrays, so that its solution can be reproduced from its dots
and ours set beside it. Deliberately computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from hipus import geometry
from hipus.formats.plus_xml import attribute, matrix, numbers, parse


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
    root, name = parse(path), Path(path).name
    T = matrix(_element(root, "CalibrationResults/Transform", name), "Matrix", name)
    wires = root.findall("ErrorReport/ReprojectionError2DStatistics/Wire")
    names = tuple(attribute(wire, "Name", name) for wire in wires)
    if not names or len(names) % 3:
        raise ValueError(f"{name}: ErrorReport must list 3 wires a pattern, got {len(names)}")
    return PlusResults(
        wire_names=names,
        T_pixel_to_probe=geometry.check_transform(T, f"{name}: Matrix", rigid=False),
        calibration=_frames(root, "Calibration", names, name),
        validation=_frames(root, "Validation", names, name),
    )


def _element(root: Element, place: str, where: str) -> Element:
    """Return an element that must be there."""
    element = root.find(place)
    if element is None:
        raise ValueError(f"{where}: no {place} element")
    return element


def _frames(root: Element, which: str, names: tuple[str, ...], where: str) -> PlusFrames:
    """Return the frames of one sweep."""
    printed = _element(root, "ErrorReport/ReprojectionError3DStatistics", where)
    frames = _element(root, f"ErrorReport/{which}Data", where).findall("Frame")
    if not frames:
        raise ValueError(f"{where}: ErrorReport/{which}Data has no Frame element")
    return PlusFrames(
        points_px=np.stack([_points(frame, names, where) for frame in frames]),
        T_probe_to_reference=np.stack([_pose(frame, where) for frame in frames]),
        reprojection_mm=np.stack([_errors(frame, names, where) for frame in frames]),
        error_mm_mean=numbers(printed, f"{which}MeanMm", where, count=1)[0],
        error_mm_sd=numbers(printed, f"{which}StdDevMm", where, count=1)[0],
    )


def _is_found(frame: Element) -> bool:
    """Tell whether fCal found the wires in a frame."""
    return frame.get("SegmentationStatus") == "OK"


def _points(frame: Element, names: tuple[str, ...], where: str) -> np.ndarray:
    """Return a frame's dots in the order of the wires, (3 L, 2)."""
    if not _is_found(frame):
        return np.full((len(names), 2), np.nan)
    found = {
        attribute(point, "WireName", where): numbers(point, "Position", where, count=3)[:2]
        for point in frame.findall("SegmentedPoints/Point")
    }
    return np.array([_named(frame, found, name, where) for name in names])


def _errors(frame: Element, names: tuple[str, ...], where: str) -> np.ndarray:
    """Return a frame's 3D errors in the order of the middle wires, (L,)."""
    if not _is_found(frame):
        return np.full(len(names) // 3, np.nan)
    found = {
        attribute(error, "WireName", where): numbers(error, "ErrorMm", where, count=1)[0]
        for error in frame.findall("ReprojectionError3DList/ReprojectionError3D")
    }
    return np.array([_named(frame, found, name, where) for name in names[1::3]])


def _named(frame: Element, found: dict, name: str, where: str):
    """Return a wire's entry."""
    if name not in found:
        raise ValueError(f"{where}: Frame {frame.get('Index')} lists no wire {name}")
    return found[name]


def _pose(frame: Element, where: str) -> np.ndarray:
    """Return a frame's probe pose, NaN where the wires or the pose are invalid, (4, 4)."""
    if not _is_found(frame):
        return np.full((4, 4), np.nan)
    fields = {field.get("Name"): field for field in frame.findall("TrackedFrame/CustomFrameField")}
    poses = []
    for name in ("ReferenceToTrackerTransform", "ProbeToTrackerTransform"):
        if name not in fields:
            raise ValueError(f"{where}: Frame {frame.get('Index')} has no {name}")
        status = fields.get(f"{name}Status")
        if status is not None and status.get("Value") != "OK":
            return np.full((4, 4), np.nan)
        poses.append(matrix(fields[name], "Value", where))
    return geometry.relative(poses[0], poses[1])
