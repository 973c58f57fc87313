"""Stage `hip_fusion`: is a hip from two crossing sweeps better than from one of them?

Fuses the p_a and the p_d sweep of every test-only and dysplastic hip that has both, by predicted
and by tracked poses, labelled by truth and by model 3.2, and compares registration and drift
near the head before and after, Dice and measures of one sweep against two. Nothing here was
tuned on these subjects. Without truth or the trained network the stage is skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import SUBJECTS, SWEEPS, find_sweep
from hipus.parallel import map_cases
from hipus.stages import hip_fusion_tables as layout
from hipus.stages import mask_volumes, motion_data, runner
from hipus.stages.hip_cells import MODEL_ID, MODEL_MASKS
from hipus.stages.hip_fusion_hips import (
    COLUMNS,
    KEY,
    KINDS,
    HipPair,
    fuse_all_ways,
    measure_hip_pair,
)
from hipus.stages.hip_fusion_views import shown_hip, typical_hip
from hipus.stages.motion_volume_sweeps import has_truth
from hipus.stages.placed_sweeps import PREDICTED
from hipus.stages.segmentation_training import model_dir

log = logging.getLogger(__name__)

STAGE = "hip_fusion"
SUMMARY = "hip_fusion_summary"
COHORTS = ("test", "dysplastic")
EMPTY = {STAGE: COLUMNS, SUMMARY: layout.SUMMARY_COLUMNS}


def main(study: config.Study) -> Iterable[Path]:
    """Write tables, figure input and metrics; return the inputs."""
    pairs = pairs_of(study)
    if not (pairs and mask_volumes.is_trained(study.profile, MODEL_ID)):
        log.warning("%s SKIPPED: no hip has both sweeps and truth, or no model %s", STAGE, MODEL_ID)
        runner.write_empty(study, EMPTY)
        runner.write_figure_input(study, STAGE, {})
        tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))
        return []
    cohort = motion_data.cohort_of(study)
    work = partial(measure_hip_pair, study=study, cohort=cohort)
    found = map_cases(work, pairs, progress="fused hips")
    hips = pd.DataFrame([row for rows in found for row in rows], columns=COLUMNS)
    sizes = {"seed": study.common.seed, "resamples": study.hip_fusion.resamples}
    summary = layout.summary_table(hips, **sizes)
    runner.write_tables(study, {STAGE: (hips, KEY), SUMMARY: (summary, layout.SUMMARY_KEY)})
    runner.write_figure_input(study, STAGE, _shown(study, pairs, hips))
    metrics = layout.make_metrics(hips, summary)
    tables.write_metrics(metrics, paths.metrics_file(study.profile, STAGE))
    return _inputs(study, pairs)


def pairs_of(study: config.Study) -> list[HipPair]:
    """Return the hips that are fused.

    Parameters
    ----------
    study : Study
        At most `hip_fusion.hips` are taken, spread over the subjects.

    Returns
    -------
    list of HipPair
        Test-only and dysplastic hips with one usable sweep of each kind and truth, sorted.
    """
    rows = motion_data.sweep_rows(study, is_needed=False)
    rows = rows[rows.cohort.isin(COHORTS)]
    rows = rows[has_truth(motion_data.cohort_of(study), rows)]
    found = []
    for (subject_id, side), part in rows.groupby(["subject_id", "side"]):
        first = {kind: part[part.sweep_type == kind] for kind in KINDS}
        if all(len(one) for one in first.values()):
            first = {kind: one.iloc[0] for kind, one in first.items()}
            found.append(HipPair(subject_id, side, part.cohort.iloc[0], first))
    count = min(study.hip_fusion.hips, len(found))
    kept = np.unique(np.linspace(0, len(found) - 1, count).round().astype(int)) if count else []
    return [found[k] for k in kept]


def _shown(study: config.Study, pairs: Sequence[HipPair], hips: pd.DataFrame):
    """Return the figure input: sections of a typical hip."""
    wanted = typical_hip(hips)
    if wanted is None:
        return {}
    cohort = motion_data.cohort_of(study)
    pair = next(one for one in pairs if (one.subject_id, one.side) == wanted)
    made = fuse_all_ways(pair, study=study, cohort=cohort, poses=(PREDICTED,), masks=(MODEL_MASKS,))
    return shown_hip(made[0], pair, cohort)


def _inputs(study: config.Study, pairs: Sequence[HipPair]) -> list[Path]:
    """Return the files that were read."""
    cohort = motion_data.cohort_of(study).folder
    sweeps = {
        find_sweep(cohort, pair.subject_id, pair.rows[kind].sweep_id)
        for pair in pairs
        for kind in KINDS
    }
    model = set(model_dir(study.profile, MODEL_ID).iterdir())
    return [cohort / SUBJECTS, cohort / SWEEPS, *sorted(model | sweeps)]


if __name__ == "__main__":
    runner.run(STAGE, main)
