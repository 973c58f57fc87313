"""Surfaces of a hip for its page: numbers for the turning view, and a still picture of them.

Decides that surfaces travel inside the page, rounded to a thousandth of the hip, so that nothing
is ever loaded. The view itself is `templates/turning_surfaces.js`.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hipus.figures import overlays, style, surfaces
from hipus.labels import HipLabel, StillLabel

#: Half the side of the square that shows the Graf plane, in radii of everything.
_PLANE_SHARE = 0.75
_STILL_IN = (5.2, 3.9)
_LEVELS = 32000
_COLOURS = {label.name.lower(): colour for label, colour in overlays.SURFACE_COLOURS.items()} | {
    HipLabel.LABRUM.name.lower(): overlays.COLOURS[HipLabel.LABRUM],
    StillLabel.OS_ISCHIUM.name.lower(): style.PALETTE["published"],
}


def read_surfaces(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read the surfaces of a folder.

    Parameters
    ----------
    folder : Path
        With a `.stl` for each structure.

    Returns
    -------
    dict of str to (vertices, faces)
        (V, 3) float64 in mm and (F, 3) int64, by the files' names.

    Raises
    ------
    ValueError
        If a file holds no triangles.
    """
    import trimesh

    found = {}
    for path in sorted(folder.glob("*.stl")):
        mesh = trimesh.load(path, file_type="stl", force="mesh")
        if not len(mesh.faces):
            raise ValueError(f"{path} holds no triangles")
        found[path.stem] = np.asarray(mesh.vertices, float), np.asarray(mesh.faces, np.int64)
    return found


def view_data(shown: Mapping[str, tuple], plane: Mapping | None) -> dict:
    """Return what the turning view needs, as plain JSON.

    Parameters
    ----------
    shown : mapping of str to (vertices, faces)
        At least one.
    plane : mapping or None
        "graf_plane" of a report.

    Returns
    -------
    dict
        Places about the middle of all, as base64 of int16 times "unit_mm".
    """
    places = np.concatenate([vertices for vertices, _ in shown.values()])
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    radius = float(np.linalg.norm(places - middle, axis=1).max())
    unit = radius / _LEVELS
    return {
        "unit_mm": unit,
        "radius_mm": radius,
        "view_deg": list(surfaces.VIEW_DEG),
        "meshes": [
            {
                "title": name.replace("_", " "),
                "colour": _COLOURS.get(name, style.PALETTE["muted"]),
                "places": as_base64(np.rint((vertices - middle) / unit), "<i2"),
                "faces": as_base64(faces, "<u4"),
            }
            for name, (vertices, faces) in shown.items()
        ],
        "plane": plane and _corners(plane, middle, _PLANE_SHARE * radius),
        "axes": _axes(plane),
    }


def still_picture(shown: Mapping[str, tuple]) -> str:
    """Return a rendering of surfaces as a data URI.

    Parameters
    ----------
    shown : mapping of str to (vertices, faces)
        At least one.

    Returns
    -------
    str
        PNG with a transparent ground.
    """
    known = {label.name.lower(): label for label in overlays.SURFACE_COLOURS}
    labelled = {known.get(name, HipLabel.FEMORAL_HEAD): one for name, one in shown.items()}
    with style.look():
        figure, axes = style.new_figure(width_in=_STILL_IN[0], height_in=_STILL_IN[1])
        limits = surfaces.screen_limits([labelled])
        surfaces.show_surfaces(axes, labelled, limits, height_px=320)
        target = io.BytesIO()
        figure.savefig(target, format="png", dpi=150, metadata=style.SUFFIXES[".png"])
    return "data:image/png;base64," + base64.b64encode(target.getvalue()).decode("ascii")


def _corners(plane: Mapping, middle: np.ndarray, half_mm: float) -> list[list[float]]:
    """Return the corners of a square in the Graf plane, about the middle of all."""
    origin = np.asarray(plane["origin_xyz_mm"]) - middle
    lateral, superior = (np.asarray(plane[f"{name}_xyz"]) for name in ("lateral", "superior"))
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return [(origin + half_mm * (a * lateral + b * superior)).tolist() for a, b in signs]


def _axes(plane: Mapping | None) -> list:
    """Return the hip's directions where they are known, else those of the picture."""
    if plane is None:
        return [["x", [1, 0, 0]], ["y", [0, 1, 0]], ["z", [0, 0, 1]]]
    names = ("lateral", "posterior", "superior")
    return [[name, list(plane[f"{name}_xyz"])] for name in names]


def as_base64(values: np.ndarray, kind: str) -> str:
    """Return numbers as base64 of little-endian bytes.

    Parameters
    ----------
    values : numpy.ndarray
    kind : str
        NumPy's name of the bytes' type, for example "<i2".

    Returns
    -------
    str
    """
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode("ascii")
