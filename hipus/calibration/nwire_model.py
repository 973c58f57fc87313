"""What nine dots (three per layer) must look like if a plane cuts an N-wire phantom.

Decides how far a naming of dots is from any picture that the phantom can give. Deliberately
free of images (see `nwire_dots`) and of the search for lines (see `nwire`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hipus.calibration.wires import NWirePhantom

#: Scatter of a dot about its wire that counts as one unit of misfit.
DOT_SCATTER_MM = 0.3
#: Disagreement between the picture's stretch and the plane's slant that counts as one unit:
#: the pixel size is known to some 10 % and counts squared.
STRETCH_SCATTER = 0.25
#: Squared ratio of a crossing's scatter along the wires (1 mm) to a usual slant (0.3).
SLANT_RIDGE_MM2 = 11.0
#: How far beyond a wire's end, as a share of its length, a dot may lie.
BEYOND_END = 0.1


@dataclass(frozen=True, eq=False)
class PatternModel:
    """A phantom's cross-section, ready to be compared with many stacks of dots at once.

    Attributes
    ----------
    section_mm : numpy.ndarray (2 L, 2)
        Outer wires in the plane across them: along the layers, and along their normal.
    widths_mm : numpy.ndarray (L,)
    gaps_mm : numpy.ndarray (L - 1,)
        Between neighbouring layers.
    order : numpy.ndarray (L,) int
        Layers sorted along the normal.
    middle_mm : numpy.ndarray (L, 2, 2)
        (across, along) of the middle wires' two ends, from the phantom's middle.
    heights_mm : numpy.ndarray (L,)
    """

    section_mm: np.ndarray
    widths_mm: np.ndarray
    gaps_mm: np.ndarray
    order: np.ndarray
    middle_mm: np.ndarray
    heights_mm: np.ndarray

    @property
    def layer_count(self) -> int:
        """Return the number L of layers."""
        return len(self.widths_mm)

    def namings(self, stacks: np.ndarray) -> np.ndarray:
        """List the four ways to name the dots of each stack.

        Parameters
        ----------
        stacks : numpy.ndarray (S, L, 3) int
            Dots of the lines, top to bottom, left to right.

        Returns
        -------
        numpy.ndarray (S, 4, 3 L) int
            Dots in the order of the phantom's wires: layers downwards or upwards, wires
            rightwards or leftwards.
        """
        place = np.argsort(self.order)
        ways = [
            stacks[:, rows][:, place][:, :, sides]
            for rows in (slice(None), slice(None, None, -1))
            for sides in (slice(None), slice(None, None, -1))
        ]
        return np.stack(ways, axis=1).reshape(len(stacks), 4, -1)

    def misfit(self, points_mm: np.ndarray) -> np.ndarray:
        """Measure how unlike the phantom named dots are; about 1 for real ones.

        Parameters
        ----------
        points_mm : numpy.ndarray (..., 3 L, 2)
            Dots in pixels times the approximate pixel size.

        Returns
        -------
        numpy.ndarray (...)
            Root of the summed squares of: the outer dots' distance from an affine picture of
            the section (RMS), and the disagreement of that picture's stretch with the slant
            told by the middle wires. Infinite where a middle dot lies beyond its wire's ends.
        """
        points = points_mm.reshape(*points_mm.shape[:-2], self.layer_count, 3, 2)
        outer = points[..., [0, 2], :].reshape(*points.shape[:-3], -1, 2)
        design = np.column_stack([self.section_mm, np.ones(len(self.section_mm))])
        picture = np.linalg.pinv(design) @ outer
        rms_mm = np.sqrt(np.mean(np.sum((outer - design @ picture) ** 2, axis=-1), axis=-1))
        shares = self._shares(points)
        is_inside = ((shares > -BEYOND_END) & (shares < 1 + BEYOND_END)).all(axis=-1)
        gram = picture[..., :2, :] @ np.swapaxes(picture[..., :2, :], -1, -2)
        expected = self._stretch(shares)
        unlike = np.linalg.norm(gram - expected, axis=(-2, -1))
        unlike /= np.linalg.norm(expected, axis=(-2, -1))
        total = np.hypot(rms_mm / DOT_SCATTER_MM, unlike / STRETCH_SCATTER)
        return np.where(is_inside, total, np.inf)

    def _shares(self, points: np.ndarray) -> np.ndarray:
        """Return where along the middle wires the dots lie, 0 to 1 from front to back."""
        across = points[..., 2, :] - points[..., 0, :]
        shift = points[..., 1, :] - points[..., 0, :]
        share = np.sum(shift * across, axis=-1) / np.sum(across**2, axis=-1)
        first_mm = self.section_mm[0::2, 0]
        at_mm = first_mm + share * (self.section_mm[1::2, 0] - first_mm)
        start, end = self.middle_mm[:, 0, 0], self.middle_mm[:, 1, 0]
        return (at_mm - start) / (end - start)

    def _stretch(self, shares: np.ndarray) -> np.ndarray:
        """Return the metric of the cut: identity for a plane square to the outer wires.

        A plane `along = c + a across + b height` is seen with the metric
        [[1 + a^2, a b], [a b, 1 + b^2]]. Crossings in a row (always so with two layers) do not
        tell a and b apart, hence the ridge: an upright plane unless the dots say otherwise.
        """
        start, end = self.middle_mm[:, 0], self.middle_mm[:, 1]
        at_mm = start + shares[..., None] * (end - start)
        across, along = at_mm[..., 0], at_mm[..., 1]
        centred = [
            value - value.mean(axis=-1, keepdims=True)
            for value in (across, np.broadcast_to(self.heights_mm, across.shape), along)
        ]
        design = np.stack(centred[:2], axis=-1)
        normal = np.swapaxes(design, -1, -2) @ design + SLANT_RIDGE_MM2 * np.eye(2)
        slant = np.linalg.solve(normal, np.swapaxes(design, -1, -2) @ centred[2][..., None])
        return np.eye(2) + slant @ np.swapaxes(slant, -1, -2)


@lru_cache(maxsize=8)
def _cached_model(front: bytes, back: bytes) -> PatternModel:
    """Build the model of wires given as bytes, so that it can be cached by value."""
    front_mm = np.frombuffer(front).reshape(-1, 3)
    back_mm = np.frombuffer(back).reshape(-1, 3)
    axes = _section_axes(front_mm, back_mm)
    middle = (front_mm + back_mm).mean(axis=0) / 2
    ends = np.stack([front_mm - middle, back_mm - middle], axis=1) @ axes.T
    ends = ends.reshape(-1, 3, 2, 3)
    outer = ends[:, [0, 2]].mean(axis=2)
    heights = outer[..., 2].mean(axis=1)
    order = np.argsort(heights)
    return PatternModel(
        section_mm=outer[..., [0, 2]].reshape(-1, 2),
        widths_mm=np.linalg.norm(outer[:, 1, [0, 2]] - outer[:, 0, [0, 2]], axis=1),
        gaps_mm=np.diff(heights[order]),
        order=order,
        middle_mm=ends[:, 1, :, :2],
        heights_mm=heights,
    )


def _section_axes(front_mm: np.ndarray, back_mm: np.ndarray) -> np.ndarray:
    """Return unit rows: across the wires in a layer, along them, along the layers' normal."""
    along = back_mm[0] - front_mm[0]
    along = along / np.linalg.norm(along)
    across = front_mm[2] - front_mm[0]
    across = across - along * (across @ along)
    across /= np.linalg.norm(across)
    return np.stack([across, along, np.cross(across, along)])


def pattern_model(phantom: NWirePhantom) -> PatternModel:
    """Return the (cached) cross-section model of a phantom.

    Parameters
    ----------
    phantom : NWirePhantom

    Returns
    -------
    PatternModel

    Raises
    ------
    ValueError
        If patterns are not parallel layers at different heights: dots could not be named.
    """
    model = _cached_model(phantom.front_mm.tobytes(), phantom.back_mm.tobytes())
    parallel = np.abs(phantom.directions[0::3] @ phantom.directions[0])
    if parallel.min() < np.cos(np.radians(1)):
        raise ValueError("the outer wires of all patterns must be parallel to name their dots")
    if model.gaps_mm.min() < 1.0:
        raise ValueError(
            f"patterns must lie >= 1 mm apart along their normal, got {model.gaps_mm.min():.3g} mm"
        )
    return model
