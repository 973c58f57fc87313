"""Stage `first_round_masks`: model 3.1 labels all volumes that raters will correct next.

Its masks are where the second round of correction starts (MIDL 2026 paper, section 5.4): of the
subjects with 3D labels, and of the test-only cohort, where raters are compared with models.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pandas as pd

from hipus import config, paths, tables
from hipus.parallel import map_cases
from hipus.segmentation import networks
from hipus.segmentation.structure_shape import STRUCTURES
from hipus.stages import mask_volumes, motion_data, runner
from hipus.stages.sweep_volumes import volumes_dir

log = logging.getLogger(__name__)

STAGE = "first_round_masks"
MODEL_ID = networks.MODEL_3D_FIRST_ROUND


def main(study: config.Study) -> Iterable[Path]:
    """Write masks and metrics; return the inputs."""
    out = masks_dir(study.profile)
    out.mkdir(parents=True, exist_ok=True)
    if not mask_volumes.is_trained(study.profile, MODEL_ID):
        log.warning("%s SKIPPED: model %s was not trained", STAGE, MODEL_ID)
        tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))
        return []
    rows = mask_volumes.volume_cases(study)
    cases = [row for _, row in rows.iterrows()]
    make = partial(write_mask, study=study, out=out)
    missing = map_cases(make, cases, progress="masks of model 3.1", name=_name)
    metrics = {
        "volume_count": len(cases),
        "missing_structures": int(sum(missing)),
        "volumes_without_a_structure": int(sum(count > 0 for count in missing)),
    }
    tables.write_metrics(metrics, paths.metrics_file(study.profile, STAGE))
    return [volumes_dir(study.profile) / f"{_name(row)}_grey.mha" for row in cases]


def masks_dir(profile: str) -> Path:
    """Return `results/<profile>/first_round_masks`."""
    return paths.results_dir(profile) / STAGE


def write_mask(row: pd.Series, *, study: config.Study, out: Path) -> int:
    """Label one volume and write its mask.

    Parameters
    ----------
    row : pandas.Series
        As `mask_volumes.volume_cases` returns them.
    study : Study
    out : Path

    Returns
    -------
    int
        Structures that the model did not find.
    """
    grey = mask_volumes.read_grey(study, row)
    labels = mask_volumes.segment_volume(study, MODEL_ID, grey)
    mask_volumes.write_on(
        grey, labels, mask_volumes.mask_file(out, row), made_by=f"model {MODEL_ID}", row=row,
        origin=motion_data.cohort_of(study).origin,
    )  # fmt: skip
    return sum(not (labels == label).any() for label in STRUCTURES)


def _name(row: pd.Series) -> str:
    return f"{row.subject_id}_{row.sweep_id}"


if __name__ == "__main__":
    runner.run(STAGE, main)
