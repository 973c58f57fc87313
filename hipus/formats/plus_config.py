"""Read what a PLUS configuration XML says about transforms and volume reconstruction.

Decides nothing but the reading: values keep PLUS's meaning (an Image frame in pixels, a clip
rectangle whose far edge is included) under names with units. Deliberately ignores devices,
rendering and segmentation; phantoms are read where they are used. `plus_xml` does the parsing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from hipus import geometry
from hipus.formats.plus_xml import matrix, numbers, parse, whole_numbers

INTERPOLATIONS = {"NEAREST_NEIGHBOR": "nearest", "LINEAR": "linear"}
COMPOUNDINGS = {"MEAN": "mean", "MAXIMUM": "maximum", "LATEST": "latest"}


@dataclass(frozen=True)
class ReconstructionSettings:
    """The `VolumeReconstruction` element of a PLUS configuration.

    Attributes
    ----------
    spacing_xyz_mm : tuple of 3 float
    interpolation : {"nearest", "linear"}
    compounding : {"mean", "maximum", "latest"}
    clip_origin_px, clip_size_px : tuple of 2 int or None
        u and v. PLUS uses pixels up to and including origin + size, as far as there are any.
    fan_angles_deg, fan_origin_px, fan_radii_px : tuple of 2 float or None
        All three or none.
    stick_length_limit, stick_count : int or None
        None where holes are not filled.
    """

    spacing_xyz_mm: tuple[float, float, float]
    interpolation: str
    compounding: str
    clip_origin_px: tuple[int, int] | None = None
    clip_size_px: tuple[int, int] | None = None
    fan_angles_deg: tuple[float, float] | None = None
    fan_origin_px: tuple[float, float] | None = None
    fan_radii_px: tuple[float, float] | None = None
    stick_length_limit: int | None = None
    stick_count: int | None = None


def read_transform(path: str | os.PathLike, source: str, target: str) -> np.ndarray:
    """Read one transform of `CoordinateDefinitions`.

    Parameters
    ----------
    path : path-like
    source, target : str
        Names of coordinate frames, for example "Image" and "Probe".

    Returns
    -------
    numpy.ndarray (4, 4) float64
        Maps column vectors from source to target, mm. From "Image" it maps pixels.

    Raises
    ------
    ValueError
        Naming file and element: no XML, no such transform (with those there are), no 16
        numbers, a singular matrix.
    """
    name, definitions = Path(path).name, _element(path, "CoordinateDefinitions")
    there = {(t.get("From"), t.get("To")): t for t in definitions.iter("Transform")}
    if (source, target) not in there:
        known = ", ".join(f"{a} to {b}" for a, b in there) or "none"
        raise ValueError(f"{name}: no Transform from {source} to {target}; there are: {known}")
    place = f"{name}: {source} to {target}"
    T = matrix(there[source, target], "Matrix", place)
    T = geometry.check_transform(T, place, rigid=False)
    if abs(np.linalg.det(T[:3, :3])) < 1e-15:
        raise ValueError(f"{place}: Matrix must be invertible, got determinant 0")
    return T


def read_reconstruction_settings(path: str | os.PathLike) -> ReconstructionSettings:
    """Read the settings of a volume reconstruction.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    ReconstructionSettings

    Raises
    ------
    ValueError
        Naming file, element and attribute, for missing or malformed ones.
    """
    element = _element(path, "VolumeReconstruction")
    place = Path(path).name
    fan = ("FanAnglesDeg", "FanOriginPixel", "FanRadiusStartPixel", "FanRadiusStopPixel")
    has_fan = any(name in element.attrib for name in fan)
    radii = [numbers(element, name, place, count=1)[0] for name in fan[2:]] if has_fan else None
    clip = ("ClipRectangleOrigin", "ClipRectangleSize")
    has_clip = any(name in element.attrib for name in clip)
    corner, size = (whole_numbers(element, n, place, count=2) if has_clip else None for n in clip)
    limit, count = _sticks(element, place)
    return ReconstructionSettings(
        spacing_xyz_mm=numbers(element, "OutputSpacing", place, count=3),
        interpolation=_choice(element, "Interpolation", INTERPOLATIONS, place),
        compounding=_choice(element, "CompoundingMode", COMPOUNDINGS, place),
        clip_origin_px=corner,
        clip_size_px=size,
        fan_angles_deg=numbers(element, fan[0], place, count=2) if has_fan else None,
        fan_origin_px=numbers(element, fan[1], place, count=2) if has_fan else None,
        fan_radii_px=tuple(radii) if has_fan else None,
        stick_length_limit=limit,
        stick_count=count,
    )


def _element(path: str | os.PathLike, name: str) -> Element:
    """Return the first element of a name in a file."""
    root = parse(path)
    found = root if root.tag == name else root.find(f".//{name}")
    if found is None:
        raise ValueError(f"{Path(path).name}: no {name} element")
    return found


def _sticks(element: Element, place: str) -> tuple[int | None, int | None]:
    """Return stick length limit and count, None where holes are not filled."""
    if element.get("FillHoles", "OFF").strip().upper() != "ON":
        return None, None
    filling = element.find("HoleFilling/HoleFillingElement")
    kind = None if filling is None else filling.get("Type", "").strip()
    if kind != "STICK":
        raise ValueError(f"{place}: FillHoles needs a HoleFillingElement of Type STICK, got {kind}")
    (limit,) = whole_numbers(filling, "StickLengthLimit", place, count=1)
    (count,) = whole_numbers(filling, "NumberOfSticksToUse", place, count=1)
    return limit, count


def _choice(element: Element, name: str, choices: dict[str, str], place: str) -> str:
    """Return our name of a method."""
    given = element.get(name, "").strip().upper()
    if given not in choices:
        raise ValueError(
            f"{place}: {element.tag} {name} must be one of {sorted(choices)}, got {given!r}"
        )
    return choices[given]
