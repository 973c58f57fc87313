"""One examination: scene, tissue, speckle and probe brought together, frame by frame.

Decides what is fixed during a sweep, where its speckle field lies, and how one pose becomes
one frame on the native grid, before gain and grey map. Decides nothing about threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.phantom.scene import Scene
from hipus.phantom.ultrasound.appearance import Appearance, draw_appearance
from hipus.phantom.ultrasound.guides import PackedScene, lattice, pack_scene, sample_guides
from hipus.phantom.ultrasound.march import Beam, march
from hipus.phantom.ultrasound.settings import ProbeSettings
from hipus.phantom.ultrasound.speckle import SpeckleField, build_field

#: Frequency at which `Levels` state losses.
REFERENCE_MHZ = 10.0


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
        guides,
        exam.appearance.levels,
        exam.appearance.tables,
        field=(field.values, field.losses),
        beam=_beam(exam, T_image_to_hip, noise_start),
        noise=noise,
        contact=contact,
        out=(out_db, passed_db),
    )
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
