"""A sweep as segmentation sees it: the frames that count, their truth, and its volume.

Decides the world of a sweep's volume, the picture's centre in the middle frame that has a pose (x
lateral, y axial, z elevational, mm), so that volumes of all infants lie alike and no tracker
shows through; decides that truth follows every cut and turn of its frames. Cuts and turns come
from what a device reports or from whoever predicted the poses, never from truth. Hips are not
mirrored: left ones are swept towards -z. Deliberately writes nothing and predicts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus import geometry
from hipus.formats import metafile
from hipus.formats.cohort_layout import TRUTH, Cohort
from hipus.labels import HipLabel
from hipus.motion.cleaning import TRAVEL_SIGN, kept_frames
from hipus.motion.poses import centre_poses
from hipus.motion.predictions import PosePrediction
from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.label_volumes import WIDEST_GAP_MM, SweepVolume, sweep_volume
from hipus.reconstruction.pose_agreement import pixel_to_centre
from hipus.sweep import Sweep
from hipus.sweep_cleaning import correct_flip, detect_flip

#: Name of the truth among the labels of a volume.
TRUTH_LABELS = "truth"


@dataclass(frozen=True, eq=False)
class StudySweep:
    """The frames of a sweep that count, the right way round.

    Attributes
    ----------
    subject_id, sweep_id, side, sweep_type : str
    frames : numpy.ndarray (N, H, W) uint8
    masks : numpy.ndarray (N, H, W) uint8 or None
        Truth of these frames in the hip scheme, without labrum, which the study does not
        segment; None where the cohort has no truth.
    T_centre_to_world : numpy.ndarray (N, 4, 4)
        Rigid; the identity in the middle frame with a pose, NaN where there is none.
    time_s : numpy.ndarray (N,)
    pixel_spacing_xy_mm : tuple of 2 float
    first_frame : int
        Place of frame 0 in the recorded sweep.
    is_flipped : bool
        The probe was held turned by 180 degrees; frames, masks and poses are turned back.
    """

    subject_id: str
    sweep_id: str
    side: str
    sweep_type: str
    frames: np.ndarray
    masks: np.ndarray | None
    T_centre_to_world: np.ndarray
    time_s: np.ndarray
    pixel_spacing_xy_mm: tuple[float, float]
    first_frame: int
    is_flipped: bool

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.frames)

    @property
    def is_valid(self) -> np.ndarray:
        """Return which frames have a pose, (N,) bool."""
        return np.isfinite(self.T_centre_to_world[:, 0, 0])

    @property
    def T_pixel_to_world(self) -> np.ndarray:
        """Return the map of pixels into the world, (N, 4, 4), NaN where there is no pose."""
        T_pixel_to_centre = pixel_to_centre(self.frames.shape[1:], self.pixel_spacing_xy_mm)
        return geometry.compose(self.T_centre_to_world, T_pixel_to_centre)


def open_study_sweep(
    cohort: Cohort, row, *, prediction: PosePrediction | None = None
) -> StudySweep:
    """Open a sweep with its truth, placed by tracked or by predicted poses.

    Parameters
    ----------
    cohort : Cohort
    row : named tuple or pandas.Series
        subject_id, sweep_id, side and sweep_type; trim_start and trim_stop where the cohort
        states them. Left out: the frames between the hesitations, by tracked poses.
    prediction : PosePrediction, optional
        Then its frames, poses and turn stand; the tracker's are not looked at, and the sweep
        need not be tracked.

    Returns
    -------
    StudySweep

    Raises
    ------
    KeyError
        If the cohort has no such sweep.
    ValueError
        If no frame has a pose, the prediction is of frames that the sweep has not, masks and
        frames differ in number, or the size of a pixel is not known.
    """
    sweep, name = cohort.sweep(row.subject_id, row.sweep_id), f"{row.subject_id}/{row.sweep_id}"
    if sweep.pixel_spacing_xy_mm is None:
        raise ValueError(f"{name}: pixel_spacing_xy_mm must be known to make a volume")
    kept = _trimmed(sweep, row) if prediction is None else _predicted(sweep, prediction, name)
    masks = _truth(cohort.folder, row, count=len(sweep), kept=kept)
    sweep = sweep.select(kept)
    if prediction is None:
        is_flipped = _is_turned(sweep, row.side, name)
    else:
        is_flipped = prediction.is_flipped
    if is_flipped:
        sweep, masks = correct_flip(sweep), None if masks is None else masks[:, :, ::-1]
    T = centre_poses(sweep) if prediction is None else prediction.T_centre_to_first
    return StudySweep(
        subject_id=row.subject_id,
        sweep_id=row.sweep_id,
        side=row.side,
        sweep_type=row.sweep_type,
        frames=np.ascontiguousarray(sweep.frames[:]),
        masks=None if masks is None else np.ascontiguousarray(masks),
        T_centre_to_world=seen_from_middle(T),
        time_s=sweep.time_s,
        pixel_spacing_xy_mm=sweep.pixel_spacing_xy_mm,
        first_frame=kept.start,
        is_flipped=is_flipped,
    )


def make_sweep_volume(
    sweep: StudySweep,
    *,
    spacing_mm: float | None = None,
    widest_gap_mm: float = WIDEST_GAP_MM,
    masks: Mapping[str, np.ndarray] | None = None,
    grid: VoxelGrid | None = None,
    threads: int | None = 1,
) -> SweepVolume:
    """Put a sweep's frames into a volume, with its truth and any other masks of them.

    Parameters
    ----------
    sweep : StudySweep
    spacing_mm : float, optional
        Of the voxels; must be given where `grid` is not.
    widest_gap_mm : float
    masks : mapping of str to numpy.ndarray (N, H, W) uint8, optional
        Of the sweep's frames, in their order: predictions, raters.
    grid : VoxelGrid, optional
    threads : int, optional

    Returns
    -------
    SweepVolume
        Labels under the names of the masks, and truth, where there is one, as "truth".

    Raises
    ------
    ValueError
        If a mask is named "truth", or as `sweep_volume` says.
    """
    masks = dict(masks or {})
    if TRUTH_LABELS in masks:
        raise ValueError(f"masks must not be named {TRUTH_LABELS!r}: that is the sweep's own")
    if sweep.masks is not None:
        masks = {TRUTH_LABELS: sweep.masks, **masks}
    return sweep_volume(
        sweep.frames,
        sweep.T_pixel_to_world,
        spacing_mm=spacing_mm,
        widest_gap_mm=widest_gap_mm,
        masks=masks,
        grid=grid,
        threads=threads,
    )


def seen_from_middle(T: np.ndarray) -> np.ndarray:
    """Return poses as seen from the middle one of those that are known.

    Parameters
    ----------
    T : numpy.ndarray (N, 4, 4)
        Rigid `T_centre_to_reference`, NaN where unknown; at least one is known.

    Returns
    -------
    numpy.ndarray (N, 4, 4)
        `T_centre_to_world` of a sweep's volume.
    """
    known = np.flatnonzero(np.isfinite(T[:, 0, 0]))
    return geometry.compose(geometry.invert(T[known[len(known) // 2]]), T)


def truth_masks_file(folder: Path, subject_id: str, sweep_id: str) -> Path:
    """Return where a cohort keeps the truth of a sweep's frames, if it has any."""
    return Path(folder) / TRUTH / subject_id / f"{sweep_id}_masks.igs.mha"


def _trimmed(sweep: Sweep, row) -> slice:
    """Return the frames that count: as the cohort states them, else by their motion."""
    ends = [getattr(row, name, np.nan) for name in ("trim_start", "trim_stop")]
    if np.isnan(ends).any():
        return kept_frames(sweep)
    return slice(int(ends[0]), int(ends[1]))


def _predicted(sweep: Sweep, prediction: PosePrediction, name: str) -> slice:
    """Return the predicted frames after checking that the sweep has them."""
    kept = prediction.frames
    if kept.stop > len(sweep):
        raise ValueError(
            f"{name}: frames {kept.start} to {kept.stop - 1} are predicted, "
            f"the sweep has {len(sweep)}"
        )
    return kept


def _is_turned(sweep: Sweep, side: str, name: str) -> bool:
    """Tell from a tracked sweep's travel whether the probe was held turned."""
    if not sweep.is_valid.any():
        raise ValueError(f"{name}: none of {len(sweep)} frames is tracked, give predicted poses")
    return detect_flip(sweep, TRAVEL_SIGN[side])


def _truth(folder: Path, row, *, count: int, kept: slice) -> np.ndarray | None:
    """Return the labels of the frames that count, without labrum."""
    path = truth_masks_file(folder, row.subject_id, row.sweep_id)
    if not path.is_file():
        return None
    frames = metafile.read(path).frames
    if len(frames) != count:
        raise ValueError(f"{path}: must have a mask for each of {count} frames, got {len(frames)}")
    masks = np.asarray(frames[kept])
    return np.where(masks == HipLabel.LABRUM, np.uint8(HipLabel.BACKGROUND), masks)
