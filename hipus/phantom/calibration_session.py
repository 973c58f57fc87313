"""What a calibration recording holds: pictures, reported poses, and the truth to judge by.

Decides how far a found calibration is from the true one (target registration error).
Deliberately makes no recording (see `wires`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hipus import geometry
from hipus.phantom.acquisition.tracking import MarkerTrack, poses_at
from hipus.phantom.wire_phantoms import WirePhantom


@dataclass(frozen=True)
class CalibrationSession:
    """A calibration recording with its truth.

    Attributes
    ----------
    frames : numpy.ndarray (N, H, W) uint8
    time_s : numpy.ndarray (N,)
    pose_time_s : numpy.ndarray (M,)
        Stamps of the tracker: `pose_time = image_time + lag`.
    probe, reference : MarkerTrack
        Reported at `pose_time_s`; the reference marker is fixed to the phantom.
    phantom : WirePhantom or None
        None for a water tank.
    T_phantom_to_reference : numpy.ndarray (4, 4)
        As registered with a stylus: what the user knows, `REGISTRATION_*` off the truth.
    T_phantom_to_reference_true : numpy.ndarray (4, 4)
    T_image_to_probe, T_pixel_to_probe : numpy.ndarray (4, 4)
        Truth.
    lag_s : float
        Truth.
    wire_points_px : numpy.ndarray (N, W, 2)
        Truth: where the wires cross each picture, inside it or not; (N, 0, 2) without wires.
    """

    frames: np.ndarray
    time_s: np.ndarray
    pose_time_s: np.ndarray
    probe: MarkerTrack
    reference: MarkerTrack
    phantom: WirePhantom | None
    T_phantom_to_reference: np.ndarray
    T_phantom_to_reference_true: np.ndarray
    T_image_to_probe: np.ndarray
    T_pixel_to_probe: np.ndarray
    lag_s: float
    wire_points_px: np.ndarray = field(repr=False)

    @property
    def T_probe_to_reference(self) -> np.ndarray:
        """Return the reported poses at `pose_time_s`, (M, 4, 4), NaN where lost."""
        return geometry.relative(self.reference.T_marker_to_tracker, self.probe.T_marker_to_tracker)

    def T_probe_to_reference_at_images(self, lag_s: float, *, max_gap_s: float = 0.12):
        """Return reported poses (N, 4, 4) at the images' times after correcting a lag.

        Parameters
        ----------
        lag_s : float
            An estimate; 0 gives what software that knows of no lag pairs with the pictures.
        max_gap_s : float
            Longer gaps are not bridged.

        Returns
        -------
        numpy.ndarray (N, 4, 4) float64
            NaN where there is none.
        """
        tracks = (
            poses_at(self.time_s + lag_s, self.pose_time_s, track, max_gap_s=max_gap_s)
            for track in (self.reference, self.probe)
        )
        return geometry.relative(*(track.T_marker_to_tracker for track in tracks))

    def target_registration_error_mm(self, T_pixel_to_probe, *, count: int = 9) -> np.ndarray:
        """Return how far a calibration puts points of the picture from where they are.

        Parameters
        ----------
        T_pixel_to_probe : array-like (4, 4)
            An estimate.
        count : int
            Points along each side of a grid that spans the frame.

        Returns
        -------
        numpy.ndarray (count * count,) float64
            In the probe's frame, mm.
        """
        height, width = self.frames.shape[1:]
        u, v = np.meshgrid(np.linspace(0, width - 1, count), np.linspace(0, height - 1, count))
        points = np.stack([u.ravel(), v.ravel(), np.zeros(u.size)], axis=1)
        found = geometry.apply(T_pixel_to_probe, points)
        return np.linalg.norm(found - geometry.apply(self.T_pixel_to_probe, points), axis=1)
