"""What the beam passes, on a coarse lattice of the image plane: distances, slopes, variation.

Decides which of a scene's fields imaging reads and how they reach the image plane. Everything
here is smooth over 0.3 mm, so it is sampled that coarsely, once per frame, and interpolated
linearly while marching; fascia and speckle, which are not smooth, are left to the march.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus.phantom.scene import BONES, Scene
from hipus.phantom.ultrasound.appearance import SLOW_PITCH_MM
from hipus.phantom.ultrasound.compiling import cached, compiled
from hipus.phantom.ultrasound.settings import ProbeSettings

#: Largest step of the lattice, mm; scenes have voxels of about 0.4 mm.
LATTICE_MM = 0.32
# Fields copied from a scene, after the nearest bone; `_slope` is their change along the beam.
_COPIED = (
    "head_distance",
    "capsule_distance",
    "layer_depth",
    "acetabular_cartilage_distance",
    "triradiate_distance",
    "labrum_distance",
    "skin_depth",
)
# Rows of a guide. The first four of a packed scene get a slope.
BONE, HEAD, CAPSULE, LAYER, CARTILAGE, TRIRADIATE, LABRUM, SKIN = range(8)
BONE_SLOPE, HEAD_SLOPE, CAPSULE_SLOPE, LAYER_SLOPE = range(8, 12)
SLOW, MIDDLE, FINE, ALONG, SPREAD, ALONG_2, SPARKLE, SPARKLE_2, TILT, LAYER_ACROSS = range(12, 22)
GUIDE_COUNT = 22

# How much faster than one cell per `SLOW_PITCH_MM` each variation is run through, along hip
# x (about the beam), y and z, and which of the two slow fields it reads. Factors are
# incommensurate, so that the periods never meet. SIMULATION.md A1.2 and A5.7.
_VARIATIONS = np.array(
    [
        [1.00, 1.00, 1.00, 0],  # SLOW: over some mm
        [1.45, 1.35, 1.27, 1],  # MIDDLE
        [3.40, 1.37, 1.23, 0],  # FINE
        [1.50, 0.43, 0.39, 1],  # ALONG: how a fascia comes and goes
        [0.29, 0.27, 0.23, 0],  # SPREAD: how layers swell
        [1.10, 0.41, 0.37, 0],  # ALONG_2
        [8.60, 4.30, 3.70, 0],  # SPARKLE: canals in the head's cartilage
        [7.30, 3.40, 4.60, 1],  # SPARKLE_2
    ]
)


@dataclass(frozen=True)
class PackedScene:
    """A scene in the order in which a beam reads it.

    Attributes
    ----------
    values : numpy.ndarray (D, H, W, 8) float32
        Distance to the nearest bone, then the fields of `_COPIED`, mm.
    origin_xyz_mm : numpy.ndarray (3,) float64
    spacing_mm : float
    """

    values: np.ndarray
    origin_xyz_mm: np.ndarray
    spacing_mm: float


def pack_scene(scene: Scene) -> PackedScene:
    """Gather the fields that ultrasound reads, voxel by voxel; do it once per hip.

    Parameters
    ----------
    scene : Scene

    Returns
    -------
    PackedScene
    """
    values = np.empty((*scene.fields.shape[1:], 1 + len(_COPIED)), np.float32)
    nearest = scene.field(BONES[0])
    for name in BONES[1:]:
        nearest = np.minimum(nearest, scene.field(name))
    values[..., 0] = nearest
    for column, name in enumerate(_COPIED, start=1):
        values[..., column] = scene.field(name)
    return PackedScene(values, np.array(scene.origin_xyz_mm, np.float64), scene.spacing_mm)


@dataclass(frozen=True)
class Lattice:
    """Coarse steps: every `row_step` native rows and `line_step` native lines."""

    row_step: int
    line_step: int
    row_count: int
    line_count: int


def lattice(settings: ProbeSettings) -> Lattice:
    """Return the coarse lattice of a probe's native grid.

    Parameters
    ----------
    settings : ProbeSettings

    Returns
    -------
    Lattice
        It reaches one step beyond the native grid on the far sides.
    """
    row_step = max(1, int(LATTICE_MM / settings.sample_pitch_mm))
    line_step = max(1, int(LATTICE_MM / settings.line_pitch_mm))
    rows = (settings.sample_count - 1) // row_step + 2
    lines = (settings.line_count - 1) // line_step + 2
    return Lattice(row_step, line_step, rows, lines)


def sample_guides(packed, appearance, settings: ProbeSettings, *, T_image_to_hip) -> np.ndarray:
    """Sample what one frame's beams pass.

    Parameters
    ----------
    packed : PackedScene
    appearance : Appearance
    settings : ProbeSettings
    T_image_to_hip : numpy.ndarray (4, 4) float64
        Image to hip frame, both mm.

    Returns
    -------
    numpy.ndarray (rows, GUIDE_COUNT, lines) float32
        On `lattice(settings)`.
    """
    grid = lattice(settings)
    across = T_image_to_hip[:3, 0] * settings.line_pitch_mm * grid.line_step
    down = T_image_to_hip[:3, 1] * settings.sample_pitch_mm * grid.row_step
    start = T_image_to_hip[:3, 3] + T_image_to_hip[:3, 0] * settings.line_x_mm()[0]
    guides = np.empty((grid.row_count, GUIDE_COUNT, grid.line_count), np.float32)
    _sample_scene(
        packed.values, (start - packed.origin_xyz_mm) / packed.spacing_mm,
        across / packed.spacing_mm, down / packed.spacing_mm, guides,
    )  # fmt: skip
    _sample_slow(appearance.slow, start, appearance.offset_xyz_mm, across, down, guides)
    steps_mm = settings.sample_pitch_mm * grid.row_step, settings.line_pitch_mm * grid.line_step
    _add_slopes(guides, np.float32(steps_mm[0]), np.float32(steps_mm[1]))
    return guides


@cached
def _sample_scene(values, start, across, down, guides):
    """Fill the first 8 guides by trilinear interpolation, clipped at the scene's edge."""
    depth, height, width = values.shape[0], values.shape[1], values.shape[2]
    for row in range(guides.shape[0]):
        for line in range(guides.shape[2]):
            x = min(max(start[0] + row * down[0] + line * across[0], 0.0), width - 1.001)
            y = min(max(start[1] + row * down[1] + line * across[1], 0.0), height - 1.001)
            z = min(max(start[2] + row * down[2] + line * across[2], 0.0), depth - 1.001)
            i, j, k = int(x), int(y), int(z)
            a, b, c = np.float32(x - i), np.float32(y - j), np.float32(z - k)
            for field in range(8):
                near = _square(values, k, j, i, a, b, field)
                far = _square(values, k + 1, j, i, a, b, field)
                guides[row, field, line] = near + c * (far - near)


@compiled
def _square(values, k, j, i, a, b, field):
    """Interpolate within one plane of a scene."""
    top = values[k, j, i, field]
    top += a * (values[k, j, i + 1, field] - top)
    bottom = values[k, j + 1, i, field]
    bottom += a * (values[k, j + 1, i + 1, field] - bottom)
    return top + b * (bottom - top)


@cached
def _sample_slow(slow, start, offset, across, down, guides):
    """Fill the variations: periodic fields, each run through at its own pace."""
    for row in range(guides.shape[0]):
        for line in range(guides.shape[2]):
            x = start[0] + row * down[0] + line * across[0]
            y = start[1] + row * down[1] + line * across[1]
            z = start[2] + row * down[2] + line * across[2]
            guides[row, TILT, line] = z
            for n in range(_VARIATIONS.shape[0]):
                u = (x * _VARIATIONS[n, 0] + offset[0] * (n + 1)) / SLOW_PITCH_MM
                v = (y * _VARIATIONS[n, 1] + offset[1] * (n + 1)) / SLOW_PITCH_MM
                w = (z * _VARIATIONS[n, 2] + offset[2] * (n + 1)) / SLOW_PITCH_MM
                guides[row, SLOW + n, line] = _wrapped(slow, w, v, u, int(_VARIATIONS[n, 3]))


@compiled
def _wrapped(slow, w, v, u, part):
    """Interpolate one periodic field; its length is a power of two."""
    last = slow.shape[0] - 1
    k, j, i = int(np.floor(w)), int(np.floor(v)), int(np.floor(u))
    c, b, a = np.float32(w - k), np.float32(v - j), np.float32(u - i)
    total = np.float32(0)
    for dk in range(2):
        for dj in range(2):
            weight = (c if dk else 1 - c) * (b if dj else 1 - b)
            kk, jj = (k + dk) & last, (j + dj) & last
            left, right = slow[kk, jj, i & last, part], slow[kk, jj, (i + 1) & last, part]
            total += weight * (left + a * (right - left))
    return total


@cached
def _add_slopes(guides, step_mm, across_mm):
    """Fill the slopes along the beam, and that of the layers across it: central differences."""
    last, end = guides.shape[0] - 1, guides.shape[2] - 1
    for row in range(guides.shape[0]):
        above, below = max(row - 1, 0), min(row + 1, last)
        scale = np.float32(1) / (step_mm * (below - above))
        for field in range(4):
            for line in range(guides.shape[2]):
                change = guides[below, field, line] - guides[above, field, line]
                guides[row, BONE_SLOPE + field, line] = change * scale
        for line in range(guides.shape[2]):
            left, right = max(line - 1, 0), min(line + 1, end)
            change = guides[row, LAYER, right] - guides[row, LAYER, left]
            guides[row, LAYER_ACROSS, line] = change / (across_mm * (right - left))
