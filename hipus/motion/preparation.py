"""From a recorded sweep to what motion is learned from and predicted from.

Decides which frames count (hesitation is cut), which way round they are (a turned probe is
turned back), their size, and the frame in which motion is told: left hips are mirrored, so
that every p_a and p_d sweep travels along +z of its picture. What is decided for a sweep that
is to be predicted is decided from its pictures alone. Deliberately standardises no grey value
and knows no file (see `windows` and `prepared_files`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from hipus import sweep_cleaning
from hipus.geometry import transform
from hipus.motion.flow import optical_flow
from hipus.motion.imu import imu_rotations
from hipus.motion.poses import centre_poses, mirrored
from hipus.sweep import Sweep

log = logging.getLogger(__name__)

#: The paper's network looks at six consecutive frames: shorter sweeps cannot be predicted.
MIN_FRAMES = 6
SIDES = ("left", "right", "")
#: Travel along the picture's normal that the protocol asks for, p_a and p_d alike.
TRAVEL_SIGN = {"left": -1, "right": 1}
#: Sweep types that travel; a Graf sweep stays in its plane and is neither cut nor judged.
TRAVELLING = ("p_a", "p_d")


@dataclass(frozen=True)
class PreparedSweep:
    """A sweep as networks and baselines see it.

    Attributes
    ----------
    subject_id, sweep_id, sweep_type : str
    side : {"left", "right", ""}
    is_mirrored : bool
        Poses and IMU rotations are told in the mirrored frame, T' = M T M with
        M = diag(1, 1, -1, 1). The pictures are the same in both.
    is_flipped : bool
        The probe was held turned by 180 degrees; frames, poses and IMU are turned back.
    first_frame : int
        Index of frame 0 in the recorded sweep.
    frames : numpy.ndarray (N, H, W) uint8
        Trimmed, turned back, full size.
    thumbnails : numpy.ndarray (N, P, P) float32
        Grey values 0 to 1, squeezed to a square.
    flow : numpy.ndarray (N - 1, 2, P, P) float32
        Optical flow u, v from frame i to i + 1, pixels of the thumbnail.
    time_s : numpy.ndarray (N,)
    T_centre_to_world : numpy.ndarray (N, 4, 4)
        As tracked, mirrored when `is_mirrored`; NaN where invalid, all NaN when untracked.
    imu_rotations : numpy.ndarray (N - 1, 3, 3) or None
        Rotation frame i + 1 -> frame i in the (mirrored) centre frame; NaN inside long gaps.
        None without a sensor, or where its mounting to the picture is not known.
    pixel_spacing_xy_mm : tuple of float or None
        Of `frames`.
    extra : mapping of str to numpy.ndarray (N - 1, P, P) float32
        Further maps of frame pairs, by channel name (for example "correlation").
    """

    subject_id: str
    sweep_id: str
    sweep_type: str
    side: str
    is_mirrored: bool
    is_flipped: bool
    first_frame: int
    frames: np.ndarray
    thumbnails: np.ndarray
    flow: np.ndarray
    time_s: np.ndarray
    T_centre_to_world: np.ndarray
    imu_rotations: np.ndarray | None
    pixel_spacing_xy_mm: tuple[float, float] | None
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.time_s)

    @property
    def name(self) -> str:
        """Return `subject/sweep`, as messages and tables name it."""
        return f"{self.subject_id}/{self.sweep_id}"

    @property
    def is_valid(self) -> np.ndarray:
        """Return where a frame has a tracked pose, (N,) bool."""
        return np.isfinite(self.T_centre_to_world).all(axis=(1, 2))

    def with_extra(self, **maps: np.ndarray) -> PreparedSweep:
        """Return the sweep with further maps of frame pairs.

        Parameters
        ----------
        **maps : numpy.ndarray (N - 1, P, P)

        Raises
        ------
        ValueError
            If a map has another shape.
        """
        expected = (len(self) - 1, *self.thumbnails.shape[1:])
        for name, values in maps.items():
            if np.shape(values) != expected:
                raise ValueError(
                    f"{self.name}: extra map {name!r} must be {expected}, got {np.shape(values)}"
                )
        kept = {name: np.asarray(values, np.float32) for name, values in maps.items()}
        return replace(self, extra={**self.extra, **kept})


def prepare(
    sweep: Sweep,
    *,
    input_px: int,
    side: str,
    subject_id: str = "",
    sweep_id: str = "",
    sweep_type: str = "",
    from_pictures: bool = False,
    reference_picture: np.ndarray | None = None,
    flow_method: str = "dis_fast",
) -> PreparedSweep:
    """Prepare one sweep.

    Parameters
    ----------
    sweep : Sweep
    input_px : int
        Side P of the square thumbnails. The picture is squeezed: rows and columns shrink by
        different factors, by averaging over areas.
    side : {"left", "right", ""}
        Left hips are mirrored; "" where there is no side (a phantom): not mirrored.
    subject_id, sweep_id : str
        The sweep's own id where `sweep_id` is left out.
    sweep_type : str
        p_a and p_d are cut and judged by their travel.
    from_pictures : bool
        Cut and turn without a look at the poses: for sweeps that are to be predicted. Untracked
        sweeps are always treated so.
    reference_picture : numpy.ndarray (P, P), optional
        `mean_picture` of training sweeps; without it no flip is looked for in pictures.
    flow_method : str
        One of `flow.METHODS`.

    Returns
    -------
    PreparedSweep

    Raises
    ------
    ValueError
        For fewer than six frames, pictures that are all the same, an unknown side, or a size
        below 8 px.
    """
    raise ValueError("sweep: prepare is being written")
