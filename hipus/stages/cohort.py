"""Stage `cohort`: who is in the cohort, and what does a sweep contain?

A simulated cohort is made in `work/`, where a killed run goes on, and then placed in
`results/` as a whole; a hospital's own is taken from its folder. Both have the same layout,
and the same tables come out; truth, which a hospital has none of, stays empty there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from hipus import config, paths, tables
from hipus.formats.cohort_layout import (
    ABOUT,
    SUBJECT_KEY,
    SUBJECTS,
    SWEEPS,
    Cohort,
    find_sweep,
    read_cohort,
)
from hipus.intake import acceptances
from hipus.intake.identity import check_identity
from hipus.phantom.cohort.frozen import check_frozen
from hipus.phantom.cohort.plan import CohortPlan, plan_cohort
from hipus.phantom.cohort.settings import CohortSettings
from hipus.phantom.cohort.simulate import simulate_cohort
from hipus.phantom.cohort.storage import PART
from hipus.stages import (
    cohort_insonified,
    cohort_published,
    cohort_tables,
    cohort_views,
    runner,
)

log = logging.getLogger(__name__)

STAGE = "cohort"


def main(study: config.Study) -> Iterable[Path]:
    """Make or take the cohort, write tables, figure inputs and metrics; return the inputs."""
    target = paths.results_dir(study.profile) / STAGE
    is_simulated = study.cohort.source == "simulated"
    made = _simulated(study) if is_simulated else _taken(study)
    place(made.folder, target)
    if not is_simulated:
        _complete(target)
    cohort = read_cohort(target)
    content = cohort_tables.make_tables(cohort)
    runner.write_tables(study, content | {"cohort_sweeps": _told(*content["cohort_sweeps"])})
    if is_simulated:
        spacing_mm = study.cohort.volume_spacing_mm
        cohort_insonified.write_insonified(
            cohort, content["cohort_sweeps"][0], spacing_mm=spacing_mm
        )
    runner.write_figure_input(study, STAGE, cohort_views.collect(cohort, content))
    metrics = cohort_tables.metrics(cohort, content)
    tables.write_metrics(metrics, paths.metrics_file(study.profile, STAGE))
    return [*cohort_published.inputs(), *([] if is_simulated else _files(made))]


def _simulated(study: config.Study) -> Cohort:
    """Simulate the cohort, or what is missing of it; keep no other scratch of the profile."""
    check_frozen(study.common.simulation_sha256)
    plan = plan_cohort(CohortSettings.from_config(study.cohort), study.common.seed)
    folder = paths.work_dir(study.profile) / STAGE / plan_key(plan)
    for other in folder.parent.glob("*"):
        if other != folder:
            log.info("removing the scratch of other settings: %s", other.name)
            shutil.rmtree(other)
    return simulate_cohort(plan, folder)


def plan_key(plan: CohortPlan) -> str:
    """Return a name for a plan's scratch folder: other sizes or seeds have another one.

    Parameters
    ----------
    plan : CohortPlan

    Returns
    -------
    str
        16 hexadecimal digits. What a single sweep depends on is in the sweep's own key.
    """
    listed = [getattr(plan, name).to_csv() for name in ("subjects", "hips", "sweeps")]
    content = json.dumps([asdict(plan.settings), plan.seed, listed], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _taken(study: config.Study) -> Cohort:
    """Return the hospital's cohort, checked; one that still looks identified is refused."""
    folder = paths.root() / study.cohort.path
    cohort = read_cohort(folder)
    for one in check_identity(folder):
        log.info("accepted by %s: %s", acceptances.FILE, one.name)
    log.info("%d sweeps of %d subjects in %s", len(cohort.sweeps), len(cohort.subjects), folder)
    return cohort


def _complete(folder: Path) -> None:
    """State in the placed cohort what a hospital left out: nobody is labelled, all are tested.

    The hospital's own folder stays as it is.
    """
    subjects = read_cohort(folder).subjects
    stated = {"is_labelled_2d": 0, "is_labelled_3d": 0, "split": "test"}
    absent = {name: value for name, value in stated.items() if name not in subjects}
    if absent:
        log.info("not stated of subjects, taken: %s", absent)
        tables.write(subjects.assign(**absent), folder / SUBJECTS, key=SUBJECT_KEY)


def _told(sweeps, key: list[str]):
    """Return the table of sweeps without its columns of truth where there is no truth at all.

    An empty column would be taken for sweeps of an unknown variant; stages take a table that
    lacks it for one of protocol sweeps.
    """
    true = [name for name in sweeps if name.startswith("truth_")]
    return (sweeps if sweeps[true].notna().any(axis=None) else sweeps.drop(columns=true)), key


def _files(cohort: Cohort) -> list[Path]:
    """Return what was read of a hospital's cohort."""
    named = [cohort.folder / name for name in (SUBJECTS, SWEEPS, ABOUT, acceptances.FILE)]
    sessions = sorted(cohort.folder.glob("*/session_*.json"))
    sweeps = [
        find_sweep(cohort.folder, row.subject_id, row.sweep_id)
        for row in cohort.sweeps.itertuples()
    ]
    return [path for path in [*named, *sessions, *sweeps] if path.is_file()]


def place(source, target) -> None:
    """Put a folder's files in another place as a whole, without a second copy of them.

    Parameters
    ----------
    source, target : path-like
        On one file system the files get a second name (hard links), else they are copied.
        What was at `target` is replaced when all files are there.

    Notes
    -----
    Nothing may write into the files of either folder; replacing them by others is safe.
    """
    target = Path(target)
    part, old = (target.with_name(f".{kind}.{target.name}") for kind in ("part", "old"))
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    hidden = shutil.ignore_patterns(f"{PART}*")
    shutil.copytree(source, part, copy_function=_link, ignore=hidden)
    if target.exists():
        os.replace(target, old)
    os.replace(part, target)
    shutil.rmtree(old, ignore_errors=True)


def _link(source: str, target: str) -> None:
    """Give a file a second name, or copy it where that cannot be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


if __name__ == "__main__":
    runner.run(STAGE, main)
