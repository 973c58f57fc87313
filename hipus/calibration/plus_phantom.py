"""An N-wire phantom and its registered pose, from a PLUS configuration file.

Decides which elements are needed and what is said when one is missing or malformed.
Deliberately reads nothing else of the configuration: `formats.plus_config` reads transforms
and the settings of a volume reconstruction.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from hipus.calibration.wires import NWirePhantom, SegmentationSettings
from hipus.formats.plus_xml import attribute, matrix, numbers, parse, whole_numbers

_SETTINGS = {
    "approximate_spacing_mm": ("ApproximateSpacingMmPerPixel", numbers),
    "opening_radius_mm": ("MorphologicalOpeningCircleRadiusMm", numbers),
    "threshold_percent": ("ThresholdImagePercent", numbers),
    "collinear_distance_mm": ("CollinearPointsMaxDistanceFromLineMm", numbers),
    "max_angle_difference_deg": ("MaxAngleDifferenceDegrees", numbers),
    "min_line_angle_deg": ("MinThetaDegrees", numbers),
    "max_line_angle_deg": ("MaxThetaDegrees", numbers),
    "max_candidates": ("NumberOfMaximumFiducialPointCandidates", whole_numbers),
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
    name = path.name
    patterns = root.findall("PhantomDefinition/Geometry/Pattern")
    if not patterns:
        raise ValueError(f"{name}: no PhantomDefinition/Geometry/Pattern element")
    wires = [wire for pattern in patterns for wire in _pattern_wires(pattern, name)]
    try:
        return NWirePhantom(
            names=tuple(attribute(wire, "Name", name) for wire in wires),
            front_mm=np.array([numbers(wire, "EndPointFront", name, count=3) for wire in wires]),
            back_mm=np.array([numbers(wire, "EndPointBack", name, count=3) for wire in wires]),
            T_phantom_to_reference=_phantom_transform(root, name),
            segmentation=_segmentation(root, name),
        )
    except ValueError as error:
        if str(error).startswith(name):
            raise
        raise ValueError(f"{name}: {error}") from error


def _pattern_wires(pattern: Element, where: str) -> list[Element]:
    """Return a pattern's three wires."""
    kind = pattern.get("Type")
    if kind != "NWire":
        raise ValueError(f'{where}: Pattern Type must be "NWire", got {kind!r}')
    wires = pattern.findall("Wire")
    if len(wires) != 3:
        raise ValueError(f"{where}: an NWire Pattern has 3 Wire elements, got {len(wires)}")
    return wires


def _phantom_transform(root: Element, where: str) -> np.ndarray:
    """Return the registered pose of the phantom."""
    for element in root.findall("CoordinateDefinitions/Transform"):
        if (element.get("From"), element.get("To")) == ("Phantom", "Reference"):
            return matrix(element, "Matrix", where)
    raise ValueError(
        f'{where}: CoordinateDefinitions has no Transform From="Phantom" To="Reference": '
        "register the phantom first"
    )


def _segmentation(root: Element, where: str) -> SegmentationSettings:
    """Return the settings of the wire finder; only the pixel size has no default."""
    element = root.find("Segmentation")
    if element is None:
        raise ValueError(f"{where}: no Segmentation element")
    settings = {}
    for field, (name, read) in _SETTINGS.items():
        if element.get(name) is not None or field == "approximate_spacing_mm":
            (settings[field],) = read(element, name, where, count=1)
    for field, name in (("clip_origin_px", "Origin"), ("clip_size_px", "Size")):
        if element.get(f"ClipRectangle{name}") is not None:
            settings[field] = whole_numbers(element, f"ClipRectangle{name}", where, count=2)
    return SegmentationSettings(**settings)
