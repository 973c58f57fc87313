"""The compiled loops over points and grids that `Hip` calls, cached on disk.

Decides how compiled code is kept fresh. Numba's cache looks only at the file of the function
it keeps, so that a change in `surfaces` would go unseen; here every loop holds the fingerprint
of all sources it is compiled from in its closure, which is part of the cache's key.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numba import njit

from hipus.phantom.anatomy import layers, surfaces
from hipus.phantom.anatomy.deformation import displaced
from hipus.phantom.anatomy.primitives import compiled

cached = njit(nogil=True, cache=True, error_model="numpy")
#: Fields from here on are depths and are not clipped.
_FIRST_DEPTH = 10


@compiled
def _fill(shape, deformation, ground, point, out) -> None:
    """Write all fields at one point of a left hip, in the order of `FIELDS`."""
    x, y, z = displaced(deformation, point[0], point[1], point[2])
    ux, uz = surfaces.upright(shape, x, z)
    ilium, past = surfaces.ilium(shape, ux, y, uz)
    ischium, pubis = surfaces.lower_pelvis(shape, ux, y, uz, past)
    pelvis = min(ilium, min(ischium, pubis))
    head = surfaces.head_ball(shape, x, y, z)
    wedge = surfaces.labrum(shape, ux, y, uz, head)
    out[0] = ilium
    out[1] = surfaces.femur(shape, x, y, z)[0]
    out[2] = ischium
    out[3] = pubis
    out[4] = surfaces.nucleus(shape, x, y, z)
    out[5] = head
    out[6] = surfaces.acetabular_cartilage(shape, ux, y, uz, past, pelvis, head, wedge)
    out[7] = wedge
    out[8] = surfaces.triradiate(shape, ux, y, uz, past, pelvis)
    out[9] = surfaces.capsule(shape, x, y, z)
    out[10] = surfaces.skin_depth(shape, x, y, z)
    out[11] = layers.layer_depth(ground, y, z, out[10])


def source_stamp(folder: Path) -> int:
    """Return a fingerprint of all Python sources in a folder."""
    stamp = 0
    for path in sorted(folder.glob("*.py")):
        stamp = zlib.crc32(path.read_bytes(), stamp)
    return stamp


def _loops_over_points(stamp: int) -> dict:
    @cached
    def fill_points(shape, deformation, ground, points, fields):
        out = np.empty(fields.shape[0] + 0 * stamp)
        for i in range(points.shape[0]):
            _fill(shape, deformation, ground, points[i], out)
            for k in range(out.size):
                fields[k, i] = out[k]

    @cached
    def plate(shape, deformation, points, excess):
        for i in range(points.shape[0] + 0 * stamp):
            x, y, z = displaced(deformation, points[i, 0], points[i, 1], points[i, 2])
            excess[i] = surfaces.femur(shape, x, y, z)[1]

    return {"fill_points": fill_points, "plate": plate}


def _loops_over_grids(stamp: int) -> dict:
    @cached
    def fill_planes(shape, deformation, ground, axes, reach, fields):
        out, point = np.empty(fields.shape[0] + 0 * stamp), np.empty(3)
        xs, ys, zs = axes
        for i in range(zs.size):
            point[2] = zs[i]
            for j in range(ys.size):
                point[1] = ys[j]
                for k in range(xs.size):
                    point[0] = xs[k]
                    _fill(shape, deformation, ground, point, out)
                    for f in range(out.size):
                        limit = reach if f < _FIRST_DEPTH else np.inf
                        fields[f, i, j, k] = min(max(out[f], -limit), limit)

    @cached
    def march(shape, depth):
        layers.march(shape, depth[: depth.shape[0] + 0 * stamp])

    return {"fill_planes": fill_planes, "march": march}


_STAMP = source_stamp(Path(__file__).parent)
#: The loops: `fill_points`, `plate`, `fill_planes`, `march`.
KERNELS = SimpleNamespace(**_loops_over_points(_STAMP), **_loops_over_grids(_STAMP))
