"""A hip to explore in a notebook: move and turn Graf's plane, see its section and alpha change.

Decides that wing and roof are found anew for turned planes, as by a reader who takes them for
the right ones, so that one sees what a badly placed plane does to alpha; that a still picture
of the standard plane always stays; and that `HIPUS_STATIC_VIEWS` forbids a live view.
"""

from __future__ import annotations

import html
import logging
import os
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hipus import hip_planes
from hipus.figures.hip_section import SectionPicture
from hipus.hip_planes import PlaneOfHip
from hipus.images import Volume
from hipus.morphometry.hip_axes import HipAxes
from hipus.morphometry.hip_shape import FoundHip, HipShape
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.measures import Measure, refused

log = logging.getLogger(__name__)

#: Side of a section's pixels, mm.
PIXEL_MM = 0.3
#: How far a plane can be moved, mm, and turned, deg.
REACH_MM, REACH_DEG = 10.0, 40.0
DISCLAIMER = "Not a medical device."


@dataclass(frozen=True)
class PlaneChoice:
    """Where a plane lies, from the standard plane on.

    Attributes
    ----------
    posterior_mm : float
        Along the hip's posterior axis.
    yaw_deg, pitch_deg, roll_deg : float
        About superior, lateral and posterior, as `HipAxes.turned` says.
    """

    posterior_mm: float = 0.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0


@dataclass(frozen=True, eq=False)
class Look:
    """What one plane shows.

    Attributes
    ----------
    grey : numpy.ndarray (H, W) uint8
        Rows from lateral to medial, columns from superior to inferior.
    labels : numpy.ndarray (H, W) uint8 or None
    alpha_deg : Measure
    wing_px, roof_px : numpy.ndarray (2, 2) or None
        Ends of baseline and roof line, (u, v).
    """

    grey: np.ndarray
    labels: np.ndarray | None
    alpha_deg: Measure
    wing_px: np.ndarray | None = None
    roof_px: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class ExploredHip:
    """A volume with its labels and the hip's axes in it.

    Attributes
    ----------
    volume : Volume
        Grey levels.
    labels : LabelVolume or None
    axes : HipAxes
        Of the hip; of the volume where no hip was found.
    found : FoundHip or None
    why_no_hip : str
        "" where one was found.
    """

    volume: Volume
    labels: LabelVolume | None
    axes: HipAxes
    found: FoundHip | None = None
    why_no_hip: str = ""

    def look(self, choice: PlaneChoice) -> Look:
        """Return the section of a plane with its construction, or why there is none."""
        axes = _turned(self.axes, choice)
        places = hip_planes.section_points(axes, choice.posterior_mm, side_mm=PIXEL_MM)
        grey = hip_planes.grey_at(self.volume.array, self.volume.spacing_zyx_mm, places)
        labels = None if self.labels is None else self.labels.labels_at(places).astype(np.uint8)
        plane = self._plane(choice)
        return Look(grey, labels, plane.alpha_deg, _pixels(plane.wing_mm), _pixels(plane.roof_mm))

    def _plane(self, choice: PlaneChoice) -> PlaneOfHip:
        """Return Graf's lines of a plane."""
        why = self.why_no_hip
        try:
            if self.found is not None:
                turns = choice.yaw_deg, choice.pitch_deg, choice.roll_deg
                return hip_planes.plane_at(_shape(self, *turns), choice.posterior_mm)
        except VolumeRefused as reason:
            why = str(reason)
        return PlaneOfHip(choice.posterior_mm, refused(why, "deg"), None, None)


def _turned(axes: HipAxes, choice: PlaneChoice) -> HipAxes:
    """Return axes of a plane that was turned."""
    return axes.turned(*np.radians([choice.yaw_deg, choice.pitch_deg, choice.roll_deg]))


@lru_cache(maxsize=64)
def _shape(explored: ExploredHip, yaw_deg: float, pitch_deg: float, roll_deg: float) -> HipShape:
    """Return wing and roof as turned planes see them; kept while planes are only moved."""
    choice = PlaneChoice(0.0, yaw_deg, pitch_deg, roll_deg)
    if choice == PlaneChoice():
        return explored.found.shape
    return hip_planes.shape_in(explored.found, _turned(explored.axes, choice))


def _pixels(ends_mm: np.ndarray | None) -> np.ndarray | None:
    """Return points (lateral, superior) as (u, v) of a section."""
    if ends_mm is None:
        return None
    return (np.array(hip_planes.CORNER_MM) - ends_mm)[:, ::-1] / PIXEL_MM


def open_hip(
    volume: Volume, labels: Volume | None = None, *, scheme: str = "hip", side: str | None = None
) -> ExploredHip:
    """Find the hip that is to be explored.

    Parameters
    ----------
    volume : Volume
        Grey levels, 0 to 255.
    labels : Volume, optional
        On the same grid.
    scheme : {"hip", "stills"}
    side : {"left", "right"}, optional
        Where it is known; else anatomy decides.

    Returns
    -------
    ExploredHip

    Raises
    ------
    ValueError
        If labels have another shape than the volume.
    """
    if labels is None:
        return ExploredHip(volume, None, _own_axes(volume), why_no_hip="no labels")
    if labels.array.shape != volume.array.shape:
        raise ValueError(
            f"labels must be {volume.array.shape} like the volume, got {labels.array.shape}"
        )
    try:
        found = hip_planes.locate_hip(labels, scheme=scheme, side=side)
    except VolumeRefused as why:
        seen = LabelVolume(labels.array, labels.spacing_zyx_mm, scheme)
        return ExploredHip(volume, seen, _own_axes(volume), why_no_hip=str(why))
    return ExploredHip(volume, found.volume, found.axes, found)


def _own_axes(volume: Volume) -> HipAxes:
    """Return axes through a volume's middle: its y runs down the picture, as a beam does."""
    middle = (np.array(volume.array.shape[::-1]) - 1) * np.array(volume.spacing_zyx_mm[::-1]) / 2
    return HipAxes(middle, np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]]))


def alpha_words(look: Look) -> str:
    """Return alpha of a section, or why there is none."""
    return f"alpha {look.alpha_deg}"


def picture_of(look: Look, picture: SectionPicture) -> bytes:
    """Return the PNG of a look, drawn over the last one."""
    lines = {"wing_px": look.wing_px, "roof_px": look.roof_px}
    return picture.png(look.grey, look.labels, **lines)


def explore_hip(
    volume: Volume, labels: Volume | None = None, *, side: str | None = None,
    scheme: str = "hip", caption: str = "",
) -> ExploredHip:  # fmt: skip
    """Show a hip's standard plane, and sliders that move and turn it where a person is.

    Parameters
    ----------
    volume : Volume
        Grey levels, 0 to 255.
    labels : Volume, optional
        On the same grid; without, planes are only seen, not measured.
    side : {"left", "right"}, optional
    scheme : {"hip", "stills"}
    caption : str
        What is shown, real or simulated.

    Returns
    -------
    ExploredHip
        For looks of one's own: `explored.look(PlaneChoice(posterior_mm=3.0)).alpha_deg`.

    Raises
    ------
    ValueError
        If labels have another shape than the volume.
    """
    from IPython.display import Image, Markdown, display

    explored = open_hip(volume, labels, scheme=scheme, side=side)
    look = explored.look(PlaneChoice())
    picture = SectionPicture(look.grey.shape, PIXEL_MM)
    said = f"{caption} {_standard_words(explored, look)}".strip()
    display(Image(data=picture_of(look, picture), alt=said))
    display(Markdown(f"*{said}*"))
    if os.environ.get("HIPUS_STATIC_VIEWS", "") in ("", "0"):
        _show_live(explored, picture)
    return explored


def _standard_words(explored: ExploredHip, look: Look) -> str:
    """Say what the still picture shows."""
    if explored.why_no_hip:
        return f"Middle of the volume; no standard plane: {explored.why_no_hip}. {DISCLAIMER}"
    return f"Standard plane; {alpha_words(look)}. {DISCLAIMER}"


def _show_live(explored: ExploredHip, picture: SectionPicture) -> None:
    """Add sliders, or say in a line why they are not there."""
    from IPython.display import display

    try:
        display(live_view(explored, picture))
    except Exception as error:  # a viewer must never stop a notebook
        log.warning("no live view of the hip here (%s); the picture above is complete", error)


def live_view(explored: ExploredHip, picture: SectionPicture):
    """Return sliders beside the section that they choose.

    Parameters
    ----------
    explored : ExploredHip
    picture : SectionPicture

    Returns
    -------
    ipywidgets.HBox
    """
    import ipywidgets as widgets

    sliders = {
        "posterior_mm": _slider("front … back, mm", REACH_MM, 0.5),
        "yaw_deg": _slider("turn about the body, °", REACH_DEG, 1.0),
        "pitch_deg": _slider("turn front to back, °", REACH_DEG, 1.0),
        "roll_deg": _slider("tilt in the plane, °", REACH_DEG, 1.0),
    }
    shown, words = widgets.Image(format="png"), widgets.HTML()
    back = widgets.Button(description="Standard plane")

    def update(_=None) -> None:
        look = explored.look(PlaneChoice(**{name: one.value for name, one in sliders.items()}))
        shown.value = picture_of(look, picture)
        words.value = f"<b>{html.escape(alpha_words(look))}</b><br>{DISCLAIMER}"

    def reset(_) -> None:
        for one in sliders.values():
            one.value = 0.0

    for one in sliders.values():
        one.observe(update, names="value")
    back.on_click(reset)
    update()
    controls = widgets.VBox([*sliders.values(), back, words])
    controls.layout.max_width = "27rem"
    return widgets.HBox([shown, controls])


def _slider(description: str, reach: float, step: float):
    """Return a slider around nought."""
    import ipywidgets as widgets

    return widgets.FloatSlider(
        description=description, min=-reach, max=reach, step=step, value=0.0,
        style={"description_width": "10rem"}, readout_format="+.1f", layout={"width": "26rem"},
    )  # fmt: skip
