"""The checked numbers of the simulated ultrasound, measured on plain scenes.

Decides which settings, depths and steps the numbers are measured with, so that tests, the
stage `realism` and the notebook measure the same. Deliberately judges nothing but by the
limits that the order states, and loads no real picture (see `hipus.phantom.likeness_real`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus.phantom.ultrasound import checks
from hipus.phantom.ultrasound.appearance import Appearance
from hipus.phantom.ultrasound.examination import prepare, render_native
from hipus.phantom.ultrasound.plain_scenes import (
    ORIGIN_DEPTH_MM,
    bone_scene,
    even_appearance,
    looking_at,
    plain_scene,
    stepped,
)
from hipus.phantom.ultrasound.settings import ProbeSettings
from hipus.phantom.ultrasound.speckle import SpeckleField, build_field

#: One look, no vendor's smoothing, no noise, no clutter: physics alone.
PURE = ProbeSettings(
    line_count=192,
    looks=1,
    smoothing=1.0,
    noise_db=-np.inf,
    clutter_scale=0.0,
    reverberation_scale=0.0,
)
#: Depths at which widths are measured, mm: near, at the elevational focus, far.
DEPTHS_MM = (10.0, 20.0, 34.0)
#: Out-of-plane steps between the measured frames, and how many.
STEP_MM, FRAMES = 0.1, 40
#: Half the height of the band of rows about a depth.
HALF_MM = 2.0


@dataclass(frozen=True)
class PhysicsCheck:
    """One measured number and the limits within which it holds.

    Attributes
    ----------
    check, unit : str
    measured, designed, low, high : float
        NaN where nothing is designed, or a side has no limit.
    """

    check: str
    unit: str
    measured: float
    designed: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Return whether the measured number lies within its limits."""
        return not (self.measured < self.low or self.measured > self.high)


@dataclass(frozen=True)
class DecorrelationCurve:
    """How speckle decorrelates out of plane.

    Attributes
    ----------
    orientation : {"p_a", "p_d"}
    tissue : str
    depth_mm : float
    distance_mm, measured, designed : numpy.ndarray (K,)
        Designed for homogeneous tissue at that depth.
    """

    orientation: str
    tissue: str
    depth_mm: float
    distance_mm: np.ndarray
    measured: np.ndarray
    designed: np.ndarray


def render_db(scene, poses, *, appearance: Appearance, field: SpeckleField, place: int = 0):
    """Render all poses of one sweep on the native grid, with the settings `PURE`.

    Parameters
    ----------
    scene : Scene or PackedScene
    poses : numpy.ndarray (N, 4, 4)
    appearance : Appearance
    field : SpeckleField
    place : int
        Another one reads the field elsewhere.

    Returns
    -------
    amplitude_db, passed_db : numpy.ndarray (N, samples, lines) float32
    """
    rng = np.random.default_rng(place)
    exam = prepare(scene, poses, PURE, rng, appearance=appearance, field=field)
    parts = zip(*[render_native(exam, pose) for pose in poses], strict=True)
    amplitude_db, passed_db = (np.stack(part) for part in parts)
    return amplitude_db, passed_db


def rows_at(depth_mm: float) -> np.ndarray:
    """Return which rows of the native grid lie about a depth, (samples,) bool."""
    return np.abs(PURE.sample_y_mm() - depth_mm) < HALF_MM


def decorrelate(envelopes: np.ndarray) -> np.ndarray:
    """Return the mean correlation of frames over the number of steps between them.

    Parameters
    ----------
    envelopes : numpy.ndarray (N, ...)

    Returns
    -------
    numpy.ndarray (N // 2,) float64
        From 0 steps, which is 1.
    """
    flat = np.asarray(envelopes, np.float64).reshape(len(envelopes), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    flat /= np.sqrt((flat**2).sum(axis=1, keepdims=True))
    shared = flat @ flat.T
    return np.array([np.diagonal(shared, lag).mean() for lag in range(len(flat) // 2)])


def measure_physics(rng: np.random.Generator):
    """Measure speckle and shadow on plain scenes.

    Parameters
    ----------
    rng : numpy.random.Generator
        Builds the scatterers.

    Returns
    -------
    checks : list of PhysicsCheck
    curves : list of DecorrelationCurve
        Homogeneous tissue at the elevational focus, in both orientations.
    """
    field, even = build_field(rng, PURE), even_appearance()
    found, curves = [], []
    for place, orientation in enumerate(("p_a", "p_d")):
        poses = stepped(looking_at(orientation), (np.arange(FRAMES) - FRAMES / 2) * STEP_MM)
        db, _ = render_db(plain_scene(), poses, appearance=even, field=field, place=place)
        envelope = checks.to_envelope(db)
        for depth_mm in DEPTHS_MM:
            found += _speckle_checks(envelope, orientation, depth_mm)
        curve = _homogeneous_curve(envelope, orientation)
        largest = float(np.abs(curve.measured - curve.designed).max())
        name = f"decorrelation, largest deviation from the design, {orientation}"
        found.append(PhysicsCheck(name, "correlation", largest, 0.0, np.nan, 0.05))
        curves.append(curve)
    found.append(_still_check(even, field))
    return found + _shadow_checks(even, field), curves


def _speckle_checks(envelope: np.ndarray, orientation: str, depth_mm: float) -> list:
    """Return signal-to-noise ratio and correlation widths at one depth."""
    part = envelope[:, rows_at(depth_mm)]
    where = f"{orientation}, {depth_mm:g} mm deep"
    snr = checks.envelope_snr(part)
    theory = float(np.sqrt(np.pi / (4 - np.pi)))
    found = [PhysicsCheck(f"envelope SNR, {where}", "1", snr, theory, 1.86, 1.96)]
    widths = {
        "axial": (1, PURE.sample_pitch_mm, PURE.axial_fwhm_at(depth_mm)),
        "lateral": (2, PURE.line_pitch_mm, PURE.lateral_fwhm_at(depth_mm)),
        "elevational": (0, STEP_MM, PURE.elevational_fwhm_at(depth_mm)),
    }
    for name, (axis, pitch_mm, designed) in widths.items():
        designed = float(designed)
        if axis == 0:
            measured = 2 * STEP_MM * checks.half_height(decorrelate(part))
        else:
            measured = checks.correlation_fwhm_mm(part, pitch_mm, axis=axis)
        limits = 0.9 * designed, 1.1 * designed
        label = f"{name} correlation width, {where}"
        found.append(PhysicsCheck(label, "mm", float(measured), designed, *limits))
    return found


def _homogeneous_curve(envelope: np.ndarray, orientation: str) -> DecorrelationCurve:
    """Return the decorrelation of homogeneous tissue at the elevational focus."""
    depth_mm = PURE.elevational_focus_mm
    return curve_of(envelope[:, rows_at(depth_mm)], orientation, "homogeneous", depth_mm)


def curve_of(envelopes, orientation: str, tissue: str, depth_mm: float) -> DecorrelationCurve:
    """Return the decorrelation of what is seen in stepped frames.

    Parameters
    ----------
    envelopes : numpy.ndarray (N, ...)
        `STEP_MM` apart.
    orientation, tissue : str
    depth_mm : float

    Returns
    -------
    DecorrelationCurve
    """
    measured = decorrelate(envelopes)
    distance_mm = STEP_MM * np.arange(len(measured))
    designed = checks.designed_decorrelation(distance_mm, PURE.elevational_fwhm_at(depth_mm))
    return DecorrelationCurve(orientation, tissue, depth_mm, distance_mm, measured, designed)


def _still_check(even: Appearance, field: SpeckleField) -> PhysicsCheck:
    """Return the correlation of two frames between which nothing moved."""
    poses = np.stack([looking_at("p_a")] * 2)
    db, _ = render_db(plain_scene(), poses, appearance=even, field=field)
    shared = float(checks.decorrelation(checks.to_envelope(db))[1])
    return PhysicsCheck("correlation without motion, noise off", "1", shared, 1.0, 0.9999, 1.0001)


def _shadow_checks(even: Appearance, field: SpeckleField) -> list[PhysicsCheck]:
    """Return transmission and echo behind bone, clutter and noise off."""
    poses = looking_at("p_a")[None]
    db, passed_db = render_db(bone_scene(), poses, appearance=even, field=field)
    over_bone = PURE.line_x_mm() < -7.0  # the bone's cranial half, well inside its edge
    behind = passed_db[0, rows_at(ORIGIN_DEPTH_MM + 4.0)][:, over_bone].max()
    before, after = (
        checks.to_envelope(db[0, rows_at(depth)][:, over_bone]).mean() for depth in (14.0, 30.0)
    )
    echo_db = 20 * np.log10(after / before)
    return [
        PhysicsCheck(
            "transmission 2 to 6 mm behind bone", "dB", float(behind), np.nan, np.nan, -20
        ),
        PhysicsCheck("echo behind bone against muscle", "dB", float(echo_db), np.nan, np.nan, -20),
    ]
