"""Hips made of a ball, a flat wing and a flat roof, whose measures are known by construction.

Points are (lateral, posterior, superior) in mm from the middle of the head of a left hip.
"""

from dataclasses import dataclass

import numpy as np

from hipus.labels import HipLabel

OUTSIDE_MM, INSIDE_MM = 0.3, 0.95


@dataclass(frozen=True)
class MadeHip:
    """What is made; alpha grows by `alpha_growth_deg` per mm towards posterior."""

    alpha_deg: float = 60.0
    alpha_growth_deg: float = 0.7
    coverage_percent: float = 55.0
    radius_mm: float = 8.0
    rim_mm: float = 11.0
    roof_mm: float = 8.0
    reach_mm: tuple[float, float] = (13.0, 13.0)
    femur_posterior_mm: float = -4.0
    side: str = "left"

    @property
    def face_mm(self) -> float:
        """Where the wing's lateral face lies."""
        return self.radius_mm * (self.coverage_percent / 50.0 - 1.0)

    def labels_at(self, points: np.ndarray) -> np.ndarray:
        """Return labels (...) at points (..., 3)."""
        lateral, posterior, superior = np.moveaxis(points, -1, 0)
        labels = np.zeros(points.shape[:-1], np.uint8)
        labels[np.linalg.norm(points, axis=-1) < self.radius_mm] = HipLabel.FEMORAL_HEAD
        depth = self.face_mm - lateral
        front, back = self.reach_mm
        inside = (posterior > -front) & (posterior < back)
        wing = (depth > -OUTSIDE_MM) & (depth < INSIDE_MM) & (superior > self.rim_mm)
        labels[wing & inside & (superior < self.rim_mm + 15.0)] = HipLabel.ILIUM
        labels[self._roof(depth, posterior, superior) & inside] = HipLabel.ILIUM
        femur = np.hypot(lateral - 6.0, posterior - self.femur_posterior_mm) < 4.0
        labels[femur & (superior < -9.0) & (superior > -13.0)] = HipLabel.FEMORAL_CORTEX
        return labels

    def _roof(self, depth, posterior, superior) -> np.ndarray:
        alpha = np.radians(self.alpha_deg + self.alpha_growth_deg * posterior)
        down = self.rim_mm - superior
        along = depth * np.sin(alpha) + down * np.cos(alpha)
        below = down * np.sin(alpha) - depth * np.cos(alpha)
        # The roof is an arch over the head: it sinks to front and back.
        below = below - posterior**2 / 20.0
        return (below < OUTSIDE_MM) & (below > -INSIDE_MM) & (along > -0.3) & (along < self.roof_mm)


@dataclass(frozen=True, eq=False)
class MadeVolume:
    """Labels, and the map from the volume (x, y, z mm) to the hip as made."""

    labels: np.ndarray
    spacing_zyx_mm: tuple[float, float, float]
    axes: np.ndarray
    centre_mm: np.ndarray

    def to_hip(self, points_mm) -> np.ndarray:
        """Return points of the volume as (lateral, posterior, superior)."""
        return (np.asarray(points_mm) - self.centre_mm) @ self.axes.T

    def places(self) -> np.ndarray:
        """Return (lateral, posterior, superior) of every voxel, (D, H, W, 3)."""
        grid = np.stack(np.meshgrid(*map(np.arange, self.labels.shape), indexing="ij")[::-1], -1)
        return self.to_hip(grid * np.array(self.spacing_zyx_mm[::-1]))


def put_in_volume(hip, rotation, spacing_zyx_mm=(0.8, 0.8, 0.8), half_mm=27.0) -> MadeVolume:
    """Return labels of a hip, its axes turned by a rotation in the volume, mirrored if right."""
    axes = np.diag([1.0 if hip.side == "left" else -1.0, 1.0, 1.0]) @ np.asarray(rotation)
    spacing = np.array(spacing_zyx_mm[::-1])
    middle = np.array([half_mm, half_mm + 1.3, half_mm - 0.7])
    counts = np.ceil((middle + half_mm) / spacing).astype(int)
    grid = np.stack(np.meshgrid(*map(np.arange, counts[::-1]), indexing="ij")[::-1], axis=-1)
    centre = middle - axes.T @ [0.0, 0.0, 6.0]
    points = (grid * spacing - centre) @ axes.T
    return MadeVolume(hip.labels_at(points), tuple(spacing_zyx_mm), axes, centre)
