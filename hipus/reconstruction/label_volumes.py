"""A sweep's volume with labels: grey values and any number of frame masks on one grid.

Decides what a voxel is called: per label the share of the pixels around it that show it
(trilinear weights, gaps bridged), then the largest share, background competing with what the
labels leave. The same function serves truth, raters and predictions, so that nothing but the
masks can make a difference. Decides which part of the pictures counts: black margins do not.
Deliberately knows no label scheme, reads no files and judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from hipus import geometry, images
from hipus.reconstruction.accumulators import Layout
from hipus.reconstruction.bridges import Bridges
from hipus.reconstruction.grid import VoxelGrid, grid_around
from hipus.reconstruction.label_kernel import add_labels
from hipus.reconstruction.region import ImageRegion, segments
from hipus.reconstruction.voxelisation import Reconstruction, voxelise

#: Steps between frames reach 1.7 mm in p_d; wider gaps are not bridged.
WIDEST_GAP_MM = 2.0


@dataclass(frozen=True, eq=False)
class SweepVolume:
    """Grey values and labels of one sweep.

    Attributes
    ----------
    grey : numpy.ndarray (D, H, W) float32
        Mean grey value, 0 to 255; 0 where nothing is known.
    is_known : numpy.ndarray (D, H, W) bool
        Reached by a pixel, or in a bridged gap.
    labels : dict of str to numpy.ndarray (D, H, W) uint8
        By the names of the masks they were made of; 0 where nothing is known.
    grid : VoxelGrid
    """

    grey: np.ndarray
    is_known: np.ndarray
    labels: dict[str, np.ndarray]
    grid: VoxelGrid

    def placed(self, array: np.ndarray) -> images.Volume:
        """Return an array of the grid's shape with its place in the world."""
        return images.Volume(array, self.grid.spacing_zyx_mm, self.grid.origin_xyz_mm)


def sweep_volume(
    frames: np.ndarray,
    T_pixel_to_world,
    *,
    spacing_mm: float | None = None,
    widest_gap_mm: float = WIDEST_GAP_MM,
    masks: Mapping[str, np.ndarray] | None = None,
    grid: VoxelGrid | None = None,
    threads: int | None = None,
) -> SweepVolume:
    """Put frames, and masks of these frames, into one volume.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W) uint8 or float32
    T_pixel_to_world : array-like (N, 4, 4)
        Maps (u px, v px, 0) to world mm, scale included; NaN where a frame is left out.
    spacing_mm : float
        Of the voxels; needs no telling where `grid` is given.
    widest_gap_mm : float
        Between hit voxels; wider gaps stay unknown.
    masks : mapping of str to numpy.ndarray (N, H, W) uint8
        Frame masks by name ("truth", a model, a rater), 0 being background. Memory is 4 bytes
        a voxel and label number of one mask at a time.
    grid : VoxelGrid, optional
        Left out: around the shown part of all frames with a pose.
    threads : int, optional
        For the grey values, as in `voxelise`; labels take one.

    Returns
    -------
    SweepVolume

    Raises
    ------
    ValueError
        If neither spacing nor grid is given, frames show nothing, masks differ from the frames
        in shape or are not uint8, or as `voxelise` says.

    Notes
    -----
    Pixels outside `shown_region` are left out, labelled or not. A label's share is the mean of
    its indicator, as `voxelise` and `fill_gaps` make it of any picture (normalised convolution,
    Knutsson and Westin 1993); see `largest_share` for the decision.
    `hipus.stages.cohort_insonified.insonified_volume` makes the cohort's own truth in the hip
    frame with a least share of a half instead; the two differ only where three labels meet.
    """
    frames = np.asarray(frames)
    region = shown_region(frames)
    grid = grid or _grid(T_pixel_to_world, region, spacing_mm)
    for name, mask in (masks or {}).items():
        _check_mask(name, mask, frames.shape)
    made = voxelise(frames, T_pixel_to_world, grid, region=region, threads=threads)
    bridges = Bridges(made.is_hit, grid.spacing_zyx_mm, widest_gap_mm)
    labels = {
        name: _labels(mask, T_pixel_to_world, region, made=made, bridges=bridges)
        for name, mask in (masks or {}).items()
    }
    bridges.fill(made.volume)
    return SweepVolume(made.volume, bridges.is_hit | bridges.is_gap, labels, grid)


def shown_region(frames: np.ndarray) -> ImageRegion:
    """Return the rectangle outside of which every frame is black.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W)

    Returns
    -------
    ImageRegion

    Raises
    ------
    ValueError
        If frames are no (N, H, W) stack, or all black.

    Notes
    -----
    A scanner's canvas is wider than what the probe sees. Black pixels in it are no echoes, and
    would darken neighbours and widen the volume. Burnt-in text counts as shown: mask it before.
    """
    if frames.ndim != 3:
        raise ValueError(f"frames must be (N, H, W), got {frames.shape}")
    is_shown = frames.any(axis=0)
    rows, columns = np.flatnonzero(is_shown.any(axis=1)), np.flatnonzero(is_shown.any(axis=0))
    if not len(rows):
        raise ValueError(f"frames show nothing: all {len(frames)} are black")
    return ImageRegion(
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0] + 1),
        int(rows[-1] - rows[0] + 1),
    )


@dataclass(frozen=True, eq=False)
class Share:
    """How much of what a voxel shows is one label, where that is anything.

    Attributes
    ----------
    label : int
    box : tuple of 3 slice
        Part of the volume; the share is 0 outside.
    values : numpy.ndarray float32
        0 to 1, shaped as the box.
    """

    label: int
    box: tuple[slice, slice, slice]
    values: np.ndarray = field(repr=False)


def largest_share(shares: list[Share], shape_zyx: tuple[int, int, int]) -> np.ndarray:
    """Return the label of the largest share in each voxel; background has what is left of 1.

    Parameters
    ----------
    shares : list of Share
        By increasing label; labels win ties against background and against smaller labels.
    shape_zyx : tuple of 3 int

    Returns
    -------
    numpy.ndarray (D, H, W) uint8

    Notes
    -----
    Background competes as a label of its own. Where a structure meets background only, that
    says "at least a half", as a fixed least share would; where two structures meet beside
    background it leaves no seam of background that no frame has shown.
    """
    best, labels = np.ones(shape_zyx, np.float32), np.zeros(shape_zyx, np.uint8)
    for share in shares:
        best[share.box] -= share.values
    for share in shares:
        inside = best[share.box]
        wins = (share.values >= inside) & (share.values > 0)
        labels[share.box][wins] = share.label
        inside[wins] = share.values[wins]
    return labels


def _grid(T_pixel_to_world, region: ImageRegion, spacing_mm: float | None) -> VoxelGrid:
    """Return the grid around what is shown."""
    if spacing_mm is None:
        raise ValueError("spacing_mm must be given where there is no grid, got None")
    T = np.array(T_pixel_to_world, np.float64)
    T[np.isnan(T).any(axis=(1, 2))] = np.nan
    return grid_around(T, region, spacing_xyz_mm=spacing_mm)


def _check_mask(name: str, mask: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse masks that are not of these frames."""
    if np.shape(mask) != shape:
        raise ValueError(f"masks[{name!r}] must be {shape} like the frames, got {np.shape(mask)}")
    if mask.dtype != np.uint8:
        raise ValueError(f"masks[{name!r}] must be uint8, got {mask.dtype}")


def _labels(
    mask: np.ndarray,
    T_pixel_to_world,
    region: ImageRegion,
    *,
    made: Reconstruction,
    bridges: Bridges,
) -> np.ndarray:
    """Return the label volume of one mask."""
    layout = Layout(made.grid.shape_zyx, pad=1, axes=(0, 1, 2))
    sums = np.zeros((int(mask.max()), int(np.prod(layout.padded_zyx))), np.float32)
    T = np.asarray(T_pixel_to_world, np.float64)
    is_valid = ~np.isnan(T).any(axis=(1, 2))
    steps = geometry.compose(made.grid.T_world_to_voxel, T[is_valid])[:, 2::-1][:, :, [0, 1, 3]]
    steps[:, :, 2] += 1  # the margin: cell 0 lies before voxel 0
    used = segments(region.mask(mask.shape[1:]))
    mask = np.ascontiguousarray(mask if is_valid.all() else mask[is_valid])
    add_labels(mask, steps, used, sums, layout.cells, layout.strides)
    inner = sums.reshape(len(sums), *layout.padded_zyx)[:, 1:-1, 1:-1, 1:-1]
    shares = list(_shares(inner, made, bridges))
    return largest_share(shares, made.grid.shape_zyx)


def _shares(sums: np.ndarray, made: Reconstruction, bridges: Bridges) -> Iterator[Share]:
    """Yield the share of each label that any voxel shows, gaps bridged."""
    for label, one in enumerate(sums, start=1):
        is_shown = one > 0
        places = [np.flatnonzero(is_shown.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
        if not len(places[0]):
            continue
        box = tuple(
            slice(max(0, int(place[0]) - reach), int(place[-1]) + 1 + reach)
            for place, reach in zip(places, bridges.reach(), strict=True)
        )
        weight = made.weight[box]
        values = np.zeros(weight.shape, np.float32)
        np.divide(one[box], weight, out=values, where=weight > 0)
        bridges.fill(values, box)
        yield Share(label, box, values)
