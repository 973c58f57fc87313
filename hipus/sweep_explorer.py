"""Looking through a sweep: frames with labels, both courses in space, the drift at each frame.

Decides that a still picture always stands there, and that what turns and scrubs is added only
where a person is (see `viewers`). Everything is sent to the browser once, so that stepping asks
no kernel; the drawing itself is `sweep_explorer.js` and `.css`. Numbers are those of `shown_sweep`.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from IPython.display import Markdown, display
from matplotlib.colors import to_rgb

from hipus import viewers
from hipus.figures import overlays
from hipus.figures.shown_sweep import draw_sweep
from hipus.labels import HipLabel
from hipus.shown_sweep import Courses, courses_of, load_shown_sweep
from hipus.sweep import Sweep

log = logging.getLogger(__name__)

#: Frames are thinned in rows and columns until all of them are no larger: a browser holds them.
MOST_BYTES = 24_000_000
_SCRIPT, _LOOK = (Path(__file__).with_suffix(end) for end in (".js", ".css"))


def explore_sweep(
    sweep: Sweep,
    T_predicted: np.ndarray | None = None,
    *,
    masks: np.ndarray | None = None,
    caption: str = "",
) -> None:
    """Show a sweep as a still picture, and where a person is let them move through it.

    Arrow keys, the slider or the drift curve choose a frame, space plays; dragging turns the
    courses. `explore_shown_sweep` shows the study's own sweeps.

    Parameters
    ----------
    sweep : Sweep
        Tracked and calibrated, or not tracked at all.
    T_predicted : numpy.ndarray (N, 4, 4), optional
        T_centre_to_world of every frame, mm, in any rigid world; NaN where unknown.
    masks : numpy.ndarray (N, H, W) int, optional
        Labels of every frame, in the hip scheme.
    caption : str
        Which sweep, with real or simulated.

    Raises
    ------
    ValueError
        If poses or masks do not fit the frames.
    """
    frames = np.asarray(sweep.frames[:])
    if masks is not None and np.shape(masks) != frames.shape:
        raise ValueError(f"masks must be {frames.shape} like the frames, got {np.shape(masks)}")
    courses = courses_of(sweep, T_predicted)
    spacing = sweep.pixel_spacing_xy_mm
    figure = draw_sweep(frames, courses, masks=masks, time_s=sweep.time_s, spacing_xy_mm=spacing)
    viewers.show_figure(figure, caption)
    if not viewers.is_static():
        _show_live(sweep, frames, courses, masks=masks, caption=caption)


def explore_shown_sweep(profile: str, name: str) -> None:
    """Show a sweep of the study, or say loudly what makes it where it is not here.

    Parameters
    ----------
    profile : str
    name : str
        "S101_left_p_a"; see `shown_sweep.load_shown_sweep`.

    Raises
    ------
    KeyError
        If the cohort is here and has no such sweep.
    """
    try:
        shown = load_shown_sweep(profile, name)
    except FileNotFoundError as error:
        display(Markdown(f"**NOT HERE: {name}.** {error}."))
        return
    explore_sweep(shown.sweep, shown.T_predicted, masks=shown.masks, caption=shown.caption)


def _show_live(sweep: Sweep, frames, courses: Courses, *, masks, caption: str) -> None:
    """Add what a person can move, or say in a line why it is not there."""
    try:
        state = explorer_state(sweep, frames, courses, masks=masks, caption=caption)
        widget = _widget(state)
    except Exception as error:  # a viewer must never stop a notebook
        log.warning("no live view of the sweep here (%s); the picture above is complete", error)
        return
    display(widget)


def explorer_state(
    sweep: Sweep, frames: np.ndarray, courses: Courses, *, masks=None, caption: str = ""
) -> dict:
    """Return what the browser is sent.

    Parameters
    ----------
    sweep : Sweep
    frames : numpy.ndarray (N, H, W) uint8
        Of the sweep, read.
    courses : Courses
    masks : numpy.ndarray (N, H, W) int, optional
    caption : str

    Returns
    -------
    dict
        Bytes of frames, masks, poses (float32, 12 a frame) and drift; `about` says the rest.
    """
    thin = 1
    while frames[:, ::thin, ::thin].size > MOST_BYTES:
        thin += 1
    frames = np.ascontiguousarray(frames[:, ::thin, ::thin])
    labels = [] if masks is None else _labels_of(masks)
    masks = frames[:0] if masks is None else np.uint8(masks[:, ::thin, ::thin])
    spacing = sweep.pixel_spacing_xy_mm or (1.0, 1.0)
    known = {
        name: np.isfinite(getattr(courses, f"T_{name}")[:, 0, 0])
        for name in ("tracked", "predicted")
    }
    start = np.flatnonzero(known["tracked"] | known["predicted"])
    about = {
        "caption": caption or sweep.sweep_id or "sweep",
        "count": len(frames),
        "height": frames.shape[1],
        "width": frames.shape[2],
        "side_mm": [thin * side for side in spacing],
        "unit": "mm" if sweep.pixel_spacing_xy_mm else "px",
        "times_s": sweep.time_s.tolist(),
        "labels": labels,
        "courses": [name for name, which in known.items() if which.any()],
        "has_drift": bool(np.nanmax(courses.drift_mm, initial=0) > 0),
        "start": int(start[0]) if len(start) else 0,
    }
    poses = {name: _float_bytes(getattr(courses, f"T_{name}")[:, :3]) for name in known}
    drift = {name: _float_bytes(getattr(courses, name)) for name in ("drift_mm", "drift_deg")}
    return {"about": about, "frames": frames.tobytes(), "masks": masks.tobytes(), **poses, **drift}


def _labels_of(masks: np.ndarray) -> list[dict]:
    """Return value, name and colour of every structure that is labelled somewhere."""
    seen = [label for label in overlays.COLOURS if (masks == HipLabel(label)).any()]
    return [
        {
            "value": int(label),
            "name": overlays.NAMES[label],
            "colour": overlays.COLOURS[label],
            "rgb": [round(255 * part) for part in to_rgb(overlays.COLOURS[label])],
        }
        for label in seen
    ]


def _float_bytes(values: np.ndarray) -> bytes:
    """Return numbers as the browser reads them: 32 bit, little-endian."""
    return np.ascontiguousarray(values, "<f4").tobytes()


def _widget(state: dict):
    """Return the widget that draws a state."""
    import anywidget
    import traitlets

    kinds = {name: traitlets.Bytes() if name != "about" else traitlets.Dict() for name in state}
    traits = {name: kind.tag(sync=True) for name, kind in kinds.items()}
    traits |= {"_esm": _SCRIPT.read_text(), "_css": _LOOK.read_text()}
    return type("SweepExplorer", (anywidget.AnyWidget,), traits)(**state)
