"""Probe motion from speckle decorrelation, calibrated on tracked training sweeps.

Decides which patches are read, how a sweep becomes their correlations and how these become
steps: elevational from decorrelation, in-plane from the median flow. Deliberately predicts no
rotation: tilts have no sign in decorrelation (an inertial sensor has one, `baselines`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hipus import geometry
from hipus.motion.baselines import ANY_TYPE
from hipus.motion.correlation_maps import correlation_maps, median_shift_mm, self_correlation
from hipus.motion.decorrelation_curves import DecorrelationCurves, fit_curves
from hipus.motion.prediction import StepPrediction
from hipus.motion.spread import Spread, spread_of, tracked_steps

if TYPE_CHECKING:
    from hipus.motion.preparation import PreparedSweep

log = logging.getLogger(__name__)

#: Patches along each side of a frame.
PATCHES = 6
#: In-plane distances at which a frame is compared with itself, mm.
LATERAL_MM, AXIAL_MM = 0.4, 0.2
#: Steps over which speed is taken as constant: about half a second.
WINDOW = 5
#: Training sweeps that are read at most, evenly chosen: reading takes 0.2 s each.
MOST_SWEEPS = 60


@dataclass(frozen=True)
class Patches:
    """What the patches of a sweep show.

    Attributes
    ----------
    correlation : numpy.ndarray (S, G, G) float32
        From frame to frame.
    in_plane : numpy.ndarray (2, S, G, G) float32
        Lateral and axial correlation within the two frames, mean.
    shift_mm : numpy.ndarray (S, 2) float64
        Median motion of the content, to the right and down.
    """

    correlation: np.ndarray
    in_plane: np.ndarray
    shift_mm: np.ndarray


def read_patches(prepared: PreparedSweep, *, patches: int = PATCHES) -> Patches:
    """Measure the patches of a sweep.

    Parameters
    ----------
    prepared : PreparedSweep
        With pixel spacing.
    patches : int
        Along each side.

    Returns
    -------
    Patches

    Raises
    ------
    ValueError
        If the pixel spacing is not known: in-plane correlation is measured at fixed mm.
    """
    if prepared.pixel_spacing_xy_mm is None:
        raise ValueError(
            f"{prepared.name}: pixel_spacing_xy_mm must be known for speckle decorrelation, "
            "got None"
        )
    frames, spacing = prepared.frames, prepared.pixel_spacing_xy_mm
    between = correlation_maps(frames, prepared.flow, lags=(1,), map_px=patches)[0, :-1]
    shifts_px = ((LATERAL_MM / spacing[0], 0.0), (0.0, AXIAL_MM / spacing[1]))
    within = np.stack([self_correlation(frames, shift, map_px=patches) for shift in shifts_px])
    in_plane = (within[:, :-1] + within[:, 1:]) / 2
    return Patches(between, in_plane, median_shift_mm(frames, prepared.flow, spacing))


def patch_distances_mm(
    steps: np.ndarray, shape: tuple[int, int], spacing_xy_mm, *, patches: int = PATCHES
) -> np.ndarray:
    """Return how far each patch moved out of the earlier frame's plane.

    Parameters
    ----------
    steps : numpy.ndarray (S, 4, 4)
        Frame i + 1 -> frame i of the centre frame.
    shape : tuple of 2 int
        Rows and columns of a frame.
    spacing_xy_mm : tuple of 2 float
        Sides of a pixel.
    patches : int

    Returns
    -------
    numpy.ndarray (S, G, G)
        mm along the elevational axis at the patches' centres, rows downwards.
    """
    share = (np.arange(patches) + 0.5) / patches - 0.5
    x_mm = share * shape[1] * spacing_xy_mm[0]
    y_mm = share * shape[0] * spacing_xy_mm[1]
    tilt_x, tilt_y, along = (steps[:, 2, k, None, None] for k in (0, 1, 3))
    return along + tilt_x * x_mm + tilt_y * y_mm[:, None]


@dataclass(frozen=True)
class DecorrelationStep:
    """Steps from speckle decorrelation and median flow.

    Attributes
    ----------
    curves : mapping of str to DecorrelationCurves
        By sweep type; `ANY_TYPE` for the others. Types differ in what is sliced how.
    flow_gain : numpy.ndarray (2,)
        Probe motion (lateral, axial) per motion of the content.
    window : int
        Steps whose evidence is pooled.
    name : str
    spread : Spread
    """

    curves: Mapping[str, DecorrelationCurves]
    flow_gain: np.ndarray
    window: int = WINDOW
    name: str = "speckle decorrelation"
    spread: Spread | None = None

    @classmethod
    def fit(
        cls,
        training: Sequence[PreparedSweep],
        *,
        adaptive: bool = True,
        window: int = WINDOW,
        name: str = "speckle decorrelation",
    ) -> DecorrelationStep:
        """Calibrate on tracked sweeps.

        Parameters
        ----------
        training : sequence of PreparedSweep
            At most `MOST_SWEEPS` of them are read, evenly chosen.
        adaptive : bool
            As for `decorrelation_curves.fit_curves`.
        window : int
            Steps over which speed is taken as constant.
        name : str

        Returns
        -------
        DecorrelationStep

        Raises
        ------
        ValueError
            If the tracked steps are fewer than the patches, or pixel spacing is unknown.
        """
        chosen = np.linspace(0, len(training) - 1, min(MOST_SWEEPS, len(training))).round()
        training = [training[int(index)] for index in chosen]
        true = tracked_steps(training)
        read = [read_patches(sweep) for sweep in training]
        curves = _curves_by_type(training, true, read, adaptive=adaptive)
        gain = _flow_gain(true, read)
        fitted = cls(curves, gain, window, name)
        said = [fitted._steps(s.sweep_type, one) for s, one in zip(training, read, strict=True)]
        return cls(curves, gain, window, name, spread_of(said, training))

    def predict(self, prepared: PreparedSweep) -> StepPrediction:
        """Return the steps of a sweep.

        Parameters
        ----------
        prepared : PreparedSweep

        Returns
        -------
        StepPrediction
            Forward (+z) always: direction is the protocol's, decorrelation has none.

        Raises
        ------
        ValueError
            If the pixel spacing is not known.
        """
        T = self._steps(prepared.sweep_type, read_patches(prepared))
        return StepPrediction(T) if self.spread is None else self.spread.prediction(T)

    def _steps(self, sweep_type: str, read: Patches) -> np.ndarray:
        """Return steps from patches."""
        curves = self.curves.get(sweep_type, self.curves[ANY_TYPE])
        out_mm = curves.distances(read.correlation, read.in_plane, window=self.window)
        in_mm = read.shift_mm * self.flow_gain
        return geometry.transform(translation=np.column_stack([in_mm, out_mm]))


def _curves_by_type(training, true, read, *, adaptive: bool) -> dict[str, DecorrelationCurves]:
    """Return curves of all sweeps, and of each type that has enough steps."""
    distance = [
        patch_distances_mm(steps, sweep.frames.shape[1:], sweep.pixel_spacing_xy_mm)
        for steps, sweep in zip(true, training, strict=True)
    ]

    def fitted(kept: Sequence[int]) -> DecorrelationCurves:
        return fit_curves(
            np.concatenate([distance[k] for k in kept]),
            np.concatenate([read[k].correlation for k in kept]),
            np.concatenate([read[k].in_plane for k in kept], axis=1),
            adaptive=adaptive,
        )

    curves = {ANY_TYPE: fitted(range(len(training)))}
    for kind in sorted({sweep.sweep_type for sweep in training}):
        kept = [k for k, sweep in enumerate(training) if sweep.sweep_type == kind]
        known = sum(np.isfinite(distance[k]).all(axis=(1, 2)).sum() for k in kept)
        if known >= PATCHES**2:
            curves[kind] = fitted(kept)
        else:
            log.warning("type %r has %d tracked steps: curves of all types serve", kind, known)
    return curves


def _flow_gain(true: Sequence[np.ndarray], read: Sequence[Patches]) -> np.ndarray:
    """Return the least-squares probe motion per motion of the content, (2,)."""
    moved = np.concatenate([steps[:, :2, 3] for steps in true])
    shift = np.concatenate([one.shift_mm for one in read])
    is_known = np.isfinite(moved).all(axis=1)
    moved, shift = moved[is_known], shift[is_known]
    return np.sum(moved * shift, axis=0) / np.maximum(np.sum(shift**2, axis=0), 1e-9)
