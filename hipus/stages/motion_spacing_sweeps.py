"""Sweeps of the cohort simulated once more at four times the frame rate. No stage of its own.

Decides that a sweep at another frame spacing is the same sweep: the same infant, hand, tracker
and speckle, the same stretch of it (cut at the recorded rate), and fewer of its frames. What is
simulated is kept in work/ and made again when anything it depends on has changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import geometry
from hipus.files import atomic_path, sha256
from hipus.motion import prepared_files
from hipus.motion.poses import mirrored
from hipus.motion.preparation import TURN, PreparedSweep, prepare
from hipus.motion.thinning import thinned
from hipus.parallel import in_worker, usable_cores
from hipus.phantom.acquisition.recorded import RecordedPoses
from hipus.phantom.anatomy.scenes import build_scene
from hipus.phantom.cohort import storage
from hipus.phantom.cohort.examination import (
    GEL_MM,
    draw_examination,
    draw_subject_hip,
    hip_of_sweep,
    record,
)
from hipus.phantom.cohort.plan import CohortPlan, SubjectPlan
from hipus.phantom.ultrasound.appearance import draw_appearance
from hipus.phantom.ultrasound.render import stream_sweep
from hipus.phantom.ultrasound.speckle import build_field
from hipus.stages.motion_judging import JudgedSweep
from hipus.sweep import Sweep
from hipus.sweep_cleaning import correct_flip

#: Frame rate relative to the recorded one.
FINER = 4
#: Every so many of the finer frames: a half and a quarter of the recorded spacing come last.
STRIDES = (4, 2, 1)


@dataclass(frozen=True, eq=False)
class SpacingCase:
    """One sweep to simulate.

    Attributes
    ----------
    plan : SubjectPlan
    sweep : dict
        A row of the plan.
    input_px : int
    reference_picture : numpy.ndarray (P, P) or None
        For a sweep that is to be predicted: tells a turned probe. None: poses tell.
    """

    plan: SubjectPlan
    sweep: dict
    input_px: int
    reference_picture: np.ndarray | None = None

    def __str__(self) -> str:
        """Return the case's name in messages."""
        return f"{self.plan.subject_id}/{self.sweep['sweep_id']}"

    def files(self, folder: Path) -> tuple[Path, Path]:
        """Return the files of the prepared sweep and of its truth, by all they depend on."""
        depends = [storage.sweep_key(self.plan, self.sweep), FINER, self.input_px, *_code()]
        digest = hashlib.sha256(json.dumps(depends).encode())
        if self.reference_picture is not None:
            digest.update(np.ascontiguousarray(self.reference_picture).tobytes())
        stem = f"{self.sweep['sweep_id']}-{digest.hexdigest()[:16]}"
        home = folder / self.plan.subject_id
        return home / f"{stem}.npz", home / f"{stem}-truth.npz"


def chosen_cases(
    plan: CohortPlan, rows: pd.DataFrame, *, subjects: int, input_px: int, pictures=None
) -> list[SpacingCase]:
    """Choose subjects evenly, and one p_a and one p_d sweep of each, sides in turn.

    Parameters
    ----------
    plan : CohortPlan
    rows : pandas.DataFrame
        Sweeps to choose from, as `motion_data.sweep_rows` returns them.
    subjects : int
        At most.
    input_px : int
    pictures : mapping of sweep type to numpy.ndarray (P, P), optional
        For sweeps that are to be predicted.

    Returns
    -------
    list of SpacingCase
        Fewer than two of a subject whose sweeps on that side are not among the rows.
    """
    names = sorted(rows.subject_id.unique())
    places = np.linspace(0, len(names) - 1, min(subjects, len(names))).round().astype(int)
    cases = []
    for turn, place in enumerate(places):
        subject, side = plan.subject(names[place]), ("left", "right")[turn % 2]
        own = rows[(rows.subject_id == names[place]) & (rows.side == side)]
        for sweep in subject.sweeps:
            if sweep["sweep_id"] in set(own.sweep_id):
                picture = None if pictures is None else pictures[sweep["sweep_type"]]
                cases.append(SpacingCase(subject, sweep, input_px, picture))
    return cases


def make_finer(case: SpacingCase, *, folder: Path) -> None:
    """Simulate a sweep at the finer rate and keep it, unless that was done.

    Parameters
    ----------
    case : SpacingCase
    folder : Path
        Scratch.
    """
    prepared_file, truth_file = case.files(folder)
    if prepared_file.is_file() and truth_file.is_file():
        return
    recorded, sweep = simulate_finer(case.plan, case.sweep)
    prepared = prepare_finer(sweep, case)
    with atomic_path(truth_file) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, T_centre_to_hip=_hip_truth(recorded, prepared))
    prepared_files.save(prepared, prepared_file)


def simulate_finer(plan: SubjectPlan, sweep: dict) -> tuple[RecordedPoses, Sweep]:
    """Simulate one planned sweep at `FINER` times the frame rate of its session.

    Parameters
    ----------
    plan : SubjectPlan
    sweep : dict
        A row of the plan.

    Returns
    -------
    RecordedPoses
        With the truth.
    Sweep
        As a hospital would record it.

    Notes
    -----
    Every random stream is the cohort's own: infant, hand, tracker and scatterers are the same.
    Only the instants of the frames, and the electronic noise in them, are drawn anew.
    """
    exam = draw_examination(plan, sweep["session_id"], sweep["operator_id"])
    session = replace(exam.session, frame_rate_hz=FINER * exam.session.frame_rate_hz)
    hip = draw_subject_hip(plan, sweep["side"]).hip
    depth_mm = hip.shape.skin_height + GEL_MM
    recorded = record(plan, sweep, session=session, head_depth_mm=depth_mm)
    bent = hip_of_sweep(hip, recorded.plan.flexion_offset_deg)
    blocks = stream_sweep(
        build_scene(bent, spacing_mm=plan.settings.scene_spacing_mm),
        recorded.T_image_to_hip,
        exam.settings,
        plan.rng("render", sweep["drawn_as"]),
        contact=recorded.contact,
        appearance=draw_appearance(plan.rng("appearance", sweep["side"])),
        field=build_field(plan.rng("speckle", sweep["session_id"]), exam.settings),
        threads=1 if in_worker() else usable_cores(),
    )
    return recorded, recorded.to_sweep(np.concatenate([block.frames for block in blocks]))


def prepare_finer(sweep: Sweep, case: SpacingCase) -> PreparedSweep:
    """Prepare a finer sweep: cut and turned as every fourth of its frames would be.

    Parameters
    ----------
    sweep : Sweep
        At the finer rate.
    case : SpacingCase

    Returns
    -------
    PreparedSweep
        Of 4 (N - 1) + 1 frames, where N are left at the recorded rate.
    """
    side, kind = case.sweep["side"], case.sweep["sweep_type"]
    usual = prepare(
        _every(sweep, FINER),
        input_px=case.input_px,
        side=side,
        sweep_type=kind,
        from_pictures=case.reference_picture is not None,
        reference_picture=case.reference_picture,
    )
    first = FINER * usual.first_frame
    cut = sweep.select(slice(first, first + FINER * (len(usual) - 1) + 1))
    cut = correct_flip(cut) if usual.is_flipped else cut
    # Without a type it is taken whole and not judged again.
    fine = prepare(
        cut,
        input_px=case.input_px,
        side=side,
        subject_id=case.plan.subject_id,
        sweep_id=case.sweep["sweep_id"],
    )
    return replace(fine, sweep_type=kind, is_flipped=usual.is_flipped, first_frame=first)


def judged_cases(cases: Sequence[SpacingCase], folder: Path, *, stride: int) -> list[JudgedSweep]:
    """Return simulated sweeps at one spacing, with both truths.

    Parameters
    ----------
    cases : sequence of SpacingCase
        Made before, by `make_finer`.
    folder : Path
    stride : int

    Returns
    -------
    list of JudgedSweep
    """
    found = []
    for case in cases:
        prepared_file, truth_file = case.files(folder)
        sweep = thinned(prepared_files.load(prepared_file), stride)
        with np.load(truth_file) as truth:
            T_centre_to_hip = truth["T_centre_to_hip"][::stride]
        truths = {"vs_tracker": sweep.T_centre_to_world, "vs_hip": T_centre_to_hip}
        found.append(JudgedSweep(sweep, truths))
    return found


def _hip_truth(recorded: RecordedPoses, prepared: PreparedSweep) -> np.ndarray:
    """Return where the pictures of a prepared sweep truly lay, cut, turned and mirrored as it."""
    height, width = prepared.frames.shape[1:]
    T_pixel_to_image = recorded.session.T_pixel_to_image((height, width))
    middle = geometry.apply(T_pixel_to_image, np.array([(width - 1) / 2, (height - 1) / 2, 0.0]))
    kept = slice(prepared.first_frame, prepared.first_frame + len(prepared))
    T = geometry.compose(recorded.T_image_to_hip[kept], geometry.transform(None, middle))
    T = geometry.compose(T, TURN) if prepared.is_flipped else T
    return mirrored(T) if prepared.is_mirrored else T


def _every(sweep: Sweep, stride: int) -> Sweep:
    """Return every so many frames of a recording; the inertial log stays whole."""
    return replace(
        sweep,
        frames=np.asarray(sweep.frames[:])[::stride],
        time_s=sweep.time_s[::stride],
        T_probe_to_reference=sweep.T_probe_to_reference[::stride],
        is_valid=sweep.is_valid[::stride],
    )


def _code() -> list[str]:
    """Return what the code is that prepares finer sweeps, beside what `storage` knows."""
    here = Path(__file__)
    family = Path(prepared_files.__file__).parent
    names = ("attitude", "cleaning", "flow", "imu", "poses", "preparation", "stillness")
    return [sha256(path) for path in (here, *(family / f"{name}.py" for name in names))]
