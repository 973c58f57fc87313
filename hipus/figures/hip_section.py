"""A section of a hip that is drawn again and again: grey levels, labels, Graf's lines.

Decides the look of the section that is explored. What stays the same is drawn once, so that a
slider follows the hand; every point comes from a measurement.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hipus.figures import graf_section, overlays, style

_LINES = ("baseline", "bony roof line")
_WIDTH_IN, _DPI, _OPACITY = 4.6, 110, 0.3
_INK = style.PALETTE["ink"]


@dataclass(eq=False)
class SectionPicture:
    """Drawings of sections of one size.

    Attributes
    ----------
    shape : tuple of 2 int
        Rows from lateral to medial, columns from superior to inferior.
    pixel_mm : float
        Side of a pixel.
    """

    shape: tuple[int, int]
    pixel_mm: float
    _artists: dict = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Draw what stays: frame, words and scale."""
        height, width = self.shape
        with style.look():
            figure = Figure(figsize=(_WIDTH_IN, _WIDTH_IN * height / width + 0.1), dpi=_DPI)
            self._canvas = FigureCanvasAgg(figure)
            self._axes = axes = figure.add_axes((0.06, 0.02, 0.92, 0.89))
            axes.set(xticks=[], yticks=[], ylabel="medial  ←  lateral")
            axes.set_title("cranial  →  caudal", weight="normal")
            empty = np.zeros((height, width, 3), np.uint8)
            self._artists["picture"] = axes.imshow(empty, interpolation="bilinear", animated=True)
            for name in _LINES:
                look = {"color": graf_section.LINES[name], "lw": 2, "label": name}
                self._artists[name] = axes.plot([], [], animated=True, **look)[0]
            look = {"ms": 4, "mfc": "white", "mec": _INK, "animated": True}
            self._artists["points"] = axes.plot([], [], "o", **look)[0]
            self._scale_bar()
            axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
            handles = [self._artists[name] for name in _LINES]
            figure.legend(handles=handles, loc="upper right", ncols=2, borderpad=0.1)
            self._canvas.draw()
        self._ground = self._canvas.copy_from_bbox(figure.bbox)

    def _scale_bar(self) -> None:
        """Draw ten millimetres."""
        height, width = self.shape
        ends, row = np.array([width - 8 - 10 / self.pixel_mm, width - 8]), height - 8
        look = {"color": "white", "animated": True}
        self._artists["bar"] = self._axes.plot(ends, [row, row], lw=1.5, **look)[0]
        self._artists["millimetres"] = self._axes.text(
            ends.mean(), row - 3, "10 mm", ha="center", fontsize=7.5, **look
        )

    def png(self, grey, labels=None, *, wing_px=None, roof_px=None) -> bytes:
        """Return the picture of one section.

        Parameters
        ----------
        grey : array-like (H, W) uint8
        labels : array-like (H, W) int, optional
            In the hip scheme.
        wing_px, roof_px : array-like (2, 2), optional
            Ends of baseline and roof line, (u, v); a line that is left out is not drawn.

        Returns
        -------
        bytes

        Raises
        ------
        ValueError
            If the section has another shape than the picture was made for.
        """
        from PIL import Image

        if np.shape(grey) != tuple(self.shape):
            raise ValueError(f"grey must be {tuple(self.shape)}, got {np.shape(grey)}")
        self._artists["picture"].set_data(coloured(np.asarray(grey), labels))
        none = np.empty((0, 2))
        lines = {"baseline": wing_px, "bony roof line": roof_px, "points": roof_px}
        for name, ends in lines.items():
            self._artists[name].set_data(*np.asarray(none if ends is None else ends, float).T)
        self._canvas.restore_region(self._ground)
        for artist in self._artists.values():
            self._axes.draw_artist(artist)
        target = io.BytesIO()
        seen = np.asarray(self._canvas.buffer_rgba())[..., :3]
        Image.fromarray(np.ascontiguousarray(seen)).save(target, "PNG", compress_level=1)
        return target.getvalue()


def coloured(grey: np.ndarray, labels=None) -> np.ndarray:
    """Return grey levels with labels laid over.

    Parameters
    ----------
    grey : numpy.ndarray (H, W) uint8
    labels : array-like (H, W) int, optional

    Returns
    -------
    numpy.ndarray (H, W, 3) uint8
    """
    rgb = np.repeat(grey[..., None], 3, axis=2).astype(np.float64)
    if labels is not None:
        over = overlays.colour_labels(np.asarray(labels), opacity=_OPACITY)
        rgb = rgb * (1 - over[..., 3:]) + 255 * over[..., :3] * over[..., 3:]
    return np.rint(np.clip(rgb, 0, 255)).astype(np.uint8)
