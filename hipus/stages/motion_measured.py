"""Every arm's errors on one sweep: rows of `motion_errors` and `motion_tusrec`. No stage.

Decides which landmarks the TUS-REC scores are taken at (nobody marked any in a simulated or a
hospital's sweep) and how the tracker's own error is told: it is a floor under what any arm can
reach `_vs_tracker`. Deliberately predicts nothing and summarises nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from hipus.formats.tusrec import Landmarks
from hipus.motion import drift
from hipus.motion.poses import chain
from hipus.motion.prediction import StepPrediction
from hipus.motion.preparation import PreparedSweep
from hipus.motion.sweep_rows import SweepKey, sweep_row
from hipus.motion.tusrec_scores import identity_errors, normalised, point_errors
from hipus.parallel import map_cases
from hipus.seeds import generator
from hipus.stages.motion_data import PROTOCOL
from hipus.stages.motion_judging import JudgedSweep

#: Landmarks of a sweep, and the share of its brightest pixels that they are drawn from.
LANDMARKS, BRIGHTEST = 20, 0.01


@dataclass(frozen=True, eq=False)
class Case:
    """One sweep with all that is said and known of its poses; without its pictures.

    Attributes
    ----------
    subject_id, sweep_id, sweep_type, side, variant : str
    truths : mapping of str to numpy.ndarray (N, 4, 4)
    T_predicted : mapping of str to numpy.ndarray (N, 4, 4)
        By arm, in the first frame's axes.
    shape_hw : tuple of 2 int
        Of a picture, px.
    T_pixel_to_centre : numpy.ndarray (4, 4)
    landmarks : Landmarks
    """

    subject_id: str
    sweep_id: str
    sweep_type: str
    side: str
    variant: str
    truths: Mapping[str, np.ndarray]
    T_predicted: Mapping[str, np.ndarray]
    shape_hw: tuple[int, int]
    T_pixel_to_centre: np.ndarray
    landmarks: Landmarks

    def __str__(self) -> str:
        """Return the case's name in messages."""
        return f"{self.subject_id}/{self.sweep_id}"


@dataclass(frozen=True)
class Measured:
    """What one sweep gives.

    Attributes
    ----------
    rows : list of dict
        Of `motion_errors`.
    scores : list of dict
        Of `motion_tusrec`; none for a variant of the protocol.
    floor_mm, floor_deg : numpy.ndarray (K,)
        Length of the difference of tracked and true steps; empty without truth.
    """

    rows: list[dict]
    scores: list[dict]
    floor_mm: np.ndarray
    floor_deg: np.ndarray


def case_of(
    judged: JudgedSweep, said: Mapping[str, StepPrediction], *, variant: str, seed: int
) -> Case:
    """Return the case of a predicted sweep.

    Parameters
    ----------
    judged : JudgedSweep
    said : mapping of str to StepPrediction
        By arm.
    variant : str
    seed : int
        The study's: landmarks are drawn from it.

    Returns
    -------
    Case
    """
    sweep = judged.sweep
    rng = generator(seed, "motion", "landmarks", sweep.subject_id, sweep.sweep_id)
    return Case(
        subject_id=sweep.subject_id,
        sweep_id=sweep.sweep_id,
        sweep_type=sweep.sweep_type,
        side=sweep.side,
        variant=variant,
        truths={name: np.asarray(T) for name, T in judged.truths.items()},
        T_predicted={arm: chain(one.T_next_to_previous) for arm, one in said.items()},
        shape_hw=sweep.frames.shape[1:],
        T_pixel_to_centre=pixel_to_centre(sweep),
        landmarks=bright_landmarks(sweep, rng),
    )


def measure_all(cases: Sequence[Case]) -> list[Measured]:
    """Measure every case, in their order."""
    return map_cases(measure, cases, progress="errors of every arm", name=str)


def measure(case: Case) -> Measured:
    """Measure every arm on one sweep.

    Parameters
    ----------
    case : Case

    Returns
    -------
    Measured
    """
    rows = []
    for arm, T_predicted in case.T_predicted.items():
        known = (arm, case.subject_id, case.sweep_id, case.sweep_type, case.side)
        for truth, T_true in case.truths.items():
            key = SweepKey(*known, truth=truth, variant=case.variant)
            rows.append(sweep_row(T_predicted, T_true, key=key))
    scores = tusrec_rows(case) if case.variant == PROTOCOL else []
    return Measured(rows, scores, *_floor(case))


def tusrec_rows(case: Case) -> list[dict]:
    """Return the TUS-REC errors and normalised scores of every arm, against the tracker.

    Parameters
    ----------
    case : Case

    Returns
    -------
    list of dict
        Columns of `motion_tusrec`; `landmark_count` says how many there were.
    """
    T_true = case.truths["vs_tracker"]
    options = {"T_pixel_to_frame": case.T_pixel_to_centre, "shape_hw": case.shape_hw}
    options |= {"landmarks": _scored(case.landmarks, T_true)}
    errors = partial(point_errors, T_true=T_true, **options)
    largest = identity_errors(T_true, **options)
    rows = []
    for arm, T_predicted in case.T_predicted.items():
        found = errors(T_predicted)
        key = {"arm": arm, "subject_id": case.subject_id, "sweep_id": case.sweep_id}
        key |= {"sweep_type": case.sweep_type}
        count = {"landmark_count": len(options["landmarks"].frame_index)}
        rows.append({**key, **asdict(found), **asdict(normalised(found, largest)), **count})
    return rows


def pixel_to_centre(sweep: PreparedSweep) -> np.ndarray:
    """Return T_pixel_to_centre (4, 4) of a prepared sweep's full-size frames, mm."""
    height, width = sweep.frames.shape[1:]
    x_mm, y_mm = sweep.pixel_spacing_xy_mm
    T = np.diag([x_mm, y_mm, 1.0, 1.0])
    T[:2, 3] = -(width - 1) / 2 * x_mm, -(height - 1) / 2 * y_mm
    return T


def bright_landmarks(sweep: PreparedSweep, rng: np.random.Generator) -> Landmarks:
    """Draw landmarks among the brightest pixels: where a reader would mark bone.

    Parameters
    ----------
    sweep : PreparedSweep
    rng : numpy.random.Generator

    Returns
    -------
    Landmarks
        `LANDMARKS` of them, of all frames but the first, which defines the alignment.
    """
    index = rng.integers(1, len(sweep), LANDMARKS)
    count = max(1, round(BRIGHTEST * sweep.frames[0].size))
    places = rng.integers(0, count, LANDMARKS)
    uv_px = []
    for frame, place in zip(sweep.frames[index], places, strict=True):
        pixel = np.argsort(frame, axis=None, kind="stable")[-1 - place]
        uv_px.append(divmod(pixel, frame.shape[1])[::-1])
    return Landmarks(index, np.array(uv_px, np.float64))


def _scored(landmarks: Landmarks, T_true: np.ndarray) -> Landmarks:
    """Return the landmarks of frames whose pose and the one before are tracked."""
    is_known = np.isfinite(T_true[:, 0, 0])
    first = np.flatnonzero(is_known)[0]
    index = landmarks.frame_index
    kept = is_known[index] & is_known[index - 1] & (index > first)
    return Landmarks(index[kept], landmarks.uv_px[kept])


def _floor(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths of the differences of tracked and true steps, mm and deg."""
    if "vs_hip" not in case.truths:
        return np.empty(0), np.empty(0)
    both = drift.from_first_frame(case.truths["vs_tracker"], case.truths["vs_hip"])
    found = drift.relative_errors(both)
    return found.distance_mm, found.angle_deg
