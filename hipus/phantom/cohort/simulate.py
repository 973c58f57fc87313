"""Simulate a cohort: subjects in parallel, each sweep once, resumable after a kill.

Decides the order of work and what is kept in memory: one subject's hips and sessions, and
the frames of one sweep. Deliberately decides no content (see `outputs`) and no place
(see `storage`).
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from hipus.files import write_text
from hipus.formats.cohort_layout import ABOUT, Cohort, read_cohort
from hipus.parallel import in_worker, map_cases, usable_cores
from hipus.phantom.acquisition.recorded import RecordedPoses
from hipus.phantom.anatomy.population import DrawnHip
from hipus.phantom.anatomy.scenes import build_scene
from hipus.phantom.cohort import outputs, storage
from hipus.phantom.cohort.examination import (
    GEL_MM,
    Examination,
    Labeller,
    draw_examination,
    draw_subject_hip,
    hip_of_sweep,
    record,
)
from hipus.phantom.cohort.plan import CohortPlan, SubjectPlan
from hipus.phantom.cohort.records import recorded_row, true_row, write_tables
from hipus.phantom.scene import Scene
from hipus.phantom.ultrasound.appearance import Appearance, draw_appearance
from hipus.phantom.ultrasound.render import stream_sweep
from hipus.phantom.ultrasound.speckle import SpeckleField, build_field

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SubjectSummary:
    """What was done for one subject.

    Attributes
    ----------
    subject_id : str
    made, kept : int
        Sweeps simulated now, and found finished.
    """

    subject_id: str
    made: int
    kept: int


def simulate_cohort(
    plan: CohortPlan, folder, *, workers: int | None = None, address: str | None = None
) -> Cohort:
    """Simulate all subjects of a plan and write the cohort's tables.

    Parameters
    ----------
    plan : CohortPlan
    folder : path-like
        Of the cohort. Finished sweeps in it are kept when they fit the plan, so that a
        killed run goes on where it was.
    workers, address : optional
        As for `hipus.parallel.map_cases`; a scheduler's workers must see the same folder.

    Returns
    -------
    Cohort

    Raises
    ------
    hipus.parallel.CaseError
        If a subject fails; its id is named. Finished sweeps stay.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    storage.remove_parts(folder)
    write_text(folder / ABOUT, '{"origin": "simulated"}\n')
    done = map_cases(
        partial(simulate_subject, folder=folder),
        plan.each(),
        workers=workers,
        address=address,
        progress="simulating subjects",
        name=lambda subject: subject.subject_id,
    )
    made, kept = sum(one.made for one in done), sum(one.kept for one in done)
    log.info("%d subjects: %d sweeps simulated, %d found finished", len(done), made, kept)
    write_tables(plan, folder)
    return read_cohort(folder)


def simulate_subject(plan: SubjectPlan, folder) -> SubjectSummary:
    """Simulate one subject's sweeps and write them with their truth.

    Parameters
    ----------
    plan : SubjectPlan
    folder : path-like
        Of the cohort.

    Returns
    -------
    SubjectSummary

    Raises
    ------
    OSError
        If the disk is full or cannot be written; sweeps before that are whole.
    """
    folder = Path(folder)
    keys = {sweep["sweep_id"]: storage.sweep_key(plan, sweep) for sweep in plan.sweeps}
    pending = []
    for sweep in plan.sweeps:
        manifest = storage.read_manifest(folder, plan.subject_id, sweep["sweep_id"])
        if manifest is None or manifest["key"] != keys[sweep["sweep_id"]]:
            pending.append(sweep)
    couch = _Couch(plan, folder)
    for sweep in pending:
        _simulate_sweep(couch, sweep, key=keys[sweep["sweep_id"]])
    return SubjectSummary(plan.subject_id, len(pending), len(plan.sweeps) - len(pending))


class _Couch:
    """What a subject's sweeps share, made when the first sweep needs it."""

    def __init__(self, plan: SubjectPlan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self._hips: dict[str, DrawnHip] = {}
        self._appearances: dict[str, Appearance] = {}
        self._sessions: dict[int, tuple[Examination, SpeckleField]] = {}

    @cached_property
    def has_labels(self) -> bool:
        """Return whether truth labels are written: not for subjects that only train motion."""
        return self.plan.subject["cohort"] != "training_only"

    def hip(self, side: str) -> DrawnHip:
        """Return the hip of a side."""
        if side not in self._hips:
            self._hips[side] = draw_subject_hip(self.plan, side)
        return self._hips[side]

    def appearance(self, side: str) -> Appearance:
        """Return the tissue of a side."""
        if side not in self._appearances:
            self._appearances[side] = draw_appearance(self.plan.rng("appearance", side))
        return self._appearances[side]

    def session(self, sweep: dict) -> tuple[Examination, SpeckleField]:
        """Return a sweep's session and scatterers, after describing the session on disk.

        One scatterer field serves a session: each sweep reads it at a place of its own.
        """
        number = sweep["session_id"]
        if number not in self._sessions:
            exam = draw_examination(self.plan, number, sweep["operator_id"])
            field = build_field(self.plan.rng("speckle", number), exam.settings)
            # Only one field is kept: sessions follow each other, and a field is large.
            self._sessions = {number: (exam, field)}
            outputs.write_session(self.folder, self.plan, number, exam.session)
        return self._sessions[number]


def _simulate_sweep(couch: _Couch, sweep: dict, *, key: str) -> None:
    """Record, render and write one sweep."""
    plan, drawn = couch.plan, couch.hip(sweep["side"])
    exam, field = couch.session(sweep)
    depth_mm = drawn.hip.shape.skin_height + GEL_MM
    recorded = record(plan, sweep, session=exam.session, head_depth_mm=depth_mm)
    hip = hip_of_sweep(drawn.hip, recorded.plan.flexion_offset_deg)
    scene = build_scene(hip, spacing_mm=plan.settings.scene_spacing_mm)
    labeller = Labeller(hip, scene) if couch.has_labels else None
    frames, masks = _render(couch, sweep, exam=exam, field=field, recorded=recorded, scene=scene,
                            labeller=labeller)  # fmt: skip
    reported = recorded.to_sweep(frames)
    names = storage.files_of(plan.subject_id, sweep["sweep_id"])
    is_tracked = bool(plan.subject["is_tracked"])
    with storage.sweep_folder(couch.folder, plan.subject_id, sweep["sweep_id"]) as part:
        sequence = outputs.to_sequence(reported, recorded, is_tracked=is_tracked)
        outputs.write_sequence(part / names.sweep, sequence)
        outputs.write_truth(part / names.truth, recorded)
        if labeller is not None:
            outputs.write_masks(part / names.masks, masks, reported)
            spacing_mm = plan.settings.volume_spacing_mm
            outputs.write_volume(part / names.volume, labeller, scene, spacing_mm=spacing_mm)
        content = {
            "key": key,
            "recorded": recorded_row(sweep, reported, is_tracked=is_tracked),
            "truth": true_row(sweep, recorded, hip),
            "hip": {"alpha_asked_deg": drawn.hip.parameters.alpha_deg} | asdict(drawn.truth),
        }
        storage.write_manifest(part, names, content)


def _render(
    couch: _Couch,
    sweep: dict,
    *,
    exam: Examination,
    field: SpeckleField,
    recorded: RecordedPoses,
    scene: Scene,
    labeller: Labeller | None,
):
    """Return the frames of a sweep and, where there are labels, their masks."""
    blocks = stream_sweep(
        scene,
        recorded.T_image_to_hip,
        exam.settings,
        couch.plan.rng("render", sweep["drawn_as"]),
        labels=labeller,
        contact=recorded.contact,
        appearance=couch.appearance(sweep["side"]),
        field=field,
        threads=1 if in_worker() else usable_cores(),
    )
    frames, masks = [], []
    for block in blocks:
        frames.append(block.frames)
        masks.append(block.masks)
    return np.concatenate(frames), np.concatenate(masks) if labeller else None
