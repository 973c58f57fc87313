"""How far tissue lies apart when one sweep is placed by two sets of poses.

Decides how the two sets are brought together (rigidly, at one frame), which frame is nearest
a point, and what "near the head" means: a ball about a point, against balls about other places
of the same sweep. Poses are of the image's centre (`T_centre_to_world`, rigid, mm) and may be
NaN; a frame counts where both sets know it. Deliberately makes no volume (see
`volume_agreement`) and knows nothing of how poses were predicted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry


@dataclass(frozen=True)
class LocalConsistency:
    """One sweep's displacement near a point, elsewhere, and at its end.

    Attributes
    ----------
    near_mm : float
        Mean displacement of tissue in a ball about the point, aligned at the frame nearest it.
    elsewhere_mm : float
        The same about other places of the sweep, averaged; NaN where the sweep has none.
    places : int
        How many other places that are.
    final_mm : float
        Displacement of the last frame's centre, aligned at the first: the final drift.
    """

    near_mm: float
    elsewhere_mm: float
    places: int
    final_mm: float


def is_common(T_predicted, T_tracked) -> np.ndarray:
    """Return which frames both sets of poses know.

    Parameters
    ----------
    T_predicted, T_tracked : array-like (N, 4, 4)
        Rigid, NaN where invalid.

    Returns
    -------
    numpy.ndarray (N,) bool

    Raises
    ------
    ValueError
        If the sets differ in shape, a pose is not rigid, or no frame is common.
    """
    predicted = geometry.check_transform(T_predicted, "T_predicted", allow_nan=True)
    tracked = geometry.check_transform(T_tracked, "T_tracked", allow_nan=True)
    if predicted.shape != tracked.shape or predicted.ndim != 3:
        raise ValueError(
            f"T_predicted and T_tracked must both be (N, 4, 4), got {predicted.shape} and "
            f"{tracked.shape}"
        )
    known = np.isfinite(predicted[:, 0, 0]) & np.isfinite(tracked[:, 0, 0])
    if not known.any():
        raise ValueError(f"T_predicted and T_tracked have no valid frame in common of {len(known)}")
    return known


def align(T_predicted, T_tracked, *, frame_index: int) -> np.ndarray:
    """Move predicted poses as one rigid body so that one frame lies where it was tracked.

    Parameters
    ----------
    T_predicted, T_tracked : array-like (N, 4, 4)
        `T_centre_to_world`, each in a world of its own.
    frame_index : int
        The frame where both agree afterwards.

    Returns
    -------
    numpy.ndarray (N, 4, 4) float64
        Predicted poses in the tracked world.

    Raises
    ------
    ValueError
        If that frame is not known in both sets.

    Notes
    -----
    T_tracked[k] inv(T_predicted[k]) T_predicted[i]: rotation at that frame is trusted wholly,
    so an error of it grows with the distance from frame k. That is how drift is defined.
    """
    known = is_common(T_predicted, T_tracked)
    if not 0 <= frame_index < len(known) or not known[frame_index]:
        raise ValueError(f"frame_index {frame_index} must be one of the frames known in both sets")
    tracked = np.asarray(T_tracked, np.float64)
    predicted = np.asarray(T_predicted, np.float64)
    moved = geometry.compose(tracked[frame_index], geometry.invert(predicted[frame_index]))
    return geometry.compose(moved, predicted)


def nearest_frame(T_centre_to_world, point_mm, *, allowed=None) -> int:
    """Return the frame whose plane passes a point most closely.

    Parameters
    ----------
    T_centre_to_world : array-like (N, 4, 4)
    point_mm : array-like (3,)
        In the world.
    allowed : array-like (N,) of bool, optional
        Frames to choose from. Left out: all that are valid.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If there is no frame to choose.
    """
    T = np.asarray(T_centre_to_world, np.float64)
    allowed = np.isfinite(T[:, 0, 0]) & (True if allowed is None else np.asarray(allowed, bool))
    if not allowed.any():
        raise ValueError(f"T_centre_to_world has no valid frame to choose from, of {len(T)}")
    off_plane = np.abs(geometry.apply(geometry.invert(T), np.asarray(point_mm, float))[:, 2])
    return int(np.argmin(np.where(allowed, off_plane, np.inf)))


def pixel_to_centre(shape_hw, spacing_xy_mm) -> np.ndarray:
    """Return `T_pixel_to_centre` (4, 4): pixels to mm about the picture's middle.

    Parameters
    ----------
    shape_hw : tuple of 2 int
        Rows and columns.
    spacing_xy_mm : tuple of 2 float
        Side of a pixel along u and v.

    Returns
    -------
    numpy.ndarray (4, 4) float64
    """
    sides = np.array([*spacing_xy_mm, 1.0])
    middle = np.array([shape_hw[1] - 1, shape_hw[0] - 1, 0.0]) / 2
    return geometry.transform(np.diag(sides), -sides * middle)


def picture_points(shape_hw, spacing_xy_mm, *, step_px: int = 8) -> np.ndarray:
    """Return points spread evenly over a picture, in the centre frame.

    Parameters
    ----------
    shape_hw : tuple of 2 int
        Rows and columns.
    spacing_xy_mm : tuple of 2 float
        Side of a pixel along u and v.
    step_px : int
        Every n-th pixel of every n-th row, the outermost ones half a step inside.

    Returns
    -------
    numpy.ndarray (P, 3) float64
        Lateral, axial and 0, mm.
    """
    height, width = shape_hw
    v, u = np.mgrid[step_px // 2 : height : step_px, step_px // 2 : width : step_px]
    pixels = np.stack([u.ravel(), v.ravel(), np.zeros(u.size)], axis=1)
    return geometry.apply(pixel_to_centre(shape_hw, spacing_xy_mm), pixels)


def displacements(T_predicted, T_tracked, points_centre_mm) -> np.ndarray:
    """Return how far apart the two sets of poses put the same pixels.

    Parameters
    ----------
    T_predicted, T_tracked : array-like (N, 4, 4)
        In one world (see `align`).
    points_centre_mm : array-like (P, 3)
        In the centre frame, the same for all frames.

    Returns
    -------
    numpy.ndarray (N, P) float64
        mm; NaN where either pose is unknown.
    """
    ours = geometry.apply(T_predicted, points_centre_mm)
    return np.linalg.norm(ours - geometry.apply(T_tracked, points_centre_mm), axis=-1)


def displacement_near(
    T_predicted, T_tracked, points_centre_mm, *, centre_mm, radius_mm: float
) -> float:
    """Return the mean displacement of tissue near a point, aligned at the frame nearest it.

    Parameters
    ----------
    T_predicted, T_tracked : array-like (N, 4, 4)
        Each in a world of its own.
    points_centre_mm : array-like (P, 3)
        Pixels that stand for the picture (see `picture_points`).
    centre_mm : array-like (3,)
        In the tracked world.
    radius_mm : float

    Returns
    -------
    float
        mm, the mean of the two half balls before and behind that frame. A half counts where
        the sweep goes on for a radius at least: a cut one would hold only tissue close by,
        whose displacement is small. NaN where neither does.
    """
    known = is_common(T_predicted, T_tracked)
    tracked = np.asarray(T_tracked, np.float64)
    k = nearest_frame(tracked, centre_mm, allowed=known)
    moved = displacements(align(T_predicted, tracked, frame_index=k), tracked, points_centre_mm)
    places = geometry.apply(tracked, points_centre_mm)
    is_near = np.linalg.norm(places - np.asarray(centre_mm, float), axis=-1) <= radius_mm
    is_near &= known[:, None]
    path = _carried(tracked[known], tracked[k], centre_mm)
    reach = np.linalg.norm(path[[0, -1]] - np.asarray(centre_mm, float), axis=1)
    halves = [
        moved[half][is_near[half]].mean()
        for half, covered in ((slice(k + 1), reach[0]), (slice(k, None), reach[1]))
        if covered >= radius_mm and is_near[half].any()
    ]
    return float(np.mean(halves)) if halves else float("nan")


def local_consistency(
    T_predicted, T_tracked, points_centre_mm, *, centre_mm, radius_mm: float
) -> LocalConsistency:
    """Compare the displacement near a point with that elsewhere and with the final drift.

    Parameters
    ----------
    T_predicted, T_tracked, points_centre_mm, centre_mm, radius_mm
        As for `displacement_near`.

    Returns
    -------
    LocalConsistency

    Notes
    -----
    Displacement near the place of alignment is small whatever is there: errors have had no
    room to add up. So a small `near_mm` beside a large `final_mm` says nothing about the
    point; `elsewhere_mm` is the control. It is the same measure about the same spot of the
    picture in all frames that lie a radius or more from the point.
    """
    known = is_common(T_predicted, T_tracked)
    pair = (T_predicted, T_tracked, points_centre_mm)
    tracked = np.asarray(T_tracked, np.float64)
    middle = nearest_frame(tracked, centre_mm, allowed=known)
    places = _carried(tracked[known], tracked[middle], centre_mm)
    far = np.linalg.norm(places - np.asarray(centre_mm, float), axis=1) >= radius_mm
    elsewhere = [displacement_near(*pair, centre_mm=p, radius_mm=radius_mm) for p in places[far]]
    elsewhere = [value for value in elsewhere if np.isfinite(value)]
    first, last = np.flatnonzero(known)[[0, -1]]
    end = align(T_predicted, tracked, frame_index=first)[last, :3, 3]
    return LocalConsistency(
        near_mm=displacement_near(*pair, centre_mm=centre_mm, radius_mm=radius_mm),
        elsewhere_mm=float(np.mean(elsewhere)) if elsewhere else float("nan"),
        places=len(elsewhere),
        final_mm=float(np.linalg.norm(end - tracked[last, :3, 3])),
    )


def _carried(T_tracked: np.ndarray, T_seen: np.ndarray, point_mm) -> np.ndarray:
    """Return a point's spot in the picture of one frame, as it lies in other frames (N, 3)."""
    spot = geometry.apply(geometry.invert(T_seen), np.asarray(point_mm, float))
    return geometry.apply(T_tracked, spot * [1, 1, 0])
