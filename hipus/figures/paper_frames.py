"""The paper's figures 2 and 3: annotated frames, and one place as every model outlines it.

Decides that the black rims of a frame, where nothing is insonified, are not shown. What is shown
was chosen by rule, by the stages that saved it. Frames, raters and models are of the simulated
study, and the figures say so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hipus.figures import overlays, style

_FRAME_ROW = {"label": "initial 2D label", "frame_2.1": "2.1", "frame_2.2": "2.2",
              "frame_2.3": "2.3"}  # fmt: skip
_VOLUME_ROW = {"volume_corrected": "refined 3D label", "volume_2.3": "2.3, reconstructed",
               "volume_3.1": "3.1", "volume_3.2": "3.2"}  # fmt: skip
#: Where no refined label is: what was insonified stands in its place, and says so.
_NO_LABEL = ("volume_truth", "what was insonified")


def draw_annotation(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw two annotated frames of one sweep, each without and with its label.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `paper_frames`: frame_1, label_1, frame_2, label_2, (H, W) uint8;
        pixel_side_mm, name_1, name_2.

    Returns
    -------
    matplotlib.figure.Figure
        On the left ilium, femoral head and border, on the right the cortex of the femur.
    """
    spacing = np.repeat(inputs["pixel_side_mm"], 2)
    with style.look():
        figure, axes = style.new_figure(1, 4, height_in=2.35, sharex=True, sharey=True)
        for pair, place in ((axes[:2], 1), (axes[2:], 2)):
            frame, label = inputs[f"frame_{place}"], inputs[f"label_{place}"]
            overlays.show_section(pair[0], frame, np.zeros_like(label), spacing)
            overlays.show_section(pair[1], frame, label, spacing)
            pair[0].set_title(str(inputs[f"name_{place}"]).partition(" ")[2], fontsize=8)
            pair[1].set_title("with its label", fontsize=8)
        _leave_out_rims(axes, [inputs["frame_1"], inputs["frame_2"]], spacing[1])
        _label_mm(axes[None])
        sweep = str(inputs["name_1"]).partition(" ")[0]
        about = f"n = 2 frames of {sweep}, simulated; drawn by rater A, corrected by B"
        figure.legend(handles=overlays.contour_handles(), loc="outside lower center", ncols=4,
                      title=about)  # fmt: skip
    return figure


def draw_outlines(shown: Mapping[str, np.ndarray], more: Mapping[str, np.ndarray]) -> Figure:
    """Draw one test frame by label and 2D models, and the same place of its volume below.

    Parameters
    ----------
    shown : mapping of str to array
        Figure input `segmentation_frame`, see `segmentation_pictures.draw_frames`.
    more : mapping of str to array
        Figure input `paper_frames`: volume_corrected, (H, W) uint8, where there is one.

    Returns
    -------
    matplotlib.figure.Figure
        The lower row is to be looked at, never scored: a frame has no slice of its own in a
        volume of moved frames. Thin orange lines are what was insonified.
    """
    pictures = {**shown, **{name: more[name] for name in ("volume_corrected",) if name in more}}
    below = dict(_VOLUME_ROW)
    if "volume_corrected" not in pictures:
        below = dict([_NO_LABEL, *list(below.items())[1:]])
    rows = (("frame", "truth", _FRAME_ROW), ("volume_grey", "volume_truth", below))
    spacing = np.repeat(shown["pixel_side_mm"], 2)
    with style.look():
        figure, axes = style.new_figure(2, 4, height_in=4.3, sharex=True, sharey=True)
        for boxes, (grey, truth, columns) in zip(axes, rows, strict=True):
            for box, (name, title) in zip(boxes, columns.items(), strict=True):
                overlays.show_section(box, pictures[grey], pictures[name], spacing)
                overlays.outline_truth(box, pictures[truth], spacing)
                box.set_title(title, fontsize=8)
        _leave_out_rims(axes.ravel(), [shown["frame"], shown["volume_grey"]], spacing[1])
        _label_mm(axes, words=("frame", "volume, same place"))
        handles = [*overlays.contour_handles(), overlays.truth_handle()]
        figure.legend(handles=handles, loc="outside lower center", ncols=5, columnspacing=1.0,
                      handlelength=1.6, handletextpad=0.5,
                      title=f"n = 1 test frame, {shown['name']}, simulated")  # fmt: skip
    return figure


def _leave_out_rims(axes, pictures, side_mm: float) -> None:
    """Show the columns in which anything was insonified."""
    seen = np.flatnonzero(np.any([picture.any(axis=0) for picture in pictures], axis=0))
    if len(seen):
        for box in axes:
            box.set_xlim(seen[0] * side_mm, (seen[-1] + 1) * side_mm)


def _label_mm(axes, words=("",)) -> None:
    """Label the outer axes of rows of frames."""
    for box in axes[-1]:
        box.set_xlabel("lateral, mm")
    for boxes, what in zip(axes, words, strict=True):
        boxes[0].set_ylabel(f"{what}\naxial, mm" if what else "axial, mm")
