"""Poses in which motion is learned and judged: of the image's centre, mirrored, as steps.

Decides the `centre` frame: origin at the middle of the picture, x lateral (u), y axial (v),
z elevational (u x v), mm. It turns with the probe but does not know where the probe's marker
sits, and a step in it is small even where the marker is far away. Deliberately predicts
nothing and knows no time.
"""

from __future__ import annotations

import numpy as np

from hipus import geometry, rotations
from hipus.sweep import Sweep

#: Left hips are swept towards -z, right ones towards +z: seen in this mirror they agree.
MIRROR = np.diag([1.0, 1.0, -1.0, 1.0])


def centre_to_probe(sweep: Sweep) -> np.ndarray:
    """Return where the centre frame sits in the probe's.

    Parameters
    ----------
    sweep : Sweep
        Calibrated.

    Returns
    -------
    numpy.ndarray (4, 4) float64
        Rigid `T_centre_to_probe`: origin at pixel ((W - 1) / 2, (H - 1) / 2).

    Raises
    ------
    ValueError
        If the sweep has no `T_pixel_to_probe`.

    Notes
    -----
    A least-squares calibration may be sheared a little: u keeps its direction and v is made
    orthogonal to it. The calibration's third column is not used; it may point either way.
    """
    if sweep.T_pixel_to_probe is None:
        raise ValueError(
            f"sweep {sweep.sweep_id!r} has no T_pixel_to_probe: calibrate it, or pass one"
        )
    height, width = sweep.frames.shape[1:]
    T = sweep.T_pixel_to_probe
    origin = geometry.apply(T, np.array([(width - 1) / 2, (height - 1) / 2, 0.0]))
    return geometry.transform(rotations.from_6d(np.concatenate([T[:3, 0], T[:3, 1]])), origin)


def centre_poses(sweep: Sweep) -> np.ndarray:
    """Return the poses of the image's centre.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    numpy.ndarray (N, 4, 4) float64
        Rigid `T_centre_to_reference`, NaN where the sweep is invalid; all NaN for a sweep
        without a single valid pose, calibrated or not.

    Raises
    ------
    ValueError
        If the sweep has valid poses but no `T_pixel_to_probe`.
    """
    poses = np.full((len(sweep), 4, 4), np.nan)
    if sweep.is_valid.any():
        valid = sweep.T_probe_to_reference[sweep.is_valid]
        poses[sweep.is_valid] = geometry.compose(valid, centre_to_probe(sweep))
    return poses


def mirrored(T) -> np.ndarray:
    """Return motions as seen in a mirror that turns the elevational axis around.

    Parameters
    ----------
    T : array-like (..., 4, 4) or (..., 3, 3)
        Poses of the centre frame, steps between them, or the rotations of either.

    Returns
    -------
    numpy.ndarray (..., 4, 4) or (..., 3, 3) float64
        M T M with M = diag(1, 1, -1, 1). Again rigid (determinant +1): M stands twice.

    Notes
    -----
    Its own inverse, and `mirrored(A @ B) = mirrored(A) @ mirrored(B)`: poses may be mirrored
    before or after they are turned into steps. In the picture nothing changes.
    """
    T = np.asarray(T, np.float64)
    M = MIRROR[: T.shape[-1], : T.shape[-1]]
    return M @ T @ M


def steps(T_centre_to_world) -> np.ndarray:
    """Return the motion from each frame to the next.

    Parameters
    ----------
    T_centre_to_world : array-like (N, 4, 4)
        NaN where invalid. At least one pose.

    Returns
    -------
    numpy.ndarray (N - 1, 4, 4) float64
        `steps[i] = inv(T[i]) @ T[i + 1]` maps from frame i + 1 to frame i: its translation is
        where the next centre lies, in this frame's axes. NaN where either pose is.

    Raises
    ------
    ValueError
        If the stack is not (N, 4, 4) or a pose is not rigid.
    """
    T = _stack(T_centre_to_world, "T_centre_to_world")
    if len(T) == 0:
        raise ValueError("T_centre_to_world must hold at least one pose, got 0")
    return geometry.relative(T[:-1], T[1:])


def chain(steps) -> np.ndarray:
    """Return the poses that steps lead to, in the axes of the first frame.

    Parameters
    ----------
    steps : array-like (N - 1, 4, 4)
        As `steps` returns them.

    Returns
    -------
    numpy.ndarray (N, 4, 4) float64
        Begins with the identity. An unknown (NaN) step leaves every later pose unknown: what
        lies behind it cannot be placed.

    Raises
    ------
    ValueError
        If the stack is not (N - 1, 4, 4) or a step is not rigid.
    """
    steps = _stack(steps, "steps")
    poses = np.empty((len(steps) + 1, 4, 4))
    poses[0] = np.eye(4)
    for index, step in enumerate(steps):
        poses[index + 1] = poses[index] @ step
    return poses


def _stack(T, name: str) -> np.ndarray:
    """Return a checked (N, 4, 4) stack of rigid motions or NaN."""
    T = geometry.check_transform(T, name, allow_nan=True)
    if T.ndim != 3:
        raise ValueError(f"{name} must be (N, 4, 4), got {T.shape}")
    return T
