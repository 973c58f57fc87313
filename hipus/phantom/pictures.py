"""Simulated standard planes of many infants, to be compared with real pictures.

Decides which planes are looked at, and what counts as muscle, shadow and head in them.
Deliberately loads no real picture; what was measured on real stills stands here as numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter

from hipus import seeds
from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.parameters import HipParameters
from hipus.phantom.anatomy.population import draw_parameters
from hipus.phantom.anatomy.scenes import build_scene
from hipus.phantom.ultrasound import checks, guides, plain_scenes, scan, study
from hipus.phantom.ultrasound.appearance import draw_appearance
from hipus.phantom.ultrasound.examination import Examination, prepare, render_native
from hipus.phantom.ultrasound.settings import INSONIFIED_DB, ProbeSettings, draw_settings
from hipus.phantom.ultrasound.speckle import SpeckleField, build_field
from hipus.phantom.ultrasound.study import DecorrelationCurve

REGIONS = ("muscle", "shadow", "head")
#: Five open still cases, measured by a feasibility study on regions drawn by hand: mean grey,
#: and the SD of what is finer than 1 mm (SIMULATION.md A4).
REAL_GREY = {"muscle": 82.0, "shadow": 34.0, "head": 39.0}
REAL_TEXTURE_SD = {"muscle": 35.9, "shadow": 7.3, "head": 13.5}
TEXTURE_MM = 1.0
#: Distance between skin and face, and how a hand misses the standard plane, mm (assumed).
GEL_MM, OFF_PLANE_MM, OFF_CENTRE_MM = (0.2, 1.0), 1.0, 2.0
SCENE_SPACING_MM = 0.5
#: Every so many infants has a hip of type IIa, the others Ib (published: 13 of 100 hips).
IIA_EVERY = 7


@dataclass(frozen=True)
class StandardPlane:
    """One simulated picture, and what it shows where.

    Attributes
    ----------
    picture : numpy.ndarray (H, W) uint8
        The sonogram without the margins beside the footprint.
    pixel_mm : float
    grey, texture_sd : dict of str to float
        Of `REGIONS`, before scan conversion; NaN where a region is not in the picture.
    """

    picture: np.ndarray
    pixel_mm: float
    grey: dict[str, float]
    texture_sd: dict[str, float]


def simulate_planes(
    infants: Iterable[int], seed: int, *, probe: ProbeSettings | None = None
) -> list[StandardPlane]:
    """Simulate one standard plane of each of some infants, none of the cohort.

    Parameters
    ----------
    infants : iterable of int
        Numbers from 0; a number is the same infant whichever others are asked for.
    seed : int
        The study's.
    probe : ProbeSettings, optional
        Frame size and native grid; depth, gain and noise are drawn for each.

    Returns
    -------
    list of StandardPlane
    """
    probe = probe or ProbeSettings()
    deepest = replace(probe, depth_mm=50.0)
    field = build_field(seeds.generator(seed, "pictures", "speckle"), deepest)
    return [_plane(index, seed, probe, field) for index in infants]


def _plane(index: int, seed: int, probe: ProbeSettings, field: SpeckleField) -> StandardPlane:
    """Simulate one infant's picture."""
    rng = seeds.generator(seed, "pictures", index)
    graf_type = "IIa" if index % IIA_EVERY == IIA_EVERY - 1 else "Ib"
    hip = Hip(draw_parameters(rng, side="left", graf_type=graf_type, sex="fm"[index % 2]))
    settings = draw_settings(rng, probe)
    pose = _pose(rng, hip)
    scene = build_scene(hip, spacing_mm=SCENE_SPACING_MM)
    exam = prepare(scene, pose[None], settings, rng, field=field)
    noise_start = rng.integers(0, field.values.shape[:3])
    db, passed_db = render_native(exam, pose, noise_start=tuple(noise_start))
    grey = scan.map_grey(db, settings)
    regions = find_regions(exam, pose, passed_db)
    fine = grey - gaussian_filter(
        grey, (TEXTURE_MM / settings.sample_pitch_mm, TEXTURE_MM / settings.line_pitch_mm)
    )
    picture = (scan.scan_convert(grey, settings) + np.float32(0.5)).astype(np.uint8)
    return StandardPlane(
        picture=_without_margins(picture, settings),
        pixel_mm=settings.pixel_mm,
        grey={name: _of(np.mean, grey[where]) for name, where in regions.items()},
        texture_sd={name: _of(np.std, fine[where]) for name, where in regions.items()},
    )


def _of(measure, values: np.ndarray) -> float:
    """Return a measure of some values, NaN of none."""
    return float(measure(values)) if values.size else np.nan


def _pose(rng: np.random.Generator, hip: Hip) -> np.ndarray:
    """Return where a hand looks at the standard plane of a left hip, T_image_to_hip (4, 4)."""
    T = plain_scenes.looking_at("p_a")
    T[:3, 3] = [
        hip.shape.skin_height + rng.uniform(*GEL_MM),
        OFF_PLANE_MM * rng.standard_normal(),
        OFF_CENTRE_MM * rng.standard_normal(),
    ]
    return T


def _without_margins(picture: np.ndarray, settings: ProbeSettings) -> np.ndarray:
    """Return the columns below the footprint."""
    beside = max((picture.shape[1] - settings.footprint_mm / settings.pixel_mm) / 2, 0)
    margin = int(np.ceil(beside))
    return np.ascontiguousarray(picture[:, margin : picture.shape[1] - margin])


def find_regions(exam: Examination, T_image_to_hip, passed_db: np.ndarray) -> dict:
    """Return where muscle, shadow and head are in a picture's native grid.

    Parameters
    ----------
    exam : Examination
    T_image_to_hip : numpy.ndarray (4, 4)
    passed_db : numpy.ndarray (samples, lines)
        Transmission, as `render_native` returns it.

    Returns
    -------
    dict of str to numpy.ndarray (samples, lines) bool
        Muscle lies 6 to 15 mm below the skin, away from joint and bone and out of shadow;
        shadow 2 to 12 mm behind a bone's front; head deeper than 1.5 mm within the head.
    """
    skin, capsule, head, bone = (
        _on_native_grid(exam, T_image_to_hip, row)
        for row in (guides.SKIN, guides.CAPSULE, guides.HEAD, guides.BONE)
    )
    muscle = (skin > 6) & (skin < 15) & (capsule > 1) & (bone > 1.5) & (passed_db > -6)
    is_dark = passed_db < INSONIFIED_DB
    front = np.where(is_dark.any(axis=0), is_dark.argmax(axis=0), 10**6)
    behind_mm = (np.arange(len(skin))[:, None] - front) * exam.settings.sample_pitch_mm
    return {
        "muscle": muscle,
        "shadow": (behind_mm > 2) & (behind_mm < 12),
        "head": head < -1.5,
    }


def _on_native_grid(exam: Examination, T_image_to_hip, row: int) -> np.ndarray:
    """Return one guide on the native grid, by repetition."""
    grid = guides.lattice(exam.settings)
    coarse = guides.sample_guides(
        exam.packed, exam.appearance, exam.settings, T_image_to_hip=T_image_to_hip
    )[:, row]
    fine = np.repeat(np.repeat(coarse, grid.row_step, 0), grid.line_step, 1)
    return fine[: exam.settings.sample_count, : exam.settings.line_count]


def decorrelation_in_a_hip(rng: np.random.Generator) -> list[DecorrelationCurve]:
    """Measure how a hip's tissues decorrelate out of plane, in both orientations.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    list of DecorrelationCurve
        Muscle, whose layers run on out of plane, and head. Designed is homogeneous tissue at
        the region's mean depth.
    """
    hip = Hip(HipParameters())
    packed = guides.pack_scene(build_scene(hip, spacing_mm=SCENE_SPACING_MM))
    appearance, field = draw_appearance(rng), build_field(rng, study.PURE)
    curves = []
    for orientation in ("p_a", "p_d"):
        middle = plain_scenes.looking_at(orientation)
        middle[0, 3] = hip.shape.skin_height + GEL_MM[0]
        offsets = (np.arange(study.FRAMES) - study.FRAMES / 2) * study.STEP_MM
        poses = plain_scenes.stepped(middle, offsets)
        db, passed_db = study.render_db(packed, poses, appearance=appearance, field=field)
        exam = prepare(packed, poses, study.PURE, rng, appearance=appearance, field=field)
        regions = find_regions(exam, middle, passed_db[study.FRAMES // 2])
        for tissue in ("muscle", "head"):
            where = regions[tissue]
            depth_mm = float(study.PURE.sample_y_mm()[np.nonzero(where)[0]].mean())
            envelopes = checks.to_envelope(db[:, where])
            curves.append(study.curve_of(envelopes, orientation, tissue, depth_mm))
    return curves
