"""A crude hip in pictures, for the annotator tests: cheap, asymmetric, with known surfaces.

Bands are bright ridges, the head a dark disc with a bright rim, the left lower part is shadow.
"""

import numpy as np
from scipy import ndimage

from hipus.labels import HipLabel

SIDE_MM = 0.25
SHAPE = (120, 152)
HEAD_ROW_COLUMN, HEAD_RADIUS_MM = (60, 84), 8.0
BAND_MM = 1.25


def truth_mask(*, shift_px: int = 0) -> np.ndarray:
    """Return labels (H, W) uint8 of one frame, all four structures and a labrum."""
    rows, columns = np.indices(SHAPE)
    columns = columns - shift_px
    thick = round(BAND_MM / SIDE_MM)
    mask = np.zeros(SHAPE, np.uint8)
    away = np.hypot(rows - HEAD_ROW_COLUMN[0], columns - HEAD_ROW_COLUMN[1]) * SIDE_MM
    mask[away < HEAD_RADIUS_MM] = HipLabel.FEMORAL_HEAD
    mask[(rows >= 50) & (rows < 50 + thick) & (columns < 46)] = HipLabel.ILIUM
    mask[(columns >= 120) & (columns < 120 + thick) & (abs(rows - 55) < 25)] = (
        HipLabel.CHONDRO_OSSEOUS_BORDER
    )
    mask[(rows >= 26) & (rows < 26 + thick) & (columns >= 122)] = HipLabel.FEMORAL_CORTEX
    mask[(rows >= 22) & (rows < 26) & (abs(columns - 60) < 5)] = HipLabel.LABRUM
    return mask


def picture(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return grey levels (H, W) uint8 that show a mask."""
    grey = np.full(mask.shape, 80.0)
    grey[mask == HipLabel.FEMORAL_HEAD] = 35
    rim = ndimage.binary_dilation(mask == HipLabel.FEMORAL_HEAD, iterations=3)
    grey[rim & (mask != HipLabel.FEMORAL_HEAD)] = 140
    grey[56:, :46] = 8
    grey[np.isin(mask, (1, 3, 4))] = 220
    grey = ndimage.gaussian_filter(grey, 1.0)
    return np.clip(grey + 8 * rng.standard_normal(mask.shape), 1, 255).astype(np.uint8)


def sweep(count: int = 5):
    """Return frames and truth masks (N, H, W) uint8."""
    rng = np.random.default_rng(5)
    masks = np.stack([truth_mask(shift_px=index // 2) for index in range(count)])
    return np.stack([picture(mask, rng) for mask in masks]), masks


#: Anisotropic, and no two sides alike.
VOLUME_SPACING_MM = (0.7, 0.5, 0.4)


def volume():
    """Return grey levels and truth (D, H, W) uint8 of a ball under a plate, and a rod."""
    z, y, x = (
        np.arange(size).reshape([-1 if axis == i else 1 for i in range(3)]) * spacing
        for axis, (size, spacing) in enumerate(zip((40, 56, 64), VOLUME_SPACING_MM, strict=True))
    )
    mask = np.zeros((40, 56, 64), np.uint8)
    mask[np.sqrt((z - 14) ** 2 + (y - 16) ** 2 + (x - 13) ** 2) < 7] = HipLabel.FEMORAL_HEAD
    mask[(abs(y - 5) < 0.7) & (x < 16) & (z > 4) & (z < 24)] = HipLabel.ILIUM
    mask[(abs(x - 22) < 0.7) & (abs(y - 14) < 6) & (z > 7) & (z < 20)] = (
        HipLabel.CHONDRO_OSSEOUS_BORDER
    )
    grey = np.full(mask.shape, 70.0)
    grey[mask == HipLabel.FEMORAL_HEAD] = 30
    grey[np.isin(mask, (1, 3))] = 220
    noise = 6 * np.random.default_rng(8).standard_normal(mask.shape)
    return np.clip(ndimage.gaussian_filter(grey, 0.8) + noise, 1, 255).astype(np.uint8), mask
