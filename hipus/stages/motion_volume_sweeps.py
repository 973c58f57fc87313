"""A test sweep as `motion_volumes` needs it: pictures, labels, both sets of poses, the head.

Decides the world of the comparison, the tracked frame nearest the head's centre (x lateral,
y axial, z elevational), and where the head's centre lies in it: truth, seen from that frame.
No stage of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import geometry, tables
from hipus.formats import metafile
from hipus.formats.cohort_layout import SWEEP_KEY, TRUTH, Cohort, session_file
from hipus.formats.cohort_session import read_json
from hipus.motion.poses import centre_poses
from hipus.motion.predictions import PosePrediction
from hipus.reconstruction import pose_agreement
from hipus.sweep import Sweep
from hipus.sweep_cleaning import correct_flip

_HEAD = tuple(f"head_centre_{axis}_mm" for axis in "xyz")
#: Distance of the pixels whose displacement is measured.
_POINT_STEP_MM = 2.0
_HIPS, _MASKS = "hips.csv", "_masks.igs.mha"


@dataclass(frozen=True)
class PlacedSweep:
    """The frames of one sweep that were tracked and predicted, and where they lie in both.

    Attributes
    ----------
    frames, masks : numpy.ndarray (N, H, W) uint8
    T_tracked, T_predicted : numpy.ndarray (N, 4, 4)
        `T_centre_to_world`; tracked ones in the axes of the frame nearest the head, predicted
        ones in a world of their own.
    head_mm : numpy.ndarray (3,)
        Centre of the femoral head in the tracked world.
    spacing_xy_mm : tuple of 2 float
    """

    frames: np.ndarray
    masks: np.ndarray
    T_tracked: np.ndarray
    T_predicted: np.ndarray
    head_mm: np.ndarray
    spacing_xy_mm: tuple[float, float]

    @property
    def T_pixel_to_centre(self) -> np.ndarray:
        """Return the map of pixels into the centre frame, (4, 4)."""
        return pose_agreement.pixel_to_centre(self.frames.shape[1:], self.spacing_xy_mm)

    def points(self) -> np.ndarray:
        """Return the pixels that stand for each picture, in the centre frame, (P, 3), mm."""
        step_px = max(1, round(_POINT_STEP_MM / min(self.spacing_xy_mm)))
        shape = self.frames.shape[1:]
        return pose_agreement.picture_points(shape, self.spacing_xy_mm, step_px=step_px)

    def aligned(self) -> dict[str, np.ndarray]:
        """Return predicted poses in the tracked world, by the frame where both agree.

        Returns
        -------
        dict of str to numpy.ndarray (N, 4, 4)
            "first": at the first frame; "head": at the one nearest the head's centre.
        """
        frames = {
            "first": 0,
            "head": pose_agreement.nearest_frame(self.T_tracked, self.head_mm),
        }
        pair = (self.T_predicted, self.T_tracked)
        return {name: pose_agreement.align(*pair, frame_index=k) for name, k in frames.items()}

    def distance_from_head(self, points_centre_mm) -> np.ndarray:
        """Return how far pixels truly lie from the head's centre, (N, P), mm."""
        places = geometry.apply(self.T_tracked, points_centre_mm)
        return np.linalg.norm(places - self.head_mm, axis=-1)


def has_truth(cohort: Cohort, sweeps: pd.DataFrame) -> pd.Series:
    """Return which sweeps have truth: labels of what each frame shows, and where it lay.

    Parameters
    ----------
    cohort : Cohort
    sweeps : pandas.DataFrame
        With subject_id and sweep_id.

    Returns
    -------
    pandas.Series of bool
        None of a hospital's sweeps has.
    """
    stems = [cohort.folder / TRUTH / row.subject_id / row.sweep_id for row in sweeps.itertuples()]
    found = [stem.with_name(stem.name + _MASKS).is_file() for stem in stems]
    return pd.Series(found, index=sweeps.index, dtype=bool)


def open_placed(cohort: Cohort, prediction: PosePrediction) -> PlacedSweep:
    """Open the predicted frames of a sweep with their truth.

    Parameters
    ----------
    cohort : Cohort
    prediction : PosePrediction

    Returns
    -------
    PlacedSweep
        Turned left to right where the prediction is of turned pictures.

    Raises
    ------
    ValueError
        If the prediction has frames that the sweep has not, or none of them was tracked.

    Notes
    -----
    Frames without a tracked pose are left out of both volumes.
    """
    sweep = cohort.sweep(prediction.subject_id, prediction.sweep_id)
    part, name = prediction.frames, f"{prediction.subject_id}/{prediction.sweep_id}"
    if part.stop > len(sweep):
        raise ValueError(f"{name}: frames {part.start} to {part.stop - 1} are predicted, "
                         f"the sweep has {len(sweep)}")  # fmt: skip
    sweep = sweep.select(part)
    known = sweep.is_valid & np.isfinite(prediction.T_centre_to_first[:, 0, 0])
    if not known.any():
        raise ValueError(f"{name}: none of the {len(sweep)} predicted frames was tracked")
    nearest, seen_mm = _head_in_frame(cohort, prediction, sweep, known=known)
    head_in_reference = geometry.apply(centre_poses(sweep)[nearest], seen_mm)
    masks = _masks(cohort.folder / TRUTH, prediction)
    if prediction.is_flipped:
        sweep, masks = correct_flip(sweep), masks[:, :, ::-1]
    T = centre_poses(sweep)
    into_world = geometry.invert(T[nearest])
    return PlacedSweep(
        frames=np.asarray(sweep.frames[:])[known],
        masks=masks[known],
        T_tracked=geometry.compose(into_world, T[known]),
        T_predicted=prediction.T_centre_to_first[known],
        head_mm=geometry.apply(into_world, head_in_reference),
        spacing_xy_mm=sweep.pixel_spacing_xy_mm,
    )


def _masks(truth: Path, prediction: PosePrediction) -> np.ndarray:
    """Return the labels of the predicted frames."""
    stem = truth / prediction.subject_id / prediction.sweep_id
    return np.asarray(metafile.read(stem.with_name(stem.name + _MASKS)).frames[prediction.frames])


def _head_in_frame(cohort: Cohort, prediction: PosePrediction, sweep: Sweep, *, known):
    """Return the known frame nearest the head's centre, and the centre in that frame's axes."""
    row = cohort.sweeps.set_index(SWEEP_KEY).loc[(prediction.subject_id, prediction.sweep_id)]
    truth = cohort.folder / TRUTH
    hips = tables.read(truth / _HIPS, columns=_HEAD, dtype={"subject_id": str})
    hip = hips[(hips.subject_id == prediction.subject_id) & (hips.side == row.side)]
    head_mm = hip[list(_HEAD)].to_numpy(float)[0]
    with np.load(truth / prediction.subject_id / f"{prediction.sweep_id}.npz") as stored:
        T_image_to_hip = stored["T_image_to_hip"][prediction.frames]
    session = read_json(session_file(truth, prediction.subject_id, row.session_id))
    T_pixel_to_image = geometry.compose(
        geometry.invert(session["T_image_to_probe"]), session["T_pixel_to_probe"]
    )
    height, width = sweep.frames.shape[1:]
    middle = geometry.apply(T_pixel_to_image, np.array([(width - 1) / 2, (height - 1) / 2, 0]))
    T_centre_to_hip = geometry.compose(T_image_to_hip, geometry.transform(None, middle))
    nearest = pose_agreement.nearest_frame(T_centre_to_hip, head_mm, allowed=known)
    return nearest, geometry.apply(geometry.invert(T_centre_to_hip[nearest]), head_mm)
