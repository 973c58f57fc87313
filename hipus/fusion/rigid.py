"""Register the pelvis of one sweep's volume to that of another, rigidly (SimpleITK).

Decides what is compared: one picture a volume that holds grey values and labels alike, without
the thigh, correlated at two resolutions from the place that anatomy gives. Decides when a
result is believed: it must agree better than the start and lie near it. Deliberately bends
nothing and changes no pose (see `joint`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from hipus import geometry, images
from hipus.fusion.likeness import pelvis_pixels
from hipus.labels import HipLabel
from hipus.reconstruction.grid import VoxelGrid

log = logging.getLogger(__name__)

#: How much a label adds to contrasts, whose standard deviation is one.
LABEL_STEPS = {HipLabel.ILIUM: 3.0, HipLabel.FEMORAL_HEAD: -1.5}
#: Less common volume than this is no overlap.
LEAST_COMMON_MM3 = 1000.0
#: A result further from anatomy than this is another optimum, not the hip.
FARTHEST_MM, FARTHEST_DEG = 8.0, 25.0
_GREY_FLOOR, _LARGEST_CONTRAST = 12.0, 3.0
_SHRINK, _BLUR_MM = (2, 1), (1.6, 0.8)


@dataclass(frozen=True, eq=False)
class PelvisVolume:
    """What registration sees of a sweep.

    Attributes
    ----------
    grey : numpy.ndarray (D, H, W) float32
    is_known : numpy.ndarray (D, H, W) bool
    labels : numpy.ndarray (D, H, W) uint8
        Of the hip scheme.
    grid : VoxelGrid
        Its y axis is the beam.
    """

    grey: np.ndarray
    is_known: np.ndarray
    labels: np.ndarray
    grid: VoxelGrid

    def __post_init__(self) -> None:
        """Refuse arrays of different shapes."""
        for name in ("grey", "is_known", "labels"):
            shape = np.shape(getattr(self, name))
            if shape != self.grid.shape_zyx:
                raise ValueError(f"{name} must be {self.grid.shape_zyx} like the grid, got {shape}")

    def pelvis(self) -> np.ndarray:
        """Return which voxels are known and neither thigh nor in its shadow, (D, H, W) bool."""
        keep = pelvis_pixels(self.labels, spacing_xy_mm=self.grid.spacing_xyz_mm[:2])
        return self.is_known & keep

    def picture(self) -> np.ndarray:
        """Return grey contrasts at each depth, raised and lowered by labels, float32."""
        known = self.is_known
        count = np.maximum(known.sum(axis=(0, 2)), 1)[None, :, None]
        mean = np.where(known, self.grey, 0).sum(axis=(0, 2), keepdims=True) / count
        away = np.where(known, self.grey - mean, 0)
        spread = np.sqrt((away**2).sum(axis=(0, 2), keepdims=True) / count)
        contrast = np.clip(away / (spread + _GREY_FLOOR), -_LARGEST_CONTRAST, _LARGEST_CONTRAST)
        steps = np.zeros(len(HipLabel), np.float32)
        for label, step in LABEL_STEPS.items():
            steps[label] = step
        return (contrast + steps[self.labels]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class RigidPlacement:
    """Where the second volume lies in the first's world.

    Attributes
    ----------
    T_second_to_first : numpy.ndarray (4, 4)
    correlation_before, correlation : float
        Of the pictures, at the start and at this place.
    is_believed : bool
        False: the search ended elsewhere, and this is the start.
    """

    T_second_to_first: np.ndarray
    correlation_before: float
    correlation: float
    is_believed: bool


def register_pelvis(
    first: PelvisVolume, second: PelvisVolume, T_second_to_first, *, centre_mm
) -> RigidPlacement:
    """Register two volumes of one pelvis.

    Parameters
    ----------
    first, second : PelvisVolume
    T_second_to_first : array-like (4, 4)
        Where to start (see `anatomy.place_by_anatomy`).
    centre_mm : array-like (3,)
        In the first's world; turns are about it: the head's centre.

    Returns
    -------
    RigidPlacement

    Raises
    ------
    ValueError
        If the volumes show less than `LEAST_COMMON_MM3` in common at the start.

    Notes
    -----
    Gradient descent on the correlation (ITK's v4 framework, Avants et al. 2014) over all voxels,
    with one thread: the same numbers everywhere.
    """
    start = geometry.check_transform(T_second_to_first, "T_second_to_first")
    check_overlap(common_mm3(first, second, start))
    method, transform = _method(first, second), _euler(geometry.invert(start), centre_mm)
    fixed, moving = (images.to_sitk(_placed(one.picture(), one.grid)) for one in (first, second))
    method.SetInitialTransform(transform, inPlace=True)
    before = -method.MetricEvaluate(fixed, moving)
    method.Execute(fixed, moving)
    found, after = _matrix(transform), -method.GetMetricValue()
    moved = geometry.apply(found, geometry.apply(geometry.invert(start), centre_mm)) - centre_mm
    turned = float(geometry.geodesic_angle_deg(start, found))
    apart = float(np.linalg.norm(moved))
    log.info("rigid: moved %.1f mm, turned %.1f deg", apart, turned)
    if after < before or apart > FARTHEST_MM or turned > FARTHEST_DEG:
        return RigidPlacement(start, before, before, False)
    return RigidPlacement(found, before, after, True)


def common_mm3(first: PelvisVolume, second: PelvisVolume, T_second_to_first) -> float:
    """Return how much of the pelvis both volumes show.

    Parameters
    ----------
    first, second : PelvisVolume
    T_second_to_first : array-like (4, 4)

    Returns
    -------
    float
        mm3, by the first's voxels.
    """
    places = np.argwhere(first.pelvis())[:, ::-1] * np.array(first.grid.spacing_xyz_mm)
    places = places + np.array(first.grid.origin_xyz_mm)
    into = geometry.compose(second.grid.T_world_to_voxel, geometry.invert(T_second_to_first))
    zyx = np.rint(geometry.apply(into, places)).astype(int)[:, ::-1]
    inside = ((zyx >= 0) & (zyx < second.grid.shape_zyx)).all(axis=1)
    shown = second.pelvis()[tuple(zyx[inside].T)].sum()
    return float(shown * np.prod(first.grid.spacing_xyz_mm))


def check_overlap(common: float, *, names: str = "first and second") -> None:
    """Refuse sweeps that share too little.

    Parameters
    ----------
    common : float
        mm3 that both see.
    names : str
        Of the two, for the message.

    Raises
    ------
    ValueError
        If it is less than `LEAST_COMMON_MM3`.
    """
    if common < LEAST_COMMON_MM3:
        raise ValueError(
            f"{names} do not overlap: {common:.0f} mm3 of the pelvis are seen by both, "
            f"{LEAST_COMMON_MM3:g} needed; a sweep across the other over the femoral head is "
            "missing"
        )


def _method(first: PelvisVolume, second: PelvisVolume):
    """Return a registration that compares the pelves of two volumes."""
    import SimpleITK as sitk

    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsCorrelation()
    method.SetMetricSamplingStrategy(method.NONE)
    masks = (images.to_sitk(_placed(one.pelvis(), one.grid)) for one in (first, second))
    method.SetMetricFixedMask(next(masks))
    method.SetMetricMovingMask(next(masks))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=1.0, minStep=0.01, numberOfIterations=60
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(_SHRINK)
    method.SetSmoothingSigmasPerLevel(_BLUR_MM)
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    return method


def _placed(array: np.ndarray, grid: VoxelGrid) -> images.Volume:
    """Return an array with its place in the world."""
    return images.Volume(array, grid.spacing_zyx_mm, grid.origin_xyz_mm)


def _euler(T: np.ndarray, centre_mm):
    """Return ITK's form of a rigid map about a centre."""
    import SimpleITK as sitk

    centre = np.asarray(centre_mm, float)
    euler = sitk.Euler3DTransform()
    euler.SetCenter(centre.tolist())
    euler.SetMatrix(T[:3, :3].ravel().tolist(), 1e-6)
    euler.SetTranslation((geometry.apply(T, centre) - centre).tolist())
    return euler


def _matrix(euler) -> np.ndarray:
    """Return T_second_to_first of ITK's map from the first's world to the second's."""
    R = np.array(euler.GetMatrix()).reshape(3, 3)
    centre, moved = np.array(euler.GetCenter()), np.array(euler.GetTranslation())
    T = geometry.closest_rigid(geometry.transform(R, centre + moved - R @ centre))
    return geometry.invert(T)
