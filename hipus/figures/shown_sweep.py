"""A still picture of a sweep: some frames, its courses in space, and the drift between them."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hipus.figures import motion, overlays, style
from hipus.labels import HipLabel

#: Colour of what a tracker says and of what is predicted, as in all figures of motion.
TRACKED, PREDICTED = style.PALETTE["ink"], style.PALETTE["ours"]


def draw_sweep(
    frames, courses, *, masks=None, time_s=None, spacing_xy_mm=None, count: int = 6
) -> Figure:
    """Draw frames of a sweep with their labels, where they lay, and the drift.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W) uint8
    courses : Courses
        As `shown_sweep.courses_of` returns them.
    masks : numpy.ndarray (N, H, W) int, optional
        In the hip scheme.
    time_s : numpy.ndarray (N,), optional
    spacing_xy_mm : tuple of 2 float, optional
        Sides of a pixel. Without it pictures are in pixels.
    count : int
        Frames shown at most, evenly from the first to the last.

    Returns
    -------
    matplotlib.figure.Figure
        Without any pose only the frames.
    """
    shown = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int))
    drawn = [T for T in (courses.T_tracked, courses.T_predicted) if np.isfinite(T[:, 0, 0]).any()]
    spacing = spacing_xy_mm or (1.0, 1.0)
    with style.look():
        height = style.TEXT_WIDTH_IN / count * frames.shape[1] / frames.shape[2]
        height *= spacing[1] / spacing[0]
        figure, lower = _halves(height + 0.75, bool(drawn))
        boxes = figure.subfigs[0].subplots(1, len(shown), squeeze=False)[0]
        for box, index in zip(boxes, shown, strict=True):
            mask = None if masks is None else masks[index]
            _draw_frame(box, frames[index], mask, spacing)
            when = "" if time_s is None else f", {time_s[index] - time_s[0]:.1f} s"
            which = f"frame {index}" if box is boxes[0] else f"{index}"
            box.set_title(f"{which}{when}", fontsize=6.5, fontweight="normal")
            box.label_outer()
        boxes[0].set_ylabel("mm" if spacing_xy_mm else "px", fontsize=6.5)
        if masks is not None:
            _name_labels(figure.subfigs[0], masks[shown])
        if drawn:
            size = np.array(frames.shape[:0:-1]) * spacing
            _draw_courses(lower, courses, size)
    return figure


def _halves(height_in: float, has_courses: bool):
    """Return a figure of one or two rows, and the lower of them."""
    heights = [height_in, 2.5] if has_courses else [height_in]
    figure = Figure(figsize=(style.TEXT_WIDTH_IN, sum(heights)), layout="constrained")
    rows = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    return figure, rows[-1]


def _draw_frame(box, frame: np.ndarray, mask, spacing) -> None:
    """Draw one frame, axes in mm, with its labels faintly on top."""
    height, width = np.array(frame.shape) * spacing[::-1]
    options = {"extent": (0, width, height, 0), "interpolation": "nearest"}
    box.imshow(frame, cmap=style.GREY, vmin=0, vmax=255, **options)
    if mask is not None:
        box.imshow(overlays.colour_labels(mask, opacity=0.4), **options)
    box.tick_params(length=2, labelsize=5.5)


def _name_labels(part, masks: np.ndarray) -> None:
    """Add a legend of the labels that are seen."""
    handles = [
        Patch(facecolor=overlays.COLOURS[label], edgecolor=overlays.GROUND, lw=0.5,
              label=overlays.NAMES[label])
        for label in overlays.COLOURS if (masks == HipLabel(label)).any()
    ]  # fmt: skip
    if handles:
        part.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=6.5)


def _draw_courses(part, courses, picture_mm: np.ndarray) -> None:
    """Draw both courses in space, and how far apart they are at each frame."""
    has_drift = np.nanmax(courses.drift_mm, initial=0) > 0
    left, right = part.subfigures(1, 2, width_ratios=[1.15, 1]) if has_drift else (part, None)
    box = left.add_axes([0.0, 0.02, 0.92, 0.86], projection="3d")
    for name, colour in (("tracked", TRACKED), ("predicted", PREDICTED)):
        T = getattr(courses, f"T_{name}")
        if np.isfinite(T[:, 0, 0]).any():
            motion.draw_course(box, T, picture_mm, colour, name)
    motion.dress_space(box)
    left.legend(*box.get_legend_handles_labels(), loc="upper center", ncols=2)
    if has_drift:
        _draw_drift(right, courses)


def _draw_drift(part, courses) -> None:
    """Draw the drift in mm and in degrees over the frames."""
    upper, lower = part.subplots(2, 1, sharex=True)
    for box, values, unit in ((upper, courses.drift_mm, "mm"), (lower, courses.drift_deg, "deg")):
        box.plot(values, color=PREDICTED)
        box.set_ylabel(f"drift, {unit}")
        box.set_ylim(bottom=0)
    lower.set_xlabel("frame, number in the sweep")
    upper.set_title("predicted against tracked")
