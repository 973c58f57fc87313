"""From a recorded sweep to what motion is learned from and predicted from.

Decides which frames count (hesitation is cut), which way round they are (a turned probe is
turned back), their size, and the frame in which motion is told: left hips are mirrored, so
that every p_a and p_d sweep travels along +z of its picture. What is decided for a sweep that
is to be predicted is decided from its pictures alone. Deliberately standardises no grey value
and knows no file (see `windows` and `prepared_files`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from hipus import geometry, sweep_cleaning
from hipus.motion.cleaning import (
    MIN_FRAMES,
    check_pictures,
    is_flipped_probe,
    kept_frames,
    without_poses,
)
from hipus.motion.flow import MIN_SIDE_PX, optical_flow
from hipus.motion.imu import imu_rotations
from hipus.motion.poses import MIRROR, centre_poses, centre_to_probe, mirrored
from hipus.sweep import Sweep

SIDES = ("left", "right", "")
#: Sweep types that travel; a Graf sweep stays in its plane and is neither cut nor judged.
TRAVELLING = ("p_a", "p_d")
#: A probe turned by 180 degrees about its beam, seen from the turned-back picture's centre.
TURN = np.diag([-1.0, 1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
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
    T_centre_to_probe: np.ndarray | None = None,
) -> PreparedSweep:
    """Prepare one sweep.

    Parameters
    ----------
    sweep : Sweep
    input_px : int
        Side P of the square thumbnails. The picture is squeezed: rows and columns shrink by
        different factors, by averaging over areas, so pixels of a thumbnail are not square
        and a cohort may mix frame sizes.
    side : {"left", "right", ""}
        Left hips are mirrored; "" where there is no side (a phantom): not mirrored.
    subject_id, sweep_id : str
        The sweep's own id where `sweep_id` is left out.
    sweep_type : str
        p_a and p_d are cut and judged by their travel; others are taken whole.
    from_pictures : bool
        Cut and turn without a look at the poses: for sweeps that are to be predicted. Untracked
        sweeps are always treated so.
    reference_picture : numpy.ndarray (P, P), optional
        `cleaning.mean_picture` of training sweeps of this type, `input_px` wide; without it no
        flip is looked for in pictures.
    flow_method : str
        One of `flow.METHODS`.
    T_centre_to_probe : numpy.ndarray (4, 4), optional
        How the recorded picture sits in the probe, for the IMU of a sweep without calibration.

    Returns
    -------
    PreparedSweep

    Raises
    ------
    ValueError
        For fewer than six frames, pictures that are all the same, an unknown side, a size
        below 16 px or above the frame's, a reference of another size, a tracked p_a or p_d
        sweep that does not travel, or an IMU log that does not cover the frames.

    Notes
    -----
    Where less than six frames would be left of a longer sweep it is not cut. Frames that
    repeat their predecessor stay, with a warning: flow and motion are zero there. Poses that
    are invalid inside the sweep stay NaN; windows that touch them are not trained on. So do
    IMU rotations inside long gaps; without a log or its mounting they are None.
    """
    _check_request(sweep, input_px, side)
    sweep = replace(sweep, frames=np.asarray(sweep.frames[:]))  # inflated once, used thrice
    seen = without_poses(sweep) if from_pictures else sweep
    is_judged = sweep_type in TRAVELLING
    kept = kept_frames(seen) if is_judged else slice(0, len(sweep))
    seen, cut = seen.select(kept), sweep.select(kept)
    shrunk = thumbnails(cut.frames, input_px)
    check_pictures(sweep, shrunk)
    is_flipped = is_judged and is_flipped_probe(seen, shrunk, side, reference_picture)
    if is_flipped:
        cut, shrunk = sweep_cleaning.correct_flip(cut), np.ascontiguousarray(shrunk[:, :, ::-1])
    is_mirrored = side == "left"
    turns = _imu_turns(cut, T_centre_to_probe, is_flipped)
    return PreparedSweep(
        subject_id=subject_id,
        sweep_id=sweep_id or sweep.sweep_id,
        sweep_type=sweep_type,
        side=side,
        is_mirrored=is_mirrored,
        is_flipped=is_flipped,
        first_frame=kept.start,
        frames=np.ascontiguousarray(cut.frames),
        thumbnails=shrunk.astype(np.float32) / 255,
        flow=optical_flow(shrunk, flow_method),
        time_s=cut.time_s,
        T_centre_to_world=mirrored(centre_poses(cut)) if is_mirrored else centre_poses(cut),
        imu_rotations=_mirrored_turns(turns) if is_mirrored else turns,
        pixel_spacing_xy_mm=cut.pixel_spacing_xy_mm,
    )


def thumbnails(frames, input_px: int) -> np.ndarray:
    """Squeeze frames to squares by averaging over areas.

    Parameters
    ----------
    frames : array-like (N, H, W) uint8
    input_px : int

    Returns
    -------
    numpy.ndarray (N, P, P) uint8
    """
    size = (input_px, input_px)
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in frames])


def _check_request(sweep: Sweep, input_px: int, side: str) -> None:
    """Refuse what cannot be prepared."""
    smallest = min(sweep.frames.shape[1:])
    if not MIN_SIDE_PX <= input_px <= smallest:
        raise ValueError(
            f"input_px must lie between {MIN_SIDE_PX} and the frame's smaller side, "
            f"{smallest} px in sweep {sweep.sweep_id!r}, got {input_px}"
        )
    if side not in SIDES:
        raise ValueError(f"side must be one of {SIDES}, got {side!r}")
    if len(sweep) < MIN_FRAMES:
        raise ValueError(
            f"sweep {sweep.sweep_id!r} must have at least {MIN_FRAMES} frames for its motion "
            f"to be predicted, got {len(sweep)}"
        )


def _imu_turns(sweep: Sweep, T_centre_to_probe, is_flipped: bool) -> np.ndarray | None:
    """Return the sensor's rotation between frames, None where it cannot be told."""
    if sweep.imu is None or sweep.imu.T_imu_to_probe is None:
        return None
    if sweep.T_pixel_to_probe is not None:
        T_centre_to_probe = centre_to_probe(sweep)
    elif T_centre_to_probe is None:
        return None
    elif is_flipped:  # a calibration was turned with the pictures, a plain matrix was not
        T_centre_to_probe = geometry.compose(T_centre_to_probe, TURN)
    return imu_rotations(sweep.imu, sweep.time_s, T_centre_to_probe)


def _mirrored_turns(turns: np.ndarray | None) -> np.ndarray | None:
    """Return rotations as seen in the mirror that turns the elevational axis around."""
    return None if turns is None else MIRROR[:3, :3] @ turns @ MIRROR[:3, :3]
