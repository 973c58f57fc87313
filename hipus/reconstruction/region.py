"""Which pixels of a frame hold ultrasound: a rectangle, and within it a fan or none.

Decides the pixels only. Burnt-in text and other blemishes are left to pixel weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fan:
    """The sector of a curved or phased probe.

    Attributes
    ----------
    angles_deg : tuple of 2 float
        Left and right edge, measured from straight down (+v), positive towards +u,
        between -90 and 90.
    origin_px : tuple of 2 float
        (u, v) where the edges meet.
    radii_px : tuple of 2 float
        Where the image starts and stops, from the origin.
    """

    angles_deg: tuple[float, float]
    origin_px: tuple[float, float]
    radii_px: tuple[float, float]

    def __post_init__(self) -> None:
        """Check order and range."""
        left, right = self.angles_deg
        if not -90 < left < right < 90:
            raise ValueError(f"angles_deg must be -90 < left < right < 90, got {self.angles_deg}")
        start, stop = self.radii_px
        if not 0 <= start < stop:
            raise ValueError(f"radii_px must be 0 <= start < stop, got {self.radii_px}")
        if not np.isfinite(self.origin_px).all():
            raise ValueError(f"origin_px must be finite, got {self.origin_px}")

    def contains(self, u_px: np.ndarray, v_px: np.ndarray) -> np.ndarray:
        """Tell which pixel centres lie in the fan, edges included.

        Parameters
        ----------
        u_px, v_px : numpy.ndarray
            Broadcast against each other.

        Returns
        -------
        numpy.ndarray of bool
        """
        u, v = u_px - self.origin_px[0], v_px - self.origin_px[1]
        left, right = np.tan(np.radians(self.angles_deg))
        # Pixels on an edge of 45 degrees must not hang on the last bit of a tangent.
        slack = 1e-9 * np.abs(v)
        squared = u * u + v * v
        in_sector = (v >= 0) & (u >= left * v - slack) & (u <= right * v + slack)
        return in_sector & (squared >= self.radii_px[0] ** 2) & (squared <= self.radii_px[1] ** 2)


@dataclass(frozen=True)
class ImageRegion:
    """A rectangle of whole pixels, and a fan within it.

    Attributes
    ----------
    u_px, v_px, width_px, height_px : int
        Columns u_px to u_px + width_px - 1, rows alike.
    fan : Fan or None
    """

    u_px: int
    v_px: int
    width_px: int
    height_px: int
    fan: Fan | None = None

    def __post_init__(self) -> None:
        """Check that the rectangle holds a pixel."""
        if min(self.u_px, self.v_px) < 0 or min(self.width_px, self.height_px) < 1:
            raise ValueError(
                "clip rectangle must start at u, v >= 0 and be at least 1 x 1 px, got "
                f"u, v, w, h = {self.u_px} {self.v_px} {self.width_px} {self.height_px}"
            )

    @classmethod
    def whole(cls, shape_hw: tuple[int, int]) -> ImageRegion:
        """Return the region of all pixels of a frame."""
        return cls(0, 0, int(shape_hw[1]), int(shape_hw[0]))

    @property
    def corners_px(self) -> np.ndarray:
        """Return the centres of the four corner pixels as (4, 3) points (u, v, 0)."""
        u = (self.u_px, self.u_px + self.width_px - 1)
        v = (self.v_px, self.v_px + self.height_px - 1)
        return np.array([[a, b, 0.0] for b in v for a in u])

    def mask(self, shape_hw: tuple[int, int]) -> np.ndarray:
        """Return the used pixels of a frame.

        Parameters
        ----------
        shape_hw : tuple of 2 int
            Rows and columns of the frame.

        Returns
        -------
        numpy.ndarray (H, W) bool

        Raises
        ------
        ValueError
            If the rectangle leaves the frame.
        """
        height, width = shape_hw
        if self.u_px + self.width_px > width or self.v_px + self.height_px > height:
            raise ValueError(
                f"clip rectangle u, v, w, h = {self.u_px} {self.v_px} {self.width_px} "
                f"{self.height_px} leaves the frame of {width} x {height} px"
            )
        v, u = np.ogrid[:height, :width]
        inside = (u >= self.u_px) & (u < self.u_px + self.width_px)
        inside = inside & (v >= self.v_px) & (v < self.v_px + self.height_px)
        return inside if self.fan is None else inside & self.fan.contains(u, v)


def segments(mask: np.ndarray) -> np.ndarray:
    """Cut the true pixels of a mask into horizontal segments.

    Parameters
    ----------
    mask : numpy.ndarray (H, W) bool

    Returns
    -------
    numpy.ndarray (S, 3) int64
        Row, first column and last column + 1, in row and column order.
    """
    wide = np.pad(np.asarray(mask, bool), ((0, 0), (1, 1)))
    edges = np.flatnonzero(wide[:, 1:] != wide[:, :-1]).reshape(-1, 2)
    row, start = np.divmod(edges[:, 0], wide.shape[1] - 1)
    return np.stack([row, start, start + edges[:, 1] - edges[:, 0]], axis=1).astype(np.int64)
