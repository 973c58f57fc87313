"""Two views of one hip in one volume: each where it sees better.

Decides the weights: a probe blurs far more across its picture than within it, so a border is
placed best by the sweep in whose pictures it lies crosswise. Where nothing has a direction, both
count alike. Decides whose labels stand: those of one sweep, the teller, which the other has
straightened; what it does not see stays background. The other's thigh was bent otherwise, and
an ilium pieced together of two has a step where they meet, which measures take for a roof: on 23
hips of training and validation subjects, labelled by a network, that left alpha 3.4 deg off in
the mean, the teller's labels alone 2.2. Deliberately registers nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.label_volumes import SweepVolume

#: Standard deviations of a linear probe's blur at the hip: lateral, axial, elevational.
BLUR_MM = (0.4, 0.2, 1.0)
#: A border's direction is that of the mean volume, smoothed by this.
_SMOOTH_MM = 1.0
#: Slope of grey values, per mm, at which a direction counts half.
_HALF_SLOPE = 6.0


@dataclass(frozen=True, eq=False)
class FusedVolume:
    """One hip from two sweeps.

    Attributes
    ----------
    grey : numpy.ndarray (D, H, W) float32
        0 where nothing is known.
    is_known : numpy.ndarray (D, H, W) bool
        From either sweep.
    labels : numpy.ndarray (D, H, W) uint8
        In the hip scheme; 0 where the teller knows nothing.
    first_share : numpy.ndarray (D, H, W) float32
        What the first sweep counted for, 0 to 1; 0 where nothing is known.
    grid : VoxelGrid
    """

    grey: np.ndarray
    is_known: np.ndarray
    labels: np.ndarray
    first_share: np.ndarray
    grid: VoxelGrid


def compound(
    first: SweepVolume, second: SweepVolume, *, rotations, name: str, teller: int = 0
) -> FusedVolume:
    """Make one volume of two views on one grid.

    Parameters
    ----------
    first, second : SweepVolume
        On the same grid, of the same world.
    rotations : sequence of 2 array-like (3, 3)
        How each probe was held, `R_centre_to_world`: lateral, axial and elevational axes.
    name : str
        Which labels of the volumes to fuse.
    teller : {0, 1}
        Whose labels stand.

    Returns
    -------
    FusedVolume

    Raises
    ------
    ValueError
        If the grids differ, or the teller is neither.
    """
    if teller not in (0, 1):
        raise ValueError(f"teller must be 0 (first) or 1 (second), got {teller!r}")
    if not first.grid.is_close(second.grid):
        raise ValueError(f"second must lie on the first's grid {first.grid}, got {second.grid}")
    greys = first.grey, match_greys(first, second)
    known = first.is_known, second.is_known
    shares = view_shares(
        greys, known, rotations=rotations, spacing_zyx_mm=first.grid.spacing_zyx_mm
    )
    grey = shares[0] * greys[0] + shares[1] * greys[1]
    labels = (first, second)[teller].labels[name]
    return FusedVolume(
        grey=grey.astype(np.float32),
        is_known=known[0] | known[1],
        labels=labels,
        first_share=shares[0],
        grid=first.grid,
    )


def match_greys(first: SweepVolume, second: SweepVolume) -> np.ndarray:
    """Return the second's grey values with the first's gain.

    Parameters
    ----------
    first, second : SweepVolume
        On one grid.

    Returns
    -------
    numpy.ndarray (D, H, W) float32
        With the first's mean and standard deviation where both are known, within 0 to 255;
        unchanged where nothing is common or one of them is plain there.
    """
    both = first.is_known & second.is_known
    if not both.any():
        return second.grey
    a, b = first.grey[both], second.grey[both]
    if not (a.std() > 0 and b.std() > 0):
        return second.grey
    matched = (second.grey - b.mean()) * (a.std() / b.std()) + a.mean()
    return np.where(second.is_known, np.clip(matched, 0, 255), 0).astype(np.float32)


def view_shares(greys, known, *, rotations, spacing_zyx_mm) -> tuple[np.ndarray, np.ndarray]:
    """Return what each view counts for in each voxel.

    Parameters
    ----------
    greys : sequence of 2 numpy.ndarray (D, H, W)
    known : sequence of 2 numpy.ndarray (D, H, W) bool
    rotations : sequence of 2 array-like (3, 3)
        `R_centre_to_world`.
    spacing_zyx_mm : tuple of 3 float

    Returns
    -------
    tuple of 2 numpy.ndarray (D, H, W) float32
        They add up to 1 where anything is known, to 0 elsewhere; the only view that knows a
        voxel has it all.

    Notes
    -----
    A border with normal n is blurred by b^2 = n' R diag(BLUR_MM^2) R' n in a view held as R.
    Weights are inverse variances, 1 / b^2, as for two measurements of one place, mixed with
    equal ones by how much of a border there is: s^2 / (s^2 + half^2) with slope s.
    """
    weights = [np.asarray(one, np.float32) for one in known]
    total = np.maximum(weights[0] + weights[1], 1)
    mean = (weights[0] * greys[0] + weights[1] * greys[1]) / total
    sigma = [_SMOOTH_MM / side for side in spacing_zyx_mm]
    smooth = ndimage.gaussian_filter(mean.astype(np.float32), sigma)
    slopes = np.stack(np.gradient(smooth, *spacing_zyx_mm)[::-1])  # x, y, z
    steepness = (slopes**2).sum(axis=0)
    precise = [steepness / np.maximum(_spread(slopes, R), 1e-9) for R in rotations]
    directed = steepness / (steepness + _HALF_SLOPE**2)
    sum_precise = np.maximum(precise[0] + precise[1], 1e-9)
    for weight, one in zip(weights, precise, strict=True):
        weight *= directed * one / sum_precise + (1 - directed) / 2
    total = np.maximum(weights[0] + weights[1], 1e-9)
    return weights[0] / total, weights[1] / total


def _spread(slopes: np.ndarray, R) -> np.ndarray:
    """Return n' C n of slopes (3, D, H, W) with the covariance C of a view's blur."""
    along = np.einsum("ij,i...->j...", np.asarray(R, np.float64), slopes)
    return sum(side**2 * part**2 for side, part in zip(BLUR_MM, along, strict=True))
