"""A made-up hip and two sweeps across each other over it, for the tests of fusion."""

import numpy as np

from hipus import geometry, rotations
from hipus.fusion.likeness import LabelledView
from hipus.labels import HipLabel
from hipus.reconstruction.pose_agreement import pixel_to_centre
from hipus.segmentation.sweep_volumes import StudySweep, make_sweep_volume

SPACING_XY_MM = (0.8, 0.6)
SHAPE_HW = (38, 44)
HEAD_MM, RADIUS_MM = np.array([-1.5, 2.0, 1.0]), 6.0
#: Where the second sweep's middle lies in the first's: about a quarter turn about the beam.
T_SECOND_TO_FIRST = geometry.transform(
    rotations.from_rotation_vector(np.radians([2.0, 84.0, 1.0])), [1.5, -0.8, -1.2]
)
_RNG = np.random.default_rng(3)
_CENTRES, _WIDTHS = _RNG.uniform(-18, 18, (110, 3)), _RNG.uniform(1.2, 2.5, 110)
_HEIGHTS = _RNG.uniform(40, 110, 110)


def labels_at(places: np.ndarray) -> np.ndarray:
    """Return the labels of places (..., 3) in the hip: head, ilium beside it, thigh beyond."""
    x, y, z = np.moveaxis(places, -1, 0)
    found = np.zeros(places.shape[:-1], np.uint8)
    found[np.linalg.norm(places - HEAD_MM, axis=-1) < RADIUS_MM] = HipLabel.FEMORAL_HEAD
    found[(x > 6) & (x < 15) & (np.abs(y + 2 + 0.1 * z) < 1) & (np.abs(z) < 9)] = HipLabel.ILIUM
    found[(x < -9) & (np.abs(y - 4) < 1) & (np.abs(z) < 5)] = HipLabel.FEMORAL_CORTEX
    return found


def greys_at(places: np.ndarray) -> np.ndarray:
    """Return grey values of places (..., 3) in the hip."""
    total = np.full(places.shape[:-1], 25.0)
    for centre, width, height in zip(_CENTRES, _WIDTHS, _HEIGHTS, strict=True):
        total += height * np.exp(-((places - centre) ** 2).sum(axis=-1) / (2 * width**2))
    total[labels_at(places) == HipLabel.ILIUM] += 90
    return np.clip(total, 0, 255).round()


def straight(count: int, step_mm: float) -> np.ndarray:
    """Return poses (N, 4, 4) about the middle frame, tilted and swerving a little."""
    away = np.arange(count) - count // 2
    turn = np.radians(0.15) * away[:, None] * [1.0, 0.5, 0.0]
    return geometry.transform(
        rotations.from_rotation_vector(turn), away[:, None] * np.array([0.04, 0.02, step_mm])
    )


def true_poses() -> tuple[np.ndarray, np.ndarray]:
    """Return T_centre_to_hip of the first sweep and of the second."""
    return straight(40, 0.75), geometry.compose(T_SECOND_TO_FIRST, straight(36, 0.9))


def pictures(T_centre_to_hip: np.ndarray, *, of=greys_at) -> np.ndarray:
    """Return what frames show, (N, H, W) uint8."""
    v, u = np.mgrid[: SHAPE_HW[0], : SHAPE_HW[1]]
    pixels = np.stack([u, v, np.zeros_like(u)], axis=-1).reshape(-1, 3)
    T = geometry.compose(T_centre_to_hip, pixel_to_centre(SHAPE_HW, SPACING_XY_MM))
    return of(geometry.apply(T, pixels)).astype(np.uint8).reshape(-1, *SHAPE_HW)


def misjudged(T: np.ndarray, *, factor: float, bend_mm) -> np.ndarray:
    """Return poses about their middle with a wrong way across and a bend of a whole sweep."""
    T = geometry.relative(T[len(T) // 2], T)
    along = np.linspace(-1, 1, len(T))
    T[:, :3, 3] *= [1, 1, factor]
    T[:, :3, 3] += (along**2 * np.sign(along))[:, None] * bend_mm
    return T


def view_of(T_true: np.ndarray, T_thought: np.ndarray) -> LabelledView:
    """Return a sweep with its labels, where it is thought to lie."""
    frames, masks = pictures(T_true), pictures(T_true, of=labels_at)
    return LabelledView(frames, T_thought, SPACING_XY_MM, masks)


def study_sweep(T_true, T_thought, *, sweep_type="p_a", side="left", subject="S1") -> StudySweep:
    """Return a sweep as segmentation gives it, with its truth as masks."""
    return StudySweep(
        subject_id=subject,
        sweep_id=f"{side}_{sweep_type}",
        side=side,
        sweep_type=sweep_type,
        frames=pictures(T_true),
        masks=pictures(T_true, of=labels_at),
        T_centre_to_world=T_thought,
        time_s=0.1 * np.arange(len(T_true)),
        pixel_spacing_xy_mm=SPACING_XY_MM,
        first_frame=0,
        is_flipped=False,
    )


def volume_of(sweep: StudySweep, *, spacing_mm: float = 1.2):
    """Return a sweep's volume with its labels under the name "truth"."""
    return make_sweep_volume(sweep, spacing_mm=spacing_mm, threads=1)
