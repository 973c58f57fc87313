"""Anybody's masks of a cohort's volumes, judged as the study's own models are.

Decides which volumes must be labelled: all test volumes of the cohort, on the grids of stage
`sweep_volumes`; a missing one is an error, never a smaller mean. Judged by what was insonified
alone. Where the study has judged its own models, they stand beside. No stage of its own;
deliberately prints and plots nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask
from hipus.mask_scores import CaseScores
from hipus.parallel import CaseError, map_cases
from hipus.segmentation.volume_scores import MODELS, SCHEME, TRUTH, read_on, score_volume
from hipus.stages import mask_comparisons, segmentation_score_tables, segmentation_statistics
from hipus.stages.segmentation_score_tables import ABOUT
from hipus.stages.sweep_volumes import grey_file, truth_file, volumes_dir

#: Endings that a mask may have, looked for in this order.
SUFFIXES = (".mha", ".nii.gz", ".nii", ".nrrd")
CASES, SUMMARY, COMPARISONS = (
    "segmentation_cases",
    "segmentation_summary",
    "segmentation_comparisons",
)
#: Key of each table, by its name.
KEYS = {
    name: {**segmentation_score_tables.KEYS, **segmentation_statistics.KEYS}[name]
    for name in (CASES, SUMMARY, COMPARISONS)
}


@dataclass(frozen=True, eq=False)
class CohortMaskScores:
    """Masks of a cohort's volumes, scored.

    Attributes
    ----------
    model_id : str
        What tables call them.
    origin : str
        Of the pictures, as the truth says: "simulated" or "recorded".
    scores : pandas.DataFrame
        As `segmentation_cases` of the study: a row per volume and structure.
    tables : dict of str to pandas.DataFrame
        By the names of `KEYS`. The summary and the comparisons hold the study's own models
        too, where it has judged them; else there are no comparisons.
    """

    model_id: str
    origin: str
    scores: pd.DataFrame
    tables: dict[str, pd.DataFrame]


def score_cohort(
    folder: Path,
    *,
    study: config.Study,
    cohort: str,
    model_id: str = "",
    scheme: str | None = None,
) -> CohortMaskScores:
    """Score masks of all test volumes of a cohort.

    Parameters
    ----------
    folder : path-like
        One `<subject>_<sweep>` mask a volume, ending in one of `SUFFIXES`.
    study : Study
        Its profile's volumes are meant.
    cohort : str
        As the table `sweep_volumes` says: "test" is the test-only cohort.
    model_id : str
        What tables call the masks; the folder's name where left out.
    scheme : {"hip", "stills"}, optional
        What the numbers of masks without a sidecar mean.

    Returns
    -------
    CohortMaskScores

    Raises
    ------
    FileNotFoundError
        If the folder or one of the study's volumes is missing.
    ValueError
        If the cohort has no truth; if a volume is not labelled, or twice; if a mask lies on
        another grid, has foreign labels, or nothing says what they mean; if the name is that
        of one of the study's models.
    """
    folder = Path(folder)
    cases = cases_of(study.profile, cohort)
    files = mask_files(folder, cases)
    origin = _origin_of_truth(study.profile, list(files))
    model_id = _checked_name(model_id, folder)
    score = partial(score_file, folder=volumes_dir(study.profile), scheme=scheme)
    try:
        found = map_cases(score, list(files.items()), progress="masks scored", name=_name)
    except CaseError as error:
        raise ValueError(str(error)) from error
    judged = {(model_id, TRUTH): found}
    scores = segmentation_score_tables.cases_table(cases.assign(is_drawn=False), judged)
    own = mask_comparisons.study_scores(study.profile, cases)
    together = pd.concat([part for part in (scores, own) if len(part)], ignore_index=True)
    content = {CASES: scores, SUMMARY: segmentation_score_tables.summary(together)}
    if len(own):
        content[COMPARISONS] = mask_comparisons.comparisons(together, model_id, study=study)
    return CohortMaskScores(model_id, origin, scores, content)


def cases_of(profile: str, cohort: str) -> pd.DataFrame:
    """Return the test volumes of a cohort.

    Parameters
    ----------
    profile, cohort : str

    Returns
    -------
    pandas.DataFrame
        subject_id, sweep_id, side, sweep_type, cohort.

    Raises
    ------
    FileNotFoundError
        If the study has made no volumes.
    ValueError
        If the cohort has no test volume.
    """
    path = tables.existing(paths.table_file(profile, "sweep_volumes"))
    text = dict.fromkeys(SWEEP_KEY, str)
    rows = tables.read(path, columns=(*SWEEP_KEY, *ABOUT, "split"), dtype=text)
    kept = rows[(rows.cohort == cohort) & (rows.split == "test")]
    if kept.empty:
        there = sorted(rows[rows.split == "test"].cohort.unique())
        raise ValueError(f"{path}: no test volume of cohort {cohort!r}, there is {there}")
    return kept[[*SWEEP_KEY, *ABOUT]].sort_values(SWEEP_KEY).reset_index(drop=True)


def mask_files(folder: Path, cases: pd.DataFrame) -> dict[tuple[str, str], Path]:
    """Return the mask of each volume.

    Parameters
    ----------
    folder : path-like
    cases : pandas.DataFrame
        As `cases_of` returns them.

    Returns
    -------
    dict of (subject_id, sweep_id) to pathlib.Path

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If volumes have no mask (each is named), or several.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing: it must be a folder of masks")
    keys = list(cases[SWEEP_KEY].itertuples(index=False, name=None))
    named = {key: [folder / f"{'_'.join(key)}{end}" for end in SUFFIXES] for key in keys}
    there = {key: [path for path in few if path.is_file()] for key, few in named.items()}
    missing = ["/".join(key) for key, found in there.items() if not found]
    if missing:
        raise ValueError(
            f"{folder} lacks masks of {len(missing)} of {len(keys)} volumes "
            f"(<subject>_<sweep>, {' or '.join(SUFFIXES)}): {', '.join(missing)}"
        )
    for found in there.values():
        if len(found) > 1:
            raise ValueError(f"{folder}: a volume must have one mask, got {_names(found)}")
    return {key: found[0] for key, found in there.items()}


def score_file(
    case: tuple[tuple[str, str], Path], *, folder: Path, scheme: str | None
) -> CaseScores:
    """Score one mask by the truth of its volume.

    Parameters
    ----------
    case : tuple of (subject_id, sweep_id) and Path
    folder : path-like
        Of the study's volumes.
    scheme : str or None

    Returns
    -------
    CaseScores

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing or damaged, lies elsewhere, or holds foreign labels.
    """
    (subject_id, sweep_id), path = case
    truth = read_mask(tables.existing(truth_file(folder, subject_id, sweep_id)), scheme=SCHEME)
    mask = read_on(path, truth, scheme=scheme)
    try:
        return CaseScores(subject_id, sweep_id, score_volume(mask, truth))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _origin_of_truth(profile: str, keys: list[tuple[str, str]]) -> str:
    """Return where the pictures come from, after looking whether there is truth at all."""
    folder, first = volumes_dir(profile), keys[0]
    if grey_file(folder, *first).is_file() and not truth_file(folder, *first).is_file():
        raise ValueError(f"{folder}: {'/'.join(first)} has no truth, there is nothing to score by")
    return read_mask(tables.existing(truth_file(folder, *first)), scheme=SCHEME).origin


def _checked_name(name: str, folder: Path) -> str:
    """Return what tables call the masks."""
    if name in MODELS:
        raise ValueError(f"name must not be that of one of the study's models, got {name!r}")
    own = name or folder.resolve().name
    return f"masks of {own}" if own in MODELS else own


def _names(found: list[Path]) -> str:
    return ", ".join(path.name for path in found)


def _name(case: tuple[tuple[str, str], Path]) -> str:
    """Return a case's name in messages."""
    return "/".join(case[0])
