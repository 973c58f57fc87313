"""Scenes of plain shapes and poses over them, for what is measured on ultrasound alone.

Decides homogeneous tissue, a plane of bone, and how a probe looks at them. Independent of the
anatomy: its numbers do not enter what is measured here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hipus.phantom.scene import FIELDS, Scene
from hipus.phantom.ultrasound.appearance import Appearance, draw_appearance

SPACING_MM, REACH_MM = 1.0, 8.0
#: Depth of the scenes' origin below the face, mm.
ORIGIN_DEPTH_MM = 21.0


def plain_scene(**given) -> Scene:
    """Return muscle without end, or what is given of the fields; the rest is far away.

    Parameters
    ----------
    **given : numpy.ndarray (D, H, W)
        Fields by name, on the grid of `plain_points`.

    Returns
    -------
    Scene
    """
    points = plain_points()
    fields = np.full((len(FIELDS), *points.shape[:3]), REACH_MM, np.float32)
    deep = {"skin_depth": 40.0, "layer_depth": 40.0}
    for name, values in {**deep, **given}.items():
        limit = REACH_MM if name.endswith("_distance") else np.inf
        fields[FIELDS.index(name)] = np.clip(values, -limit, limit)
    return Scene(fields, tuple(points[0, 0, 0]), SPACING_MM, REACH_MM)


def plain_points() -> np.ndarray:
    """Return the points of the plain scenes' grid, (D, H, W, 3) mm."""
    x, y, z = (np.arange(low, high, SPACING_MM) for low, high in ((-27, 25), (-22, 23), (-24, 25)))
    zz, yy, xx = np.meshgrid(z, y, x, indexing="ij")
    return np.stack([xx, yy, zz], axis=-1)


def bone_scene() -> Scene:
    """Return muscle over a plane of bone that faces the probe, on the cranial half."""
    points = plain_points()
    return plain_scene(ilium_distance=np.maximum(points[..., 0], -points[..., 2]))


def even_appearance() -> Appearance:
    """Return tissue without layers and slow variation."""
    drawn = draw_appearance(np.random.default_rng(0))
    levels = drawn.levels._replace(roughness_mm=0.0)
    return replace(drawn, levels=levels, slow=0 * drawn.slow, tables=0 * drawn.tables)


def looking_at(orientation: str) -> np.ndarray:
    """Return the pose of a picture over a left hip, beam to the right: T_image_to_hip (4, 4).

    Parameters
    ----------
    orientation : {"p_a", "p_d"}
        p_d is turned by 90 degrees about its beam: what was lateral is elevational.
    """
    T = np.eye(4)
    T[:3, :3] = np.column_stack([[0, 0, -1], [-1, 0, 0], [0, 1, 0]])
    T[0, 3] = ORIGIN_DEPTH_MM
    if orientation == "p_d":
        turn = np.eye(4)
        turn[:3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
        T = T @ turn
    elif orientation != "p_a":
        raise ValueError(f'orientation must be "p_a" or "p_d", got {orientation!r}')
    return T


def stepped(pose: np.ndarray, distances_mm) -> np.ndarray:
    """Return a pose moved out of its plane, (N, 4, 4)."""
    moved = np.stack([np.eye(4)] * len(distances_mm))
    moved[:, 2, 3] = distances_mm
    return pose @ moved
