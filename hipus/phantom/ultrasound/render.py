"""Render sweeps: poses and a scene in, frames and their truth out.

Decides how frames are shared among threads and blocks, and what a rendered sweep carries.
Results depend on neither the number of threads nor the size of a block. What is rendered is
simulated.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.phantom.ultrasound.appearance import Appearance
from hipus.phantom.ultrasound.examination import prepare, render_native
from hipus.phantom.ultrasound.scan import Labels, insonified_mask, map_grey, scan_convert
from hipus.phantom.ultrasound.settings import ProbeSettings
from hipus.phantom.ultrasound.speckle import SpeckleField

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RenderedSweep:
    """Frames of a sweep, or of a block of it, and what is true of them.

    Attributes
    ----------
    first : int
        Index of the first frame within the sweep.
    frames : numpy.ndarray (N, H, W) uint8
    masks : numpy.ndarray (N, H, W) uint8 or None
        Labels where insonified; None where no labels were given.
    passed_db : numpy.ndarray (N, samples, lines) float16
        Transmission on the native grid, two-way, nominal attenuation compensated.
    settings : ProbeSettings
    """

    first: int
    frames: np.ndarray
    masks: np.ndarray | None
    passed_db: np.ndarray
    settings: ProbeSettings


def render_sweep(scene, T_image_to_hip, settings: ProbeSettings, rng, **options) -> RenderedSweep:
    """Render all frames of a sweep.

    Parameters
    ----------
    scene, T_image_to_hip, settings, rng, **options
        As for `stream_sweep`.

    Returns
    -------
    RenderedSweep
        The whole sweep in memory.
    """
    count = len(np.asarray(T_image_to_hip))
    options["block"] = max(count, 1)
    blocks = list(stream_sweep(scene, T_image_to_hip, settings, rng, **options))
    return blocks[0]


def stream_sweep(
    scene,
    T_image_to_hip,
    settings: ProbeSettings,
    rng: np.random.Generator,
    *,
    labels: Labels | None = None,
    contact=None,
    appearance: Appearance | None = None,
    field: SpeckleField | None = None,
    threads: int = 2,
    block: int = 16,
) -> Iterator[RenderedSweep]:
    """Render a sweep block by block.

    Parameters
    ----------
    scene : Scene or PackedScene
    T_image_to_hip : array-like (N, 4, 4) float64
        True pose of every frame, image frame to hip frame, mm.
    settings : ProbeSettings
    rng : numpy.random.Generator
        Of the sweep.
    labels : LabelVolume or callable, optional
        The full anatomy; left out: no masks.
    contact : array-like (N, K), optional
        Contact along the footprint, 0 to 1, K >= 2 evenly spaced places; left out: full.
    appearance, field : optional
        See `prepare`.
    threads : int
        Frames rendered at the same time; the result does not depend on it.
    block : int
        Frames in memory at the same time; the result does not depend on it.

    Yields
    ------
    RenderedSweep
        Of at most `block` frames each.

    Raises
    ------
    ValueError
        If poses are not rigid, or contact does not fit them.
    """
    poses = geometry.check_transform(T_image_to_hip, "T_image_to_hip").reshape(-1, 4, 4)
    contact = _contact_lines(contact, len(poses), settings)
    if threads < 1 or block < 1:
        raise ValueError(f"threads and block must be >= 1, got {threads} and {block}")
    exam = prepare(scene, poses, settings, rng, appearance=appearance, field=field)
    starts = _draw_noise_starts(rng, len(poses), exam.field)
    log.debug("%d frames, %d lines, %d threads", len(poses), settings.line_count, threads)
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(poses), block):
            frames = range(first, min(first + block, len(poses)))
            yield _render_block(
                exam, poses, contact, starts, frames=frames, labels=labels, pool=pool
            )


def _contact_lines(contact, count: int, settings: ProbeSettings) -> np.ndarray:
    """Return contact per frame and line, (N, lines) float32."""
    if contact is None:
        return np.ones((count, settings.line_count), np.float32)
    contact = np.asarray(contact, np.float64)
    if contact.ndim != 2 or len(contact) != count or contact.shape[1] < 2:
        raise ValueError(f"contact must be ({count}, K >= 2), got {contact.shape}")
    if not ((contact >= 0) & (contact <= 1)).all():
        raise ValueError("contact must lie within 0 and 1")
    places = np.linspace(0, contact.shape[1] - 1, settings.line_count)
    known = np.arange(contact.shape[1])
    return np.stack([np.interp(places, known, row) for row in contact]).astype(np.float32)


def _draw_noise_starts(rng, count: int, field: SpeckleField) -> np.ndarray:
    """Draw where each frame reads its electronic noise."""
    return rng.integers(0, field.values.shape[:3], (count, 3))


def _render_block(exam, poses, contact, starts, *, frames, labels, pool) -> RenderedSweep:
    """Render some frames in parallel."""
    settings, count = exam.settings, len(frames)
    out = np.empty((count, *settings.shape_px), np.uint8)
    masks = None if labels is None else np.empty_like(out)
    passed = np.empty((count, settings.sample_count, settings.line_count), np.float16)

    def render(index: int) -> None:
        frame = frames[index]
        db, passed_db = render_native(
            exam, poses[frame], contact=contact[frame], noise_start=starts[frame]
        )
        picture = scan_convert(map_grey(db, settings), settings)
        out[index] = (picture + np.float32(0.5)).astype(np.uint8)
        passed[index] = passed_db
        if masks is not None:
            masks[index] = insonified_mask(passed_db, labels, settings, T_image_to_hip=poses[frame])

    list(pool.map(render, range(count)))
    return RenderedSweep(frames[0], out, masks, passed, settings)
