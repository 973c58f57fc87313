"""The turning hip of the report, with a slider that cuts it from front to back.

Decides that everything travels inside the fragment, so that an archived page stays alive, that
a still picture and a table stand where there is no WebGL or no script, and how sections are
oriented (lateral on top, cranial on the left, as at the machine). Computes no measure: numbers
come from stage `hip_scene`.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np

from hipus import paths
from hipus.figures import overlays, style
from hipus.report import hip_page_view, hip_scene_words
from hipus.report.hip_scene_drawing import outlines

_TEMPLATES = Path(__file__).parent / "templates"
STAGE = "hip_scene"
#: The paper's colours of surfaces.
_COLOURS = {label.name.lower(): colour for label, colour in overlays.SURFACE_COLOURS.items()}
_NAMES = overlays.SPOKEN
#: Turn about the body's axis towards the lateral side, and down, deg.
_TURN_DEG, _TILT_DEG = 52.0, 14.0
#: The patient's directions as seen from the front (right, down, away), with their letters.
_AXES = [["L", [1, 0, 0]], ["R", [-1, 0, 0]], ["H", [0, -1, 0]], ["F", [0, 1, 0]],
         ["P", [0, 0, 1]], ["A", [0, 0, -1]]]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Scene:
    """One hip as the view needs it, plain JSON.

    Attributes
    ----------
    data : dict
    still : str
        Data URI.
    """

    data: dict
    still: str


def scene_html(profile: str) -> str:
    """Return the turning hip of a profile, as a piece of a page.

    Parameters
    ----------
    profile : str

    Returns
    -------
    str
        HTML with its style and script; "" where the stage has not run or has left no hip.
    """
    path = paths.figure_input_file(profile, STAGE)
    if not path.is_file():
        return ""
    with np.load(path) as stored:
        content = dict(stored)
    return fragment(content) if "hips" in content else ""


def fragment(content: Mapping[str, np.ndarray]) -> str:
    """Return the piece of a page that shows what the stage left.

    Parameters
    ----------
    content : mapping of str to array
        Arrays of stage `hip_scene`.

    Returns
    -------
    str
    """
    scenes = [_scene(content, number) for number in range(len(content["hips"]))]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    data = {
        "hips": [one.data for one in scenes],
        "corner_mm": content["corner_mm"].tolist(),
        "pixel_mm": float(content["pixel_mm"]),
        "section_px": list(content[f"0_{content['0_ways'][-1]}_grey"].shape[:0:-1]),
        "unit_mm": float(content["vertex_mm"]),
        "axes": _AXES,
        "level": f"{100 * float(content['level']):g} %",
        "colours": {"model": style.PALETTE["ours"], "truth": style.PALETTE["reference"]},
        "dashes": _dashes(),
    }
    return environment.get_template("hip_scene.html").render(
        data=data, still=scenes[0].still, origin=str(content["origin"]), structures=_structures(),
        rows=[hip_scene_words.table_rows(one.data) for one in scenes], lines=_lines(),
        ground=overlays.GROUND,
    )  # fmt: skip


def _structures() -> list[dict]:
    """Return what can be switched on and off, as surfaces and as outlines."""
    looks = _dashes()
    return [
        {
            "name": name,
            "title": _NAMES[name],
            "colour": colour,
            "outline": looks[name]["colour"],
            "dashes": " ".join(f"{2 * one:g}" for one in looks[name]["dashes"]),
        }
        for name, colour in _COLOURS.items()
    ]


def _lines() -> list[dict]:
    """Return the lines of the construction and their colours."""
    return [{"title": "baseline", "colour": style.PALETTE["reference"]},
            {"title": "bony roof line", "colour": style.PALETTE["second"]}]  # fmt: skip


def _dashes() -> dict[str, dict]:
    """Return how outlines look: colour, and dashes in line widths."""
    return {
        label.name.lower(): {"colour": overlays.COLOURS[label],
                             "dashes": [float(one) for one in overlays.DASHES[label][1]]}
        for label in overlays.STRUCTURES
    }  # fmt: skip


def _scene(content: Mapping[str, np.ndarray], number: int) -> Scene:
    """Return one hip."""
    own = {name.removeprefix(f"{number}_"): array for name, array in content.items()
           if name.startswith(f"{number}_")}  # fmt: skip
    side, ways = str(own["side"]), [str(way) for way in own["ways"]]
    seen = {way: {name.removeprefix(f"{way}_"): array for name, array in own.items()
                  if name.startswith(f"{way}_")} for way in ways}  # fmt: skip
    unit_mm, sign = float(content["vertex_mm"]), 1 if side == "left" else -1
    kind, _, name = str(content["hips"][number]).partition(" ")
    shown = ways[-1]
    surfaces = {way: _surfaces(arrays, sign) for way, arrays in seen.items()}
    middle = _middle(surfaces[shown])
    surfaces = {way: {one: (vertices - middle, faces) for one, (vertices, faces) in parts.items()}
                for way, parts in surfaces.items()}  # fmt: skip
    data = {
        "title": hip_scene_words.title(kind, name, side),
        "side": side,
        "sign": sign,
        "view_deg": [-sign * _TURN_DEG, _TILT_DEG],
        "radius_mm": _radius(surfaces[shown], unit_mm),
        "middle_mm": (middle * unit_mm).tolist(),
        "ways": [
            _way(arrays, surfaces[way], way, float(content["pixel_mm"]))
            for way, arrays in reversed(seen.items())
        ],
    }
    meshes = {one: (vertices * unit_mm, faces)
              for one, (vertices, faces) in surfaces[shown].items()}  # fmt: skip
    return Scene(data, hip_page_view.still_picture(meshes) if number == 0 else "")


def _surfaces(arrays: Mapping[str, np.ndarray], sign: int) -> dict[str, tuple]:
    """Return surfaces seen from the front: right, down, away; whole numbers of the unit."""
    found = {}
    for name in _COLOURS:
        if f"{name}_vertices" in arrays:
            lateral, posterior, superior = arrays[f"{name}_vertices"].T.astype(int)
            vertices = np.column_stack([sign * lateral, -superior, posterior])
            found[name] = vertices, arrays[f"{name}_faces"]
    return found


def _radius(surfaces: Mapping[str, tuple], unit_mm: float) -> float:
    """Return the reach of all surfaces about their middle, mm."""
    return unit_mm * max(
        float(np.linalg.norm(vertices.astype(float), axis=1).max())
        for vertices, _ in surfaces.values()
    )


def _middle(surfaces: Mapping[str, tuple]) -> np.ndarray:
    """Return the middle of what all surfaces take up, whole numbers of the unit."""
    places = np.concatenate([vertices for vertices, _ in surfaces.values()])
    return (places.min(axis=0) + places.max(axis=0)) // 2


def _way(arrays: Mapping[str, np.ndarray], surfaces, way: str, pixel_mm: float) -> dict:
    """Return one way of seeing a hip: its surfaces and its planes."""
    count = len(arrays["posterior_mm"])
    known = {name: arrays.get(f"{name}_deg", np.full(count, np.nan))
             for name in ("calibrated", "lower", "upper", "truth")}  # fmt: skip
    return {
        "name": way,
        "title": hip_scene_words.WAYS[way, str(arrays["poses"])],
        "meshes": [
            {
                "name": name,
                "colour": _COLOURS[name],
                "places": hip_page_view.as_base64(vertices, "<i2"),
                "faces": hip_page_view.as_base64(faces, "<u4"),
            }
            for name, (vertices, faces) in surfaces.items()
        ],
        "planes": [
            {
                "at_mm": round(float(arrays["posterior_mm"][place]), 2),
                "alpha_deg": _number(arrays["alpha_deg"][place]),
                "refusal": str(arrays["refusal"][place]),
                "wing": _line(arrays["wing_mm"][place]),
                "roof": _line(arrays["roof_mm"][place]),
                "picture": _png(arrays["grey"][place]),
                "outlines": outlines(arrays["labels"][place], pixel_mm),
                **{f"{name}_deg": _number(values[place]) for name, values in known.items()},
            }
            for place in range(count)
        ],
    }


def _number(value: float) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


def _line(ends: np.ndarray) -> list | None:
    """Return the ends of a line, (lateral, superior), mm."""
    return np.round(ends.astype(float), 2).tolist() if np.isfinite(ends).all() else None


def _png(grey: np.ndarray) -> str:
    """Return a section as a data URI."""
    from PIL import Image

    target = io.BytesIO()
    Image.fromarray(grey).save(target, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(target.getvalue()).decode("ascii")
