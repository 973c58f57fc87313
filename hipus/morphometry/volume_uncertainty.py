"""Intervals of 3D measures: what they would be had labels, poses and plane been otherwise.

Decides what a plausible other hip is: every surface's points are pushed about by a smooth random
field of its own (labels) and by one common, longer one (poses), and the Graf plane is turned
within what its search left open. How large the fields are is the caller's knowledge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from hipus.morphometry.head_sphere import fit_sphere
from hipus.morphometry.hip_shape import FoundHip, HipShape, fit_shape
from hipus.morphometry.label_volume import VolumeRefused
from hipus.morphometry.measures import Measure, refused

#: A measure that fewer of the drawn hips allow is refused: it hangs by a thread.
LEAST_SHARE = 0.5
_WAVES = 48


@dataclass(frozen=True)
class Uncertainty:
    """How uncertain the labels and the poses of a volume are.

    Attributes
    ----------
    label_sd_mm, label_length_mm : float
        SD of a label's surface along each axis, and over which length it errs alike. The
        length of a rater's slip is assumed. True labels in voxels of 0.8 mm have about 0.1
        (training sweeps).
    pose_sd_mm, pose_length_mm : float
        The same for where frames lie; 0 for a volume with known poses.
    plane_sd_mm : float
        SD of the Graf plane's place along the posterior axis (0.25 mm on training sweeps).
    draws : int
        At least 20.
    level : float
        Coverage aimed at.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    label_sd_mm: float = 0.3
    label_length_mm: float = 4.0
    pose_sd_mm: float = 0.0
    pose_length_mm: float = 20.0
    plane_sd_mm: float = 0.25
    draws: int = 60
    level: float = 0.95

    def __post_init__(self) -> None:
        """Check every number."""
        for name in ("label_sd_mm", "pose_sd_mm", "plane_sd_mm"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ValueError(f"{name} must be >= 0, got {getattr(self, name)}")
        for name in ("label_length_mm", "pose_length_mm"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.draws < 20:
            raise ValueError(f"draws must be at least 20, got {self.draws}")
        if not 0 < self.level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {self.level}")


def with_intervals(
    measures: dict[str, Measure],
    found: FoundHip,
    measure: Callable[[HipShape], dict[str, Measure]],
    *,
    uncertainty: Uncertainty,
    rng: np.random.Generator,
) -> dict[str, Measure]:
    """Return measures with intervals.

    Parameters
    ----------
    measures : dict of str to Measure
        Of the hip as it was found.
    found : FoundHip
    measure : callable
        From a shape to measures; those it does not name keep what they have.
    uncertainty : Uncertainty
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to Measure
        With the interval value + (quantiles of the draws - their median); refused where fewer
        than half of the draws have a value.
    """
    drawn = [measure(shape) for shape in draw_shapes(found, uncertainty, rng)]
    named = measure(found.shape).keys()
    return {
        name: _widened(one, [d[name] for d in drawn], uncertainty) if name in named else one
        for name, one in measures.items()
    }


def _widened(measure: Measure, drawn: list[Measure], uncertainty: Uncertainty) -> Measure:
    """Return a measure with the interval that its draws give."""
    if measure.value is None:
        return measure
    values = np.array([one.value for one in drawn if one.value is not None])
    if len(values) < LEAST_SHARE * uncertainty.draws:
        share = 100 * len(values) / uncertainty.draws
        return refused(
            f"it hangs on single voxels: {share:.0f} % of equally plausible hips have it",
            measure.unit,
        )
    tail = (1 - uncertainty.level) / 2
    low, high = np.quantile(values, [tail, 1 - tail]) - np.median(values)
    return replace(measure, lower=measure.value + float(low), upper=measure.value + float(high))


def draw_shapes(
    found: FoundHip, uncertainty: Uncertainty, rng: np.random.Generator
) -> Iterator[HipShape]:
    """Draw equally plausible hips.

    Parameters
    ----------
    found : FoundHip
    uncertainty : Uncertainty
    rng : numpy.random.Generator

    Yields
    ------
    HipShape
        Up to `uncertainty.draws`: draws without a wing are left out.
    """
    faces = found.axes.to_anatomy(found.head.faces_mm)
    faces, voxel = faces[:: max(1, len(faces) // 1500)], found.volume.voxel_mm
    for _ in range(uncertainty.draws):
        move = _Move(found, uncertainty, rng)
        centre, radius, _ = fit_sphere(move(faces))
        try:
            face = replace(found.face, middle_mm=move(found.face.middle_mm))
            yield fit_shape(face, move(found.roof_points), centre, radius, voxel_mm=voxel)
        except VolumeRefused:
            continue


class _Move:
    """One draw's displacement of points: own per structure, common by poses, and the plane's."""

    def __init__(self, found: FoundHip, uncertainty: Uncertainty, rng) -> None:
        self.uncertainty, self.rng = uncertainty, rng
        self.pose = SmoothField(rng)
        self.turn = np.radians(rng.normal(0.0, found.plane.pitch_spread_deg))
        self.shift = rng.normal(0.0, uncertainty.plane_sd_mm)

    def __call__(self, points_mm: np.ndarray) -> np.ndarray:
        u = self.uncertainty
        moved = points_mm + u.label_sd_mm * SmoothField(self.rng)(points_mm / u.label_length_mm)
        moved = moved + u.pose_sd_mm * self.pose(points_mm / u.pose_length_mm)
        c, s = np.cos(self.turn), np.sin(self.turn)
        lateral, posterior, superior = moved.T
        turned = [lateral, c * posterior - s * superior - self.shift, s * posterior + c * superior]
        return np.stack(turned, axis=1)


class SmoothField:
    """A smooth random field of three independent components: mean 0, SD 1.

    Parameters
    ----------
    rng : numpy.random.Generator

    Notes
    -----
    A sum of waves of normal wave vectors, whose covariance is exp(-distance^2 / 2) in
    correlation lengths (Rahimi & Recht 2007); it needs no grid.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.waves = rng.standard_normal((3, 3 * _WAVES))
        self.phases = rng.uniform(0.0, 2 * np.pi, 3 * _WAVES)

    def __call__(self, places: np.ndarray) -> np.ndarray:
        """Return the field (N, 3) at places (N, 3) in correlation lengths."""
        values = np.cos(places @ self.waves + self.phases).reshape(len(places), 3, _WAVES)
        return np.sqrt(2.0 / _WAVES) * values.sum(axis=2)
