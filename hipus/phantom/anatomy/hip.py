"""A hip: signed distances at any point, from named clinical parameters.

Decides nothing about shape (see `surfaces`); joins deformation, structures and layers, and
mirrors a left hip into a right one.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from hipus.phantom.anatomy import layers
from hipus.phantom.anatomy.deformation import Deformation, draw_deformation
from hipus.phantom.anatomy.kernels import KERNELS
from hipus.phantom.anatomy.parameters import HipParameters
from hipus.phantom.anatomy.shape import Shape, shape_of
from hipus.phantom.scene import FIELDS
from hipus.seeds import generator


class Hip:
    """One simulated hip.

    Parameters
    ----------
    parameters : HipParameters
        What is asked for; `hipus.phantom.anatomy.truth` says what came out.

    Raises
    ------
    ValueError
        If the parameters contradict each other.

    Notes
    -----
    The hip frame is LPS with its origin at the centre of the acetabular sphere, mm; the Graf
    plane is y = 0. A right hip is the mirror image (x -> -x) of the left hip with the same
    parameters, to the last bit.
    """

    def __init__(self, parameters: HipParameters) -> None:
        self.parameters = parameters
        self.shape: Shape = shape_of(parameters)
        rng = generator(parameters.deformation_seed, "phantom", "deformation")
        self.deformation: Deformation = draw_deformation(rng, parameters.deformation_mm)

    @cached_property
    def ground(self) -> layers.Ground:
        """Depth of the first bone or joint below the skin."""
        depth_mm = layers.empty_ground()
        KERNELS.march(self.shape, depth_mm)
        return layers.smoothed_ground(depth_mm)

    @property
    def lateral_sign(self) -> float:
        """1 for a left hip (lateral is +x), -1 for a right one."""
        return 1.0 if self.parameters.side == "left" else -1.0

    def _as_left(self, points_mm) -> np.ndarray:
        points = np.asarray(points_mm, dtype=np.float64)
        if points.shape[-1:] != (3,):
            raise ValueError(f"points_mm must be (..., 3), got {points.shape}")
        return np.ascontiguousarray(points.reshape(-1, 3) * (self.lateral_sign, 1.0, 1.0))

    def distances(self, points_mm) -> np.ndarray:
        """Return all fields at points.

        Parameters
        ----------
        points_mm : array-like (..., 3)
            Hip frame, mm.

        Returns
        -------
        numpy.ndarray (len(FIELDS), ...) float64
            In the order of `hipus.phantom.scene.FIELDS`, mm, not clipped.

        Raises
        ------
        ValueError
            If the last axis is not 3 long.
        """
        points = self._as_left(points_mm)
        fields = np.empty((len(FIELDS), len(points)))
        KERNELS.fill_points(self.shape, self.deformation, self.ground, points, fields)
        return fields.reshape(len(FIELDS), *np.shape(points_mm)[:-1])

    def distance(self, field: str, points_mm) -> np.ndarray:
        """Return one field (...) at points (..., 3).

        Raises
        ------
        ValueError
            If there is no such field.
        """
        if field not in FIELDS:
            raise ValueError(f"field must be one of {FIELDS}, got {field!r}")
        return self.distances(points_mm)[FIELDS.index(field)]

    def plate_excess(self, points_mm) -> np.ndarray:
        """Return (...) positive numbers where the growth plate bounds the femur, else negative."""
        points = self._as_left(points_mm)
        excess = np.empty(len(points))
        KERNELS.plate(self.shape, self.deformation, points, excess)
        return excess.reshape(np.shape(points_mm)[:-1])

    def fill(self, fields: np.ndarray, axes_mm, reach_mm: float) -> None:
        """Write all fields on a grid in place.

        Parameters
        ----------
        fields : numpy.ndarray (len(FIELDS), D, H, W)
            Overwritten.
        axes_mm : tuple of 3 numpy.ndarray
            Hip coordinates x (W,), y (H,), z (D,) of the voxel centres.
        reach_mm : float
            Distances are clipped to +-reach_mm; depths are not.
        """
        x, y, z = (np.ascontiguousarray(axis, dtype=np.float64) for axis in axes_mm)
        axes = (self.lateral_sign * x, y, z)
        KERNELS.fill_planes(self.shape, self.deformation, self.ground, axes, reach_mm, fields)
