"""Render sweeps: poses and a scene in, frames and their truth out.

Decides what is drawn per subject, sweep and frame, how frames are shared among threads, and
what a rendered sweep carries. Results depend on neither the number of threads nor the size of
a block. What is rendered is simulated.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.phantom.scene import Scene
from hipus.phantom.ultrasound.appearance import Appearance, draw_appearance
from hipus.phantom.ultrasound.guides import PackedScene, lattice, pack_scene, sample_guides
from hipus.phantom.ultrasound.march import Beam, march
from hipus.phantom.ultrasound.scan import Labels, insonified_mask, map_grey, scan_convert
from hipus.phantom.ultrasound.settings import ProbeSettings
from hipus.phantom.ultrasound.speckle import SpeckleField, build_field

log = logging.getLogger(__name__)

#: Frequency at which `Levels` state losses.
REFERENCE_MHZ = 10.0


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


@dataclass(frozen=True)
class Examination:
    """Everything that is fixed during one sweep.

    Attributes
    ----------
    packed : PackedScene
    appearance : Appearance
    field : SpeckleField
    T_hip_to_field : numpy.ndarray (4, 4) float64
        To the probe's mean frame, shifted to where this sweep lies in the periodic field.
    settings : ProbeSettings
    """

    packed: PackedScene
    appearance: Appearance
    field: SpeckleField
    T_hip_to_field: np.ndarray
    settings: ProbeSettings


def prepare(scene, T_image_to_hip, settings: ProbeSettings, rng, *, appearance=None, field=None):
    """Fix what does not change during a sweep.

    Parameters
    ----------
    scene : Scene or PackedScene
        Packing takes a fraction of a second: pack once per hip.
    T_image_to_hip : array-like (N, 4, 4) float64
        All poses of the sweep: the field lies in their mean frame.
    settings : ProbeSettings
    rng : numpy.random.Generator
        Of the sweep.
    appearance : Appearance, optional
        Of the subject: pass the same for all its sweeps. Left out: drawn.
    field : SpeckleField, optional
        Left out: built (about a second). One that is passed is read at a place of its own for
        each sweep.

    Returns
    -------
    Examination

    Raises
    ------
    ValueError
        If a pose is not rigid.
    """
    poses = geometry.check_transform(T_image_to_hip, "T_image_to_hip").reshape(-1, 4, 4)
    if appearance is None:
        appearance = draw_appearance(rng)
    if field is None:
        field = build_field(rng, settings)
    shift = np.eye(4)
    periods = np.array(field.values.shape)[[2, 0]] * np.array(field.pitch_mm)[::-1]
    shift[[0, 2], 3] = rng.uniform(0, periods)
    packed = pack_scene(scene) if isinstance(scene, Scene) else scene
    T_hip_to_field = shift @ geometry.invert(mean_frame(poses))
    return Examination(packed, appearance, field, T_hip_to_field, settings)


def mean_frame(poses: np.ndarray) -> np.ndarray:
    """Return the rigid transform closest to the mean of poses (N, 4, 4), (4, 4) float64."""
    mean = poses.mean(axis=0)
    u, _, v = np.linalg.svd(mean[:3, :3])
    mean[:3, :3] = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
    return mean


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


def render_native(exam: Examination, T_image_to_hip, *, contact=None, noise_start=(0, 0, 0)):
    """Render one frame on the native grid, before gain and grey map.

    Parameters
    ----------
    exam : Examination
    T_image_to_hip : numpy.ndarray (4, 4) float64
    contact : numpy.ndarray (lines,) float32, optional
    noise_start : tuple of 3 int
        Where in the field this frame's electronic noise is read.

    Returns
    -------
    amplitude_db : numpy.ndarray (samples, lines) float32
        0 dB is bone met head on.
    passed_db : numpy.ndarray (samples, lines) float32
        Transmission, two-way, nominal attenuation compensated.
    """
    settings, field = exam.settings, exam.field
    guides = sample_guides(exam.packed, exam.appearance, settings, T_image_to_hip=T_image_to_hip)
    noise = settings.noise_at(settings.sample_y_mm()).astype(np.float32)
    if contact is None:
        contact = np.ones(settings.line_count, np.float32)
    out_db = np.empty((settings.sample_count, settings.line_count), np.float32)
    passed_db = np.empty_like(out_db)
    march(
        guides, exam.appearance.levels, exam.appearance.tables, field.values, field.losses,
        _beam(exam, T_image_to_hip, noise_start), noise, contact, out_db, passed_db,
    )  # fmt: skip
    return out_db, passed_db


def _beam(exam: Examination, T_image_to_hip: np.ndarray, noise_start) -> Beam:
    """Collect what the march needs of probe and pose."""
    settings, field, grid = exam.settings, exam.field, lattice(exam.settings)
    T_image_to_field = exam.T_hip_to_field @ T_image_to_hip
    plane = np.empty((3, 3))
    plane[:, 0] = T_image_to_field[:3, 3] + T_image_to_field[:3, 0] * settings.line_x_mm()[0]
    plane[:, 1] = T_image_to_field[:3, 0] * settings.line_pitch_mm
    plane[:, 2] = T_image_to_field[:3, 1] * settings.sample_pitch_mm
    axial_mm = field.depth_step_mm / max(np.diff(field.depth_index).mean(), 1e-6)
    noise_step = (
        max(1, round(settings.sample_pitch_mm / axial_mm)),
        max(1, round(settings.line_pitch_mm / field.pitch_mm[1])),
    )
    return Beam(
        plane=plane,
        depth_index=field.depth_index,
        depth_start_mm=field.depth_start_mm,
        depth_step_mm=field.depth_step_mm,
        field_pitch_mm=field.pitch_mm,
        row_step=grid.row_step,
        line_step=grid.line_step,
        row_mm=settings.sample_pitch_mm,
        line_mm=settings.line_pitch_mm,
        loss_scale=settings.frequency_mhz / REFERENCE_MHZ,
        looks=settings.looks,
        smoothing=settings.smoothing,
        clutter_scale=settings.clutter_scale,
        reverberation_scale=settings.reverberation_scale,
        noise_start=tuple(int(value) for value in noise_start),
        noise_step=noise_step,
    )
