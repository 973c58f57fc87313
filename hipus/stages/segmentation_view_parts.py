"""What figures of segmentation show: slices, surfaces, frames and which. No stage of its own.

Decides which volumes and frame are shown, by rule and never by eye: typical ones by the median
Dice, failures by the worst. Arrays are small: figures and notebooks read these and never a volume.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import ndimage

from hipus import geometry
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.images import Volume
from hipus.labels import HipLabel
from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.reslicing import reslice
from hipus.segmentation import networks
from hipus.segmentation.structure_shape import STRUCTURES
from hipus.segmentation.surfaces import label_surface
from hipus.segmentation.volume_scores import STRUCTURE_NAMES, TRUTH, with_mean

#: Pixels of a shown picture's longer side at most; larger ones are thinned.
MOST_PX = 300
FAILURES = 3
#: Directions and sides of the four unique cases.
VIEWS = tuple((kind, side) for kind in ("p_d", "p_a") for side in ("left", "right"))
_ABOUT = [*SWEEP_KEY, "side", "sweep_type", "cohort"]


def judged(scores: pd.DataFrame, model_id: str = networks.MODEL_3D_REFINED) -> pd.DataFrame:
    """Return a model's mean Dice of each volume by truth, the worst first.

    Parameters
    ----------
    scores : pandas.DataFrame
        `segmentation_cases`.
    model_id : str

    Returns
    -------
    pandas.DataFrame
        subject_id, sweep_id, side, sweep_type, cohort and dice, the mean over structures.
    """
    own = scores[(scores.model_id == model_id) & (scores.reference == TRUTH)]
    rows = with_mean(own, by=_ABOUT, columns=["dice"])
    rows = rows[~rows.structure.isin(STRUCTURE_NAMES)]
    return rows.sort_values(["dice", *SWEEP_KEY])[[*_ABOUT, "dice"]].reset_index(drop=True)


def typical(volumes: pd.DataFrame) -> pd.Series:
    """Return the volume with the median Dice, of two the worse.

    Parameters
    ----------
    volumes : pandas.DataFrame
        As `judged` returns them, at least one.
    """
    return volumes.iloc[(len(volumes) - 1) // 2]


def unique_hips(volumes: pd.DataFrame) -> dict[str, pd.Series]:
    """Return a typical volume of each direction and side, of different subjects where possible.

    Parameters
    ----------
    volumes : pandas.DataFrame
        As `judged` returns them.

    Returns
    -------
    dict of str to pandas.Series
        By "<direction>_<side>"; without those that no volume has.
    """
    found: dict[str, pd.Series] = {}
    for kind, side in VIEWS:
        own = volumes[(volumes.sweep_type == kind) & (volumes.side == side)]
        shown = [one.subject_id for one in found.values()]
        fresh = own[~own.subject_id.isin(shown)]
        if len(own):
            found[f"{kind}_{side}"] = typical(fresh if len(fresh) else own)
    return found


def shown_frame(labels: pd.DataFrame, valid: Mapping[tuple[str, str], np.ndarray]) -> pd.Series:
    """Return the labelled frame that is shown.

    Parameters
    ----------
    labels : pandas.DataFrame
        Rows of `frame_labels`.
    valid : mapping of (subject_id, sweep_id) to numpy.ndarray
        Recorded positions of frames that have a pose.

    Returns
    -------
    pandas.Series
        Of the frames with a pose: most structures labelled, then nearest the middle of its sweep's
        labelled frames, then the first by key.

    Raises
    ------
    ValueError
        If no labelled frame has a pose.
    """
    keys = labels[SWEEP_KEY].itertuples(index=False, name=None)
    has_pose = [
        index in valid.get(key, ()) for key, index in zip(keys, labels.frame_index, strict=True)
    ]
    rows = labels[has_pose].copy()
    if rows.empty:
        raise ValueError(f"none of {len(labels)} labelled frames has a pose")
    columns = [f"pixels_{name}" for name in STRUCTURE_NAMES]
    rows["structures"] = -(rows[columns] > 0).sum(axis=1)
    middle = labels.groupby(SWEEP_KEY).frame_index.median().rename("middle").reset_index()
    rows = rows.merge(middle, on=SWEEP_KEY)
    rows["away"] = (rows.frame_index - rows.middle).abs()
    return rows.sort_values(["structures", "away", *SWEEP_KEY, "frame_index"]).iloc[0]


def in_plane(volume: Volume, *, T_pixel_to_world: np.ndarray, shape_hw, is_grey: bool = False):
    """Return a volume in the plane of a frame, pixel by pixel.

    Parameters
    ----------
    volume : hipus.images.Volume
        Along the world's axes.
    T_pixel_to_world : numpy.ndarray (4, 4)
    shape_hw : tuple of 2 int
    is_grey : bool
        Interpolate grey values; labels are those of the nearest voxel, 0 outside.

    Returns
    -------
    numpy.ndarray (H, W) uint8
        To be looked at beside the frame, never scored: a frame has no slice of its own in a
        volume of moved frames (MIDL 2026 paper, appendix C).
    """
    grid = VoxelGrid(volume.origin_xyz_mm, volume.spacing_zyx_mm[::-1], volume.array.shape)
    if is_grey:
        grey = reslice(volume.array, grid, T_pixel_to_world=T_pixel_to_world, shape_hw=shape_hw)
        return np.rint(np.nan_to_num(grey)).astype(np.uint8)
    v, u = np.mgrid[: shape_hw[0], : shape_hw[1]]
    pixels = np.stack([u, v, np.zeros_like(u)], axis=-1).reshape(-1, 3)
    T_pixel_to_voxel = geometry.compose(grid.T_world_to_voxel, T_pixel_to_world)
    zyx = geometry.apply(T_pixel_to_voxel, pixels)[:, ::-1].T
    return ndimage.map_coordinates(volume.array, zyx, order=0, cval=0).reshape(shape_hw)


def thinned(pictures: Mapping[str, np.ndarray], side_mm: float) -> dict[str, np.ndarray]:
    """Return pictures of one shape small enough to be kept, and the side of their pixels.

    Parameters
    ----------
    pictures : mapping of str to numpy.ndarray (H, W)
    side_mm : float

    Returns
    -------
    dict of str to numpy.ndarray
        The pictures, every n-th row and column, and pixel_side_mm.
    """
    step = max(1, -(-max(next(iter(pictures.values())).shape) // MOST_PX))
    found = {name: np.ascontiguousarray(one[::step, ::step]) for name, one in pictures.items()}
    return found | {"pixel_side_mm": np.array(side_mm * step)}


def planes(
    grey: Volume, masks: Mapping[str, np.ndarray], *, at_zyx: tuple[int, int, int]
) -> dict[str, np.ndarray]:
    """Return the planes across z and across x through a point.

    Parameters
    ----------
    grey : hipus.images.Volume
        Of a sweep: z runs along it, x is lateral.
    masks : mapping of str to numpy.ndarray (D, H, W) uint8
        On the same grid.
    at_zyx : tuple of 3 int

    Returns
    -------
    dict of str to numpy.ndarray
        `<name>_across_z` (axial, lateral), as a frame, `<name>_across_x` (axial, elevational),
        which cuts all frames, for name grey and each mask; spacing_zyx_mm.
    """
    z, _, x = at_zyx
    found = {"spacing_zyx_mm": np.array(grey.spacing_zyx_mm)}
    for name, array in {"grey": grey.array, **masks}.items():
        found[f"{name}_across_z"] = np.ascontiguousarray(array[z])
        found[f"{name}_across_x"] = np.ascontiguousarray(array[:, :, x].T)
    return found


def head_centre(truth: np.ndarray) -> tuple[int, int, int]:
    """Return the voxel nearest the femoral head's centre; the volume's middle without a head."""
    places = np.argwhere(truth == HipLabel.FEMORAL_HEAD)
    if not len(places):
        return tuple(size // 2 for size in truth.shape)
    return tuple(int(value) for value in np.rint(places.mean(axis=0)))


def most_wrong(prediction: np.ndarray, truth: np.ndarray) -> tuple[int, int, int]:
    """Return the voxel whose planes hold most voxels that differ, (z, y, x)."""
    wrong = prediction != truth
    return tuple(int(np.argmax(wrong.sum(axis=tuple({0, 1, 2} - {axis})))) for axis in range(3))


def surfaces(volume: Volume, labels: np.ndarray, *, name: str) -> dict[str, np.ndarray]:
    """Return the surfaces of all structures.

    Parameters
    ----------
    volume : hipus.images.Volume
        Where the labels lie.
    labels : numpy.ndarray (D, H, W) uint8
    name : str
        First part of the arrays' names.

    Returns
    -------
    dict of str to numpy.ndarray
        `<name>_<structure>_vertices_xyz_mm` and `<name>_<structure>_faces`.
    """
    place = Volume(labels, volume.spacing_zyx_mm, volume.origin_xyz_mm, volume.direction)
    found = {}
    for label in STRUCTURES:
        surface, stem = label_surface(place, label), f"{name}_{label.name.lower()}"
        found[f"{stem}_vertices_xyz_mm"] = surface.vertices_xyz_mm
        found[f"{stem}_faces"] = surface.faces
    return found
