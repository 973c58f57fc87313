"""The paper's figure 12: how a hip is swept and tracked, drawn as a scheme.

Decides the drawing alone: the upper part is a scheme without scale. The lower part is to scale:
silhouettes of one simulated hip, and the true courses of its sweeps.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon

from hipus.figures import overlays, style
from hipus.labels import HipLabel

#: Inches: the page, and the scheme's part of it.
_HEIGHT_IN, _SCHEME_IN = 5.35, 2.75
#: The scheme's own unit is a tenth of an inch; points, all of the drawing alone.
_UNITS = 10.0
_SKIN, _CUSHION, _DEVICE, _TABLE = "#F4DFCF", "#DDE3E8", "#F2F4F6", "#C9CFD4"
_BODY = np.array([
    [14.0, 9.6], [17.0, 11.7], [21.5, 11.0], [25.0, 12.0], [28.5, 12.1], [32.5, 11.2],
    [35.6, 9.2], [37.2, 7.0], [36.6, 5.4], [34.8, 5.4], [32.6, 6.6], [29.5, 5.3], [23.0, 4.9],
    [17.0, 4.9], [14.2, 6.2],
])  # fmt: skip
_FOOT = np.array([[34.9, 5.0], [34.9, 6.3], [37.0, 6.7], [37.5, 8.6], [38.5, 8.8], [39.0, 6.5],
                  [38.4, 5.0]])  # fmt: skip
_EAR = np.array([[11.3, 8.9], [12.1, 9.3], [12.4, 8.4], [11.7, 7.8]])
_ARM = np.array([[17.3, 9.6], [19.2, 9.0], [21.2, 7.2], [20.4, 6.3], [18.2, 7.3], [16.4, 8.5]])
_PROBE = np.array([
    [25.1, 12.4], [28.9, 12.4], [28.9, 13.8], [28.1, 15.2], [27.9, 20.2], [26.1, 20.2],
    [25.9, 15.2], [25.1, 13.8],
])  # fmt: skip
_ILIUM = np.array([[20.4, 9.7], [23.4, 9.2], [25.2, 9.0], [25.7, 7.6]])
_FEMUR = np.array([[28.2, 8.6], [30.0, 8.9], [33.4, 7.9]])
_HEAD_OF_FEMUR = (27.0, 8.3)
_MARKERS = {
    "probe": np.array([[30.3, 21.6], [33.2, 20.9], [32.3, 18.6], [30.2, 19.0]]),
    "reference": np.array([[40.6, 11.6], [43.3, 11.1], [42.7, 8.9], [40.9, 9.2]]),
}
_LENSES = np.array([[53.4, 22.1], [52.1, 16.4]])
#: Text -> where it stands, and where its line ends; none where it stands by its thing.
_NAMES = {
    "screen": ((8.5, 24.4), None),
    "cradle": ((9.6, 4.0), None),
    "linear probe": ((21.9, 17.2), (25.9, 16.9)),
    "IMU": ((23.3, 19.2), (26.5, 18.4)),
    "markers on the probe": ((33.0, 23.6), (32.0, 21.9)),
    "reference,\nfixed to the cradle": ((49.4, 6.6), (43.0, 9.0)),
    "optical tracker": ((54.6, 25.4), None),
    "image plane": ((32.4, 14.1), (28.8, 10.6)),
}
#: Transforms, as the code calls them: text, place, angle.
_TRANSFORMS = (
    ("T_probe_to_tracker", (43.0, 22.1), 4.5),
    ("T_reference_to_tracker", (48.7, 11.7), 31.0),
    ("T_image_to_probe", (19.6, 13.9), 0.0),
)
_SWEEPS = {
    "graf": "Graf's plane",
    "p_a": "p_a: posterior to anterior",
    "p_d": "p_d: proximal to distal",
}
#: How many footprints of the probe are drawn along a sweep.
_FOOTPRINTS = 7


def draw_setup(inputs: Mapping[str, np.ndarray], numbers: pd.DataFrame) -> Figure:
    """Draw the acquisition: infant, probe, tracker and frames, and the directions of sweeps.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `cohort`: one hip's labels, courses and frames, in the hip's axes (LPS).
    numbers : pandas.DataFrame
        Table `cohort_published`, for the durations of sweeps.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with style.look():
        figure = Figure(figsize=(style.TEXT_WIDTH_IN, _HEIGHT_IN))
        share = _SCHEME_IN / _HEIGHT_IN
        limits = {"xlim": (0, _UNITS * style.TEXT_WIDTH_IN), "ylim": (0, _UNITS * _SCHEME_IN)}
        scheme = figure.add_axes([0, 1 - share, 1, share], **limits)
        scheme.axis("off")
        _draw_couch(scheme)
        _draw_infant(scheme)
        _draw_devices(scheme, inputs)
        _draw_names(scheme)
        figure.text(0.012, 0.985, "a", weight="bold", fontsize=9, va="top")
        figure.text(0.012, 0.99 - share, "b", weight="bold", fontsize=9, va="top")
        _draw_sweeps(figure, inputs, numbers)
    return figure


def smooth(points: np.ndarray, *, closed: bool = True, steps: int = 12) -> np.ndarray:
    """Return a smooth curve through points (Catmull and Rom 1974).

    Parameters
    ----------
    points : numpy.ndarray (N, 2)
    closed : bool
        Whether the curve ends where it began.
    steps : int
        Points of the curve from one point to the next.

    Returns
    -------
    numpy.ndarray (M, 2)
    """
    points = np.asarray(points, float)
    before, after = (points[-1], points[:2]) if closed else (points[0], points[-1])
    around = np.vstack([before, points, after])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
               + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(around, around[1:], around[2:], around[3:], strict=False)
    ]  # fmt: skip
    return np.vstack([*parts, points[:1] if closed else points[-1:]])


def _box(page, corner, size, *, round_by: float = 0.6, **look) -> None:
    """Draw a box with round corners."""
    page.add_patch(
        FancyBboxPatch(corner, *size, boxstyle=f"round,pad=0,rounding_size={round_by}", **look)
    )


def _draw_couch(page) -> None:
    """Draw the table, the cradle and the infant's place in it."""
    edge = {"ec": style.PALETTE["muted"], "lw": 0.8}
    _box(page, (2, 1.2), (44, 1.0), round_by=0.2, fc=_TABLE, **edge)
    for foot in (5, 42):
        page.plot([foot, foot], [0.1, 1.2], color=style.PALETTE["muted"], lw=2.5)
    _box(page, (6.5, 2.2), (36.5, 3.0), round_by=1.2, fc=_CUSHION, **edge)
    for left in (5.6, 39.2):
        _box(page, (left, 2.2), (4.6, 5.2), round_by=1.8, fc=_CUSHION, **edge)


def _draw_infant(page) -> None:
    """Draw an infant that lies on its side, and the hip inside it."""
    look = {"fc": _SKIN, "ec": style.PALETTE["ink"], "lw": 0.9, "joinstyle": "round"}
    for outline in (_FOOT, _BODY, _ARM):
        page.add_patch(Polygon(smooth(outline), **look))
    page.add_patch(Circle((11.9, 8.4), 3.1, **{k: look[k] for k in ("fc", "ec", "lw")}))
    page.plot(*smooth(_EAR, closed=False).T, color=style.PALETTE["ink"], lw=0.7)
    for points, label, width in ((_ILIUM, "ILIUM", 4.0), (_FEMUR, "FEMORAL_CORTEX", 4.5)):
        line = smooth(points, closed=False).T
        page.plot(*line, color=style.PALETTE["ink"], lw=width + 1.0, solid_capstyle="round")
        page.plot(*line, color=overlays.COLOURS[HipLabel[label]], lw=width,
                  solid_capstyle="round")  # fmt: skip
    page.add_patch(Circle(_HEAD_OF_FEMUR, 1.25, fc=overlays.COLOURS[HipLabel.FEMORAL_HEAD],
                          ec=style.PALETTE["ink"], lw=0.7, zorder=3))  # fmt: skip


def _draw_devices(page, inputs) -> None:
    """Draw probe, sensor, markers, tracker with its lines of sight, and the screen."""
    ink, ours = style.PALETTE["ink"], style.PALETTE["ours"]
    page.add_patch(Polygon([[25.1, 12.4], [28.9, 12.4], [28.9, 5.9], [25.1, 5.9]], fc=ours,
                           ec=ours, alpha=0.22, lw=1, zorder=4))  # fmt: skip
    cable = smooth(np.array([[27, 20.2], [26.4, 23.4], [21.0, 24.2], [14.6, 21.4]]), closed=False)
    page.plot(*cable.T, color=ink, lw=1.4)
    page.add_patch(Polygon(smooth(_PROBE, steps=4), fc=_DEVICE, ec=ink, lw=0.9, zorder=5))
    page.plot([25.3, 28.7], [12.5, 12.5], color=ours, lw=2.2, zorder=6, solid_capstyle="butt")
    _box(page, (26.4, 17.7), (1.2, 1.2), round_by=0.15, fc=style.PALETTE["second"], ec=ink, lw=0.6,
         zorder=6)  # fmt: skip
    for post, (name, centres) in zip(
        ([[27.9, 19.3], [30.2, 19.8]], [[41.8, 7.2], [41.9, 9.5]]), _MARKERS.items(), strict=True
    ):
        for lens in _LENSES:
            page.plot(*np.array([centres.mean(axis=0), lens]).T, color=style.PALETTE["published"],
                      lw=0.8, ls=(0, (4, 2)), zorder=1)  # fmt: skip
        page.plot(*np.array(post).T, color=ink, lw=1.6)
        page.add_patch(Polygon(centres, fc=_TABLE, ec=ink, lw=0.8, zorder=6, label=name))
        for centre in centres:
            page.add_patch(Circle(centre, 0.55, fc="white", ec=ink, lw=0.8, zorder=7))
            page.add_patch(Circle(centre + [-0.15, 0.18], 0.16, fc=_TABLE, ec="none", zorder=8))
    _draw_tracker(page)
    _box(page, (2.4, 14.6), (12.2, 9.0), round_by=0.5, fc=ink, ec=ink)
    page.plot([8.5, 8.5], [13.2, 14.6], color=ink, lw=3)
    page.imshow(inputs["graf_frames"][0], cmap=style.GREY, vmin=0, vmax=255, aspect="auto",
                extent=(3.4, 13.6, 15.3, 22.9), zorder=3)  # fmt: skip
    page.text(8.5, 15.9, "simulated", color="white", fontsize=5.5, ha="center", zorder=4)


def _draw_tracker(page) -> None:
    """Draw the stereo camera on its stand."""
    ink = style.PALETTE["ink"]
    page.plot([55.0, 55.0], [1.2, 19.0], color=style.PALETTE["muted"], lw=3)
    page.plot([52.4, 55.0, 57.6], [0.3, 2.2, 0.3], color=style.PALETTE["muted"], lw=2.5)
    along = _LENSES[0] - _LENSES[1]
    along = along / np.linalg.norm(along)
    across = np.array([along[1], -along[0]])
    ends = [_LENSES[1] - 1.5 * along, _LENSES[0] + 1.5 * along]
    body = [ends[0], ends[1], ends[1] + 2.4 * across, ends[0] + 2.4 * across]
    page.add_patch(Polygon(body, fc=_DEVICE, ec=ink, lw=1.0, joinstyle="round", zorder=5))
    for lens in _LENSES:
        page.add_patch(Circle(lens + 0.45 * across, 0.85, fc=ink, ec=ink, zorder=6))
        page.add_patch(Circle(lens + 0.45 * across, 0.4, fc=style.PALETTE["ours"], ec="none",
                              zorder=7))  # fmt: skip


def _draw_names(page) -> None:
    """Name the parts, and the transforms between their frames."""
    for text, (place, end) in _NAMES.items():
        if end is not None:
            page.plot(*np.array([place, end]).T, color=style.PALETTE["muted"], lw=0.6, zorder=9)
        page.text(*place, text, fontsize=6.8, ha="center", va="center", zorder=10,
                  bbox={"fc": "white", "ec": "none", "pad": 0.8, "alpha": 0.9})  # fmt: skip
    page.plot([23.4, 25.2], [13.6, 12.8], color=style.PALETTE["reference"], lw=0.6)
    for text, place, angle in _TRANSFORMS:
        page.text(*place, text, fontsize=5.8, family="monospace", ha="center", va="center",
                  rotation=angle, color=style.PALETTE["reference"], zorder=10,
                  bbox={"fc": "white", "ec": "none", "pad": 0.6, "alpha": 0.9})  # fmt: skip


def _draw_sweeps(figure: Figure, inputs, numbers: pd.DataFrame) -> None:
    """Draw the hip from its side, with the probe's footprints along each kind of sweep."""
    rows = numbers.set_index("quantity")
    limits = _limits_mm(inputs)
    for n, (kind, title) in enumerate(_SWEEPS.items()):
        box = figure.add_axes([0.085 + 0.315 * n, 0.165, 0.275, 0.275])
        _draw_silhouettes(box, inputs)
        _draw_footprints(box, inputs, kind)
        box.set(aspect="equal", xlim=limits[0], ylim=limits[1])
        box.set_title(title, fontsize=7.5, pad=3)
        box.set_xlabel(f"anterior, mm\n{_duration(rows, kind)}", fontsize=7)
        if n == 0:
            box.set_ylabel("superior, mm", fontsize=7)
        box.tick_params(labelsize=6.5, labelleft=n == 0)
    shown = (HipLabel.ILIUM, HipLabel.FEMORAL_HEAD, HipLabel.FEMORAL_CORTEX)
    way = Line2D([], [], color=style.PALETTE["reference"], lw=1.6, label="probe's footprint")
    figure.legend(handles=[*overlays.label_handles(shown), way], loc="lower center", ncols=4,
                  fontsize=6.8, borderaxespad=0, bbox_to_anchor=(0.5, 0.026))  # fmt: skip
    figure.text(0.5, 0.008, f"a: not to scale; b: to scale, {inputs['side']} hip of "
                f"{inputs['subject_id']} seen from its side, simulated", fontsize=6.3,
                style="italic", ha="center")  # fmt: skip


def _limits_mm(inputs) -> np.ndarray:
    """Return limits that hold every sweep with its footprints, and the hip."""
    half = _half_footprint_mm(inputs)
    ends = [inputs[f"{kind}_true_mm"][:, 1:] * [-1, 1] + sign * np.array(along)
            for kind, along in (("p_a", (0, half)), ("p_d", (half, 0)))
            for sign in (-1, 1)]  # fmt: skip
    ends = np.vstack([*ends, [[-half, -half], [half, half]]])
    return 1.03 * np.array([np.nanmin(ends, axis=0), np.nanmax(ends, axis=0)]).T


def _half_footprint_mm(inputs) -> float:
    """Return half of the width that a frame shows."""
    lit = np.flatnonzero(inputs["graf_frames"][0].any(axis=0))
    return float(np.ptp(lit) * inputs["pixel_side_mm"] / 2)


def _draw_silhouettes(box, inputs) -> None:
    """Draw each structure's silhouette along the lateral axis."""
    z0, y0, _ = inputs["label_origin_xyz_mm"][::-1]
    dz, dy, _ = inputs["label_spacing_mm"]
    rows, columns = inputs["label_volume"].shape[:2]
    for label in (HipLabel.ILIUM, HipLabel.FEMORAL_CORTEX, HipLabel.FEMORAL_HEAD):
        seen = (inputs["label_volume"] == label).any(axis=2)
        if seen.any():
            y, z = -(y0 + dy * np.arange(columns)), z0 + dz * np.arange(rows)
            box.contourf(y, z, seen, levels=[0.5, 1.5], colors=[overlays.COLOURS[label]], alpha=0.8)
            box.contour(y, z, seen, levels=[0.5], colors=style.PALETTE["ink"], linewidths=0.6)


def _draw_footprints(box, inputs, kind: str) -> None:
    """Draw where the probe stood along a sweep, faint at first, and the way it went."""
    half = _half_footprint_mm(inputs)
    course = inputs[f"{kind}_true_mm"][:, 1:] * [-1, 1] if kind != "graf" else np.zeros((1, 2))
    course = course[np.isfinite(course).all(axis=1)]
    along = [half, 0] if kind == "p_d" else [0, half]
    shown = np.unique(np.linspace(0, len(course) - 1, _FOOTPRINTS).round().astype(int))
    for place, strength in zip(shown, np.linspace(1, 0.35, len(shown))[::-1], strict=True):
        ends = np.array([course[place] - along, course[place] + along]).T
        box.plot(*ends, color=style.PALETTE["reference"], lw=1.6, alpha=strength)
    if len(course) > 1:
        box.add_patch(FancyArrowPatch(course[0], course[-1], arrowstyle="-|>", mutation_scale=10,
                                      color=style.PALETTE["ink"], lw=1.3, zorder=5,
                                      shrinkA=0, shrinkB=0))  # fmt: skip


def _duration(rows: pd.DataFrame, kind: str) -> str:
    """Return the printed duration of a kind of sweep, ours, and how many ours is of."""
    name = f"{kind}_duration_kept"
    if name not in rows.index:
        return ""
    said = f"{rows['published'][name]:.1f} s printed"
    if "ours" in rows and np.isfinite(rows["ours"][name]):
        said += f"; {rows['ours'][name]:.1f} s here ({rows['note'][name].split(';')[0]})"
    return said
