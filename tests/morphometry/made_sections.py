"""A section drawn from straight lines, whose angles and coverage are known by construction.

Points are (lateral, cranial) in mm; the bony rim is the origin and the wing points up.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.path import Path

from hipus.labels import HipLabel, StillLabel

ROOF_MM, WING_MM, ROOF_TO_LABRUM_MM = 9.0, 22.0, 5.6
HEAD_RADIUS_MM, HEAD_BELOW_MM = 8.0, 14.0


@dataclass(frozen=True)
class MadeSection:
    """What is drawn, and how the picture lies."""

    alpha_deg: float = 60.0
    beta_deg: float = 65.0
    coverage_percent: float = 55.0
    turn_deg: float = 7.0
    spacing_yx_mm: tuple[float, float] = (0.25, 0.25)
    cranial: str = "left"
    wing_mm: float = WING_MM
    roof_mm: float = ROOF_MM
    size_mm: tuple[float, float] = (46.0, 60.0)

    def to_section(self, u, v) -> np.ndarray:
        """Return (lateral, cranial) of pixels."""
        dv, du = self.spacing_yx_mm
        y, x = v * dv - self.size_mm[0] / 2, u * du - self.size_mm[1] / 2
        c, s = np.cos(np.radians(self.turn_deg)), np.sin(np.radians(self.turn_deg))
        right, down = c * x - s * y, s * x + c * y
        sign = 1.0 if self.cranial == "right" else -1.0
        return np.stack([-down, sign * right], axis=-1)

    def landmarks(self) -> dict[str, np.ndarray]:
        """Return where the landmarks lie."""
        a, b = np.radians([self.alpha_deg, self.beta_deg])
        lateral = HEAD_RADIUS_MM * (1 - self.coverage_percent / 50)
        return {
            "bony_rim": np.zeros(2),
            "lower_limb": -self.roof_mm * np.array([np.sin(a), np.cos(a)]),
            "labrum": ROOF_TO_LABRUM_MM * np.array([np.sin(b), -np.cos(b)]),
            "head": np.array([lateral, -HEAD_BELOW_MM]),
        }

    def labels(self, *, is_filled: bool = False) -> np.ndarray:
        """Return the mask in the hip scheme: interfaces as bands, head and labrum filled."""
        dv, du = self.spacing_yx_mm
        rows, columns = round(self.size_mm[0] / dv), round(self.size_mm[1] / du)
        v, u = np.mgrid[:rows, :columns]
        place = self.to_section(u, v)
        at = self.landmarks()
        labels = np.zeros(u.shape, np.uint8)
        labels[np.linalg.norm(place - at["head"], axis=-1) < HEAD_RADIUS_MM] = HipLabel.FEMORAL_HEAD
        labels[np.linalg.norm(place - at["labrum"], axis=-1) < 1.2] = HipLabel.LABRUM
        top = np.array([0.0, self.wing_mm])
        corners = [at["bony_rim"], top, top + [-10.0, 0.0], at["lower_limb"]]
        is_bone = Path(corners).contains_points(place.reshape(-1, 2)).reshape(u.shape)
        away = np.minimum(
            _distance(place, corners[0], top), _distance(place, corners[0], at["lower_limb"])
        )
        labels[is_bone if is_filled else (away < np.where(is_bone, 0.95, 0.3))] = HipLabel.ILIUM
        return labels

    def still_labels(self) -> np.ndarray:
        """Return the mask in the scheme of the stills: no labrum, an ischium deep of the head."""
        labels = self.labels()
        labels[labels == HipLabel.LABRUM] = 0
        v, u = np.mgrid[: labels.shape[0], : labels.shape[1]]
        deep = self.landmarks()["head"] + [-12.0, 0.0]
        labels[np.linalg.norm(self.to_section(u, v) - deep, axis=-1) < 2.0] = StillLabel.OS_ISCHIUM
        return labels


def _distance(places: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return how far places (..., 2) are from a segment."""
    along = end - start
    part = np.clip((places - start) @ along / (along @ along), 0.0, 1.0)
    return np.linalg.norm(places - start - part[..., None] * along, axis=-1)
