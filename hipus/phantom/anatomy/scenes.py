"""A hip on a regular grid, as imaging models read it.

Decides how much of the hip a probe of 38 mm, swept over 30 to 50 mm, can reach.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.scene import FIELDS, Scene

#: What a scene covers by default, mm: half extents (posterior, superior), depth below and
#: height above the skin. A proximal-distal sweep of 50 mm needs 25 + half an image.
HALF_EXTENT_MM = (24.0, 32.0)
DEPTH_MM = 48.0
MARGIN_MM = 2.0


def build_scene(
    hip: Hip,
    *,
    spacing_mm: float = 0.4,
    reach_mm: float = 6.0,
    half_extent_mm: tuple[float, float] = HALF_EXTENT_MM,
    depth_mm: float = DEPTH_MM,
) -> Scene:
    """Sample a hip on a grid.

    Parameters
    ----------
    hip : Hip
    spacing_mm : float
        Isotropic.
    reach_mm : float
        Distances are clipped to +-reach_mm; skin and layer depth are not.
    half_extent_mm : tuple of 2 float
        Half the extent from front to back and from head to foot.
    depth_mm : float
        Depth below the highest point of the skin.

    Returns
    -------
    Scene
        float32; the grid of a right hip is the mirrored grid of a left one.

    Raises
    ------
    ValueError
        If a length is not positive.
    """
    for name, value in (("spacing_mm", spacing_mm), ("reach_mm", reach_mm), ("depth_mm", depth_mm)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")
    axes = _axes(hip, spacing_mm, half_extent_mm, depth_mm)
    fields = np.empty((len(FIELDS), *(len(axis) for axis in axes[::-1])), dtype=np.float32)
    workers = os.cpu_count() or 1
    slabs = np.array_split(np.arange(len(axes[2])), 4 * workers)
    _ = hip.ground  # Once, before the threads ask for it.
    with ThreadPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(
                hip.fill, fields[:, slab[0] : slab[-1] + 1], (*axes[:2], axes[2][slab]), reach_mm
            )
            for slab in slabs
            if slab.size
        ]
        for job in jobs:
            job.result()
    origin = tuple(float(axis[0]) for axis in axes)
    return Scene(fields, origin, spacing_mm, reach_mm)


def _axes(hip: Hip, spacing_mm: float, half_extent_mm, depth_mm: float) -> tuple:
    """Return x, y, z of the voxel centres; y and z are symmetric about 0."""
    top = hip.shape.skin_height + MARGIN_MM
    lateral = top - spacing_mm * np.arange(int((depth_mm + MARGIN_MM) / spacing_mm) + 1)
    x = lateral[::-1] if hip.lateral_sign > 0 else -lateral
    y, z = (
        spacing_mm * np.arange(-int(half / spacing_mm), int(half / spacing_mm) + 1)
        for half in half_extent_mm
    )
    return x, y, z
