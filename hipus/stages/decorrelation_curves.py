"""Stage `decorrelation_curves`: how speckle decorrelates along the thesis' four motions.

Short pieces of linear, fast-and-slow, sector and loop motions are simulated without tremor, in
homogeneous tissue and in a hip; patches of every frame are correlated with the first frame's.
Physics alone: one look, no noise, no grey map. What is shown is simulated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from hipus import config, geometry, paths, tables
from hipus.parallel import map_cases
from hipus.phantom.acquisition.courses import THESIS_COURSES, course_displacement, draw_progress
from hipus.phantom.acquisition.smooth_motion import SmoothMotion
from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.parameters import HipParameters
from hipus.phantom.anatomy.scenes import build_scene
from hipus.phantom.cohort.frozen import check_frozen
from hipus.phantom.pictures import GEL_MM, SCENE_SPACING_MM
from hipus.phantom.ultrasound import checks, plain_scenes
from hipus.phantom.ultrasound.appearance import draw_appearance
from hipus.phantom.ultrasound.speckle import build_field
from hipus.phantom.ultrasound.study import PURE, render_db
from hipus.seeds import generator
from hipus.stages import runner

STAGE = "decorrelation_curves"
TABLE = "decorrelation_motion"
TISSUES = ("homogeneous", "hip")
KEY = ["tissue", "motion", "patch_row", "patch_column", "frame"]
COLUMNS = [*KEY, "depth_mm", "distance_mm", "correlation", "theory"]
#: Way of the picture's centre, and part of a sector's fan: a few correlation lengths. The
#: travel of whole sweeps decorrelates within two frames.
TRAVEL_MM, SECTOR_SHARE = 2.5, 0.1
#: Duration that the changes of speed are drawn for; nothing else depends on time.
DURATION_S = 4.0
#: Depths in a patch at which its distance and theory are taken.
POINTS = 9
#: Height of the pictures kept for the figure, px, and their range, dB.
PICTURE_ROWS, PICTURE_DB = 200, 50.0


@dataclass(frozen=True)
class CurvePiece:
    """Patches of a short sweep against its first frame.

    Attributes
    ----------
    depth_mm : numpy.ndarray (R,)
        Of the patches' centres.
    distance_mm : numpy.ndarray (N, R, C)
        Of each patch's centre from the first frame's plane; signed.
    correlation : numpy.ndarray (N, R, C)
    theory : numpy.ndarray (N, R, C)
        Of fully developed speckle, mean over the depths of each patch: in a sector they lie
        at different distances.
    """

    depth_mm: np.ndarray
    distance_mm: np.ndarray
    correlation: np.ndarray
    theory: np.ndarray


def main(study: config.Study) -> Iterable[Path]:
    """Write the curves, one picture of each tissue and the metrics."""
    check_frozen(study.common.simulation_sha256)
    sizes = study.decorrelation_curves
    grid = (sizes.patch_rows, sizes.patch_columns)
    simulate = partial(_tissue, seed=study.common.seed, frames=sizes.frames, grid=grid)
    measured = map_cases(simulate, TISSUES)
    rows = [rows_of(*one) for pieces, _ in measured for one in pieces]
    table = pd.concat(rows, ignore_index=True)[COLUMNS]
    runner.write_tables(study, {TABLE: (table, KEY)})
    pictures = dict(zip(TISSUES, [picture for _, picture in measured], strict=True))
    runner.write_figure_input(study, TABLE, pictures)
    tables.write_metrics(metrics(table), paths.metrics_file(study.profile, STAGE))
    return []


def motion_poses(motion: str, rng: np.random.Generator, frames: int) -> np.ndarray:
    """Return the displacements of a short piece of a motion from its middle.

    Parameters
    ----------
    motion : str
        One of `courses.THESIS_COURSES`.
    rng : numpy.random.Generator
        Draws where fast and slow parts lie.
    frames : int

    Returns
    -------
    numpy.ndarray (N, 4, 4) float64
        In the middle picture's frame, about its centre; no tremor, no drift.
    """
    share = np.linspace(0, 1, 20 * frames)
    progress = draw_progress(rng, share, DURATION_S, motion, variation=0.0)
    progress = np.interp(np.linspace(0, 1, frames), share, progress)
    if motion == "sector":
        progress = 0.5 + SECTOR_SHARE * (progress - 0.5)
    offset, turn = course_displacement(motion, progress, TRAVEL_MM, PURE.depth_mm)
    centre = np.array([0.0, PURE.depth_mm / 2, 0.0])
    time_s = np.linspace(0, DURATION_S, frames)
    return SmoothMotion(time_s, offset, turn, centre).at(time_s)


def correlate_with_first(
    envelopes: np.ndarray, poses: np.ndarray, *, grid: tuple[int, int]
) -> CurvePiece:
    """Correlate patches of each frame with the first frame's.

    Parameters
    ----------
    envelopes : numpy.ndarray (N, samples, lines)
        On the native grid of `study.PURE`.
    poses : numpy.ndarray (N, 4, 4)
        Image poses in any common frame.
    grid : tuple of 2 int
        Patches down and across.

    Returns
    -------
    CurvePiece

    Notes
    -----
    Motion within the plane is undone as the poses say (cubic interpolation), so that only
    what is out of plane decorrelates: a loop comes back to 1 where it closes.
    """
    T_to_first = geometry.relative(poses[0], poses)
    still = [_stilled(one, T) for one, T in zip(envelopes, T_to_first, strict=True)]
    parts = [_patches(one, grid) for one in still]
    correlation = [[_alike(*pair) for pair in zip(parts[0], one, strict=True)] for one in parts]
    depth, points = _points(envelopes.shape[1:], grid)
    distance = geometry.apply(T_to_first[:, None, None], points)[..., 2]
    theory = checks.designed_decorrelation(distance, PURE.elevational_fwhm_at(points[..., 1]))
    return CurvePiece(
        depth_mm=depth,
        distance_mm=distance.mean(axis=-1),
        correlation=np.reshape(correlation, (-1, *grid)),
        theory=theory.mean(axis=-1),
    )


def rows_of(tissue: str, motion: str, piece: CurvePiece) -> pd.DataFrame:
    """Return the rows of one motion in one tissue.

    Parameters
    ----------
    tissue, motion : str
    piece : CurvePiece

    Returns
    -------
    pandas.DataFrame
        Theory is NaN in a hip: it holds for fully developed speckle alone.
    """
    frame, row, column = (axis.ravel() for axis in np.indices(piece.correlation.shape))
    return pd.DataFrame(
        {
            "tissue": tissue,
            "motion": motion,
            "patch_row": row,
            "patch_column": column,
            "frame": frame,
            "depth_mm": piece.depth_mm[row],
            "distance_mm": np.abs(piece.distance_mm).ravel(),
            "correlation": piece.correlation.ravel(),
            "theory": piece.theory.ravel() if tissue == "homogeneous" else np.nan,
        }
    )


def metrics(table: pd.DataFrame) -> dict[str, float]:
    """Return the deviation from theory, and at which distance half is left.

    Parameters
    ----------
    table : pandas.DataFrame
        Table `decorrelation_motion`.

    Returns
    -------
    dict of str to float
        Root mean square over patches and frames of each motion in homogeneous tissue; median
        distance at which a tissue's linear curve is about one half (0.4 to 0.6).
    """
    found = {}
    for motion, part in table[table.tissue == "homogeneous"].groupby("motion"):
        off = part.correlation - part.theory
        found[f"{motion}_rms_from_theory_correlation"] = float(np.sqrt((off**2).mean()))
    for tissue, part in table[table.motion == "linear"].groupby("tissue"):
        half = part[part.correlation.between(0.4, 0.6)]
        found[f"{tissue}_half_distance_mm"] = float(half.distance_mm.median())
    return found


def _tissue(tissue: str, *, seed: int, frames: int, grid: tuple[int, int]):
    """Return (tissue, motion, curves) of each motion, and the first picture."""
    rng = generator(seed, STAGE, tissue)
    field = build_field(rng, PURE)
    middle = plain_scenes.looking_at("p_a")
    if tissue == "homogeneous":
        scene, appearance = plain_scenes.plain_scene(), plain_scenes.even_appearance()
    else:
        hip = Hip(HipParameters())
        middle[0, 3] = hip.shape.skin_height + GEL_MM[0]
        scene, appearance = build_scene(hip, spacing_mm=SCENE_SPACING_MM), draw_appearance(rng)
    pieces = []
    for place, motion in enumerate(THESIS_COURSES):
        poses = middle @ motion_poses(motion, rng, frames)
        db, _ = render_db(scene, poses, appearance=appearance, field=field, place=place)
        piece = correlate_with_first(checks.to_envelope(db), poses, grid=grid)
        pieces.append((tissue, motion, piece))
    return pieces, _picture(db[0])


def _picture(db: np.ndarray) -> np.ndarray:
    """Return a small grey picture (rows, columns) uint8 of an amplitude in dB."""
    grey = 255 * np.clip((db - np.percentile(db, 99.5)) / PICTURE_DB + 1, 0, 1)
    columns = round(PICTURE_ROWS * PURE.footprint_mm / PURE.depth_mm)
    small = cv2.resize(grey, (columns, PICTURE_ROWS), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8)


def _points(shape: tuple[int, int], grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return patch depths (R,) and points down each patch's middle line (R, C, K, 3), mm."""
    across = [PURE.line_x_mm()[columns].mean() for columns in _parts(shape[1], grid[1])]
    down = np.array([PURE.sample_y_mm()[rows][[0, -1]] for rows in _parts(shape[0], grid[0])])
    depths = np.linspace(down[:, 0], down[:, 1], POINTS, axis=1)
    points = np.zeros((*grid, POINTS, 3))
    points[..., 0] = np.array(across)[:, None]
    points[..., 1] = depths[:, None]
    return depths.mean(axis=1), points


def _parts(count: int, parts: int) -> list[slice]:
    """Return even parts of an axis."""
    edges = np.linspace(0, count, parts + 1).round().astype(int)
    return [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def _patches(frame: np.ndarray, grid: tuple[int, int]) -> list[np.ndarray]:
    """Return the patches of a frame, row by row."""
    rows, columns = _parts(frame.shape[0], grid[0]), _parts(frame.shape[1], grid[1])
    return [frame[a, b].ravel() for a in rows for b in columns]


def _stilled(envelope: np.ndarray, T_to_first: np.ndarray) -> np.ndarray:
    """Return a frame read where the first frame's points are projected onto its plane."""
    to_mm = np.diag([PURE.line_pitch_mm, PURE.sample_pitch_mm, 1.0])
    to_mm[0, 2] = PURE.line_x_mm()[0]
    projected = np.eye(3)
    projected[:2] = geometry.invert(T_to_first)[:2][:, [0, 1, 3]]
    matrix = np.linalg.inv(to_mm) @ projected @ to_mm
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    frame = envelope.astype(np.float32)
    return cv2.warpAffine(frame, matrix[:2], frame.shape[::-1], flags=flags)


def _alike(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two patches."""
    return float(np.corrcoef(first, second)[0, 1])


if __name__ == "__main__":
    runner.run(STAGE, main)
