"""An N-wire phantom and its registered pose, from a PLUS configuration file.

Decides which elements are needed and what is said when one is missing or malformed.
Deliberately reads nothing else of the configuration (devices, views, other transforms).
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from hipus.calibration.wires import NWirePhantom, SegmentationSettings

_SETTINGS = {
    "approximate_spacing_mm": ("ApproximateSpacingMmPerPixel", float),
    "opening_radius_mm": ("MorphologicalOpeningCircleRadiusMm", float),
    "threshold_percent": ("ThresholdImagePercent", float),
    "collinear_distance_mm": ("CollinearPointsMaxDistanceFromLineMm", float),
    "max_angle_difference_deg": ("MaxAngleDifferenceDegrees", float),
    "min_line_angle_deg": ("MinThetaDegrees", float),
    "max_line_angle_deg": ("MaxThetaDegrees", float),
    "max_candidates": ("NumberOfMaximumFiducialPointCandidates", int),
}


def read_phantom(path) -> NWirePhantom:
    """Read an N-wire phantom from a PLUS configuration.

    Parameters
    ----------
    path : path-like
        XML with `PhantomDefinition`, `Segmentation` and, in `CoordinateDefinitions`, the
        transform from `Phantom` to `Reference`.

    Returns
    -------
    NWirePhantom

    Raises
    ------
    ValueError
        Naming the file and the missing or malformed element, or the fault of the wires.
    """
    path = Path(path)
    root = parse(path)
    patterns = root.findall("PhantomDefinition/Geometry/Pattern")
    if not patterns:
        raise ValueError(f"{path.name}: no PhantomDefinition/Geometry/Pattern element")
    wires = [wire for pattern in patterns for wire in _pattern_wires(path, pattern)]
    try:
        return NWirePhantom(
            names=tuple(attribute(path, wire, "Name") for wire in wires),
            front_mm=np.array([numbers(path, wire, "EndPointFront", 3) for wire in wires]),
            back_mm=np.array([numbers(path, wire, "EndPointBack", 3) for wire in wires]),
            T_phantom_to_reference=_phantom_transform(path, root),
            segmentation=_segmentation(path, root),
        )
    except ValueError as error:
        if str(error).startswith(path.name):
            raise
        raise ValueError(f"{path.name}: {error}") from error


def parse(path: Path) -> ElementTree.Element:
    """Return the root element of an XML file.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    xml.etree.ElementTree.Element

    Raises
    ------
    ValueError
        If the file is not well-formed.
    """
    try:
        return ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{path.name}: not well-formed XML ({error})") from error


def _pattern_wires(path: Path, pattern: ElementTree.Element) -> list[ElementTree.Element]:
    """Return a pattern's three wires."""
    kind = pattern.get("Type")
    if kind != "NWire":
        raise ValueError(f'{path.name}: Pattern Type must be "NWire", got {kind!r}')
    wires = pattern.findall("Wire")
    if len(wires) != 3:
        raise ValueError(f"{path.name}: an NWire Pattern has 3 Wire elements, got {len(wires)}")
    return wires


def _phantom_transform(path: Path, root: ElementTree.Element) -> np.ndarray:
    """Return the registered pose of the phantom."""
    for element in root.findall("CoordinateDefinitions/Transform"):
        if (element.get("From"), element.get("To")) == ("Phantom", "Reference"):
            return np.array(numbers(path, element, "Matrix", 16)).reshape(4, 4)
    raise ValueError(
        f'{path.name}: CoordinateDefinitions has no Transform From="Phantom" To="Reference": '
        "register the phantom first"
    )


def _segmentation(path: Path, root: ElementTree.Element) -> SegmentationSettings:
    """Return the settings of the wire finder; only the pixel size has no default."""
    element = root.find("Segmentation")
    if element is None:
        raise ValueError(f"{path.name}: no Segmentation element")
    settings = {}
    for field, (name, kind) in _SETTINGS.items():
        if element.get(name) is not None or field == "approximate_spacing_mm":
            settings[field] = kind(numbers(path, element, name, 1)[0])
    for field, name in (("clip_origin_px", "Origin"), ("clip_size_px", "Size")):
        if element.get(f"ClipRectangle{name}") is not None:
            corner = numbers(path, element, f"ClipRectangle{name}", 2)
            settings[field] = (int(corner[0]), int(corner[1]))
    return SegmentationSettings(**settings)


def attribute(path: Path, element: ElementTree.Element, name: str) -> str:
    """Return an attribute that must be there.

    Parameters
    ----------
    path : pathlib.Path
        Named in messages.
    element : xml.etree.ElementTree.Element
    name : str
        The attribute's name.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the element lacks it.
    """
    value = element.get(name)
    if value is None:
        raise ValueError(f"{path.name}: {element.tag} has no attribute {name}")
    return value


def numbers(path: Path, element: ElementTree.Element, name: str, count: int) -> list[float]:
    """Return an attribute's numbers.

    Parameters
    ----------
    path : pathlib.Path
        Named in messages.
    element : xml.etree.ElementTree.Element
    name : str
        The attribute's name.
    count : int
        How many there must be.

    Returns
    -------
    list of float

    Raises
    ------
    ValueError
        If the element lacks it, or it is not that many finite numbers.
    """
    text = attribute(path, element, name)
    try:
        values = [float(word) for word in text.split()]
    except ValueError:
        values = []
    if len(values) != count or not all(math.isfinite(value) for value in values):
        raise ValueError(
            f"{path.name}: {element.tag} {name} must be {count} numbers, got {text.strip()!r}"
        )
    return values
