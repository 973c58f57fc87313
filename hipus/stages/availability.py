"""Stage `availability`: what can this cohort tell, and what would it take to tell the rest?

Decides what every stage needs of a cohort, and writes a row a stage: available, or not, for lack
of labels, tracking, truth or somebody to train on. Deliberately runs and skips nothing: a stage
that lacks something writes tables without rows by itself, and this table says why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import ABOUT, SUBJECTS, SWEEPS, TRUTH, Cohort, read_cohort
from hipus.stages import runner

log = logging.getLogger(__name__)

STAGE = "availability"
COLUMNS = ["stage", "needs", "available", "n", "status", "what_it_would_take"]
AVAILABLE = "available"
SPLITS = ("train", "validation", "test")
_VOLUMETRIC = ("p_a", "p_d")


@dataclass(frozen=True)
class Need:
    """Something that a cohort has or lacks.

    Attributes
    ----------
    lacking : str
        How its absence is told.
    takes : str
        What it would take, told to whoever has the cohort.
    fits : callable
        Which sweeps have it: of the described sweeps a bool each.
    of_splits : tuple of str
        Splits of which each must have such a sweep; none: one sweep of any split is enough.
    """

    lacking: str
    takes: str
    fits: Callable[[pd.DataFrame], pd.Series]
    of_splits: tuple[str, ...] = ()


_DRAWN = (
    "that somebody drew: the study's raters are simulated from truth and draw no recorded sweep"
)
#: What may be needed, by name.
KINDS = {
    "sweeps": Need(
        "no usable volumetric sweep",
        "a p_a or p_d sweep that breaks no rule of quality (`hipus check`)",
        lambda sweeps: sweeps.sweep_type.isin(_VOLUMETRIC) & sweeps.is_usable.astype(bool),
    ),
    "tracking": Need(
        "no tracking",
        "sweeps recorded with a tracker: poses, calibration and lag",
        lambda sweeps: sweeps.is_tracked.astype(bool),
    ),
    "test sweeps": Need(
        "nobody to test on",
        "subjects with split test, and cohort test where cohorts are stated",
        lambda sweeps: (sweeps.split == "test") & (sweeps.cohort == "test"),
    ),
    "both sweeps": Need(
        "no hip with both sweeps",
        "a p_a and a p_d sweep of the same hip, both usable",
        lambda sweeps: _has_both(sweeps),
    ),
    "training sweeps": Need(
        "nobody to train on",
        "subjects with split train, validation and test, four or more to train on",
        lambda sweeps: sweeps.split.isin(SPLITS),
        SPLITS,
    ),
    "frame labels": Need(
        "no labels",
        f"labels of single frames {_DRAWN}; or a model from elsewhere (`hipus models add`)",
        lambda sweeps: sweeps.is_labelled_2d.astype(bool),
        SPLITS,
    ),
    "volume labels": Need(
        "no labels",
        f"labels of volumes {_DRAWN}; or a model from elsewhere (`hipus models add`)",
        lambda sweeps: sweeps.is_labelled_3d.astype(bool),
        SPLITS,
    ),
    "truth": Need(
        "no truth",
        "what only a simulated cohort has; `hipus run` labels and measures a sweep without it",
        lambda sweeps: sweeps.has_truth,
    ),
}
_TRACKED = ("sweeps", "tracking")
_TESTED = (*_TRACKED, "test sweeps")
_LEARNED = (*_TRACKED, "training sweeps")
_FRAMES = (*_TRACKED, "frame labels", "truth")
#: The first masks of volumes are drawn by the network that learned single frames.
_VOLUMES = (*_TRACKED, "frame labels", "volume labels", "truth")
_NOTHING: tuple[str, ...] = ()
#: What each stage of the pipeline needs of a cohort. Those that need nothing read other inputs,
#: or show what the others left. Notebooks are of the last kind.
NEEDS: dict[str, tuple[str, ...]] = {
    "real_inputs": _NOTHING,
    "machine": _NOTHING,
    "cohort": _NOTHING,
    STAGE: _NOTHING,
    "realism": ("sweeps",),
    "raters": _NOTHING,
    "calibration_simulated": _NOTHING,
    "calibration": _NOTHING,
    "reconstruction": _NOTHING,
    "motion": _LEARNED,
    "motion_transfer": _LEARNED,
    "decorrelation_curves": _NOTHING,
    "motion_volumes": (*_LEARNED, "test sweeps", "truth"),
    "pose_refinement": (*_LEARNED, "test sweeps", "both sweeps"),
    "sweep_volumes": _TESTED,
    "frame_labels": _FRAMES,
    "train_21": _FRAMES,
    "train_22": _FRAMES,
    "train_23": _FRAMES,
    "first_masks": _VOLUMES,
    "volume_labels_first": _VOLUMES,
    "train_31": _VOLUMES,
    "first_round_masks": _VOLUMES,
    "volume_labels_refined": _VOLUMES,
    "train_32": _VOLUMES,
    "model_masks": _VOLUMES,
    "segmentation_scores": _VOLUMES,
    "volume_grades": _VOLUMES,
    "hip_measures": _VOLUMES,
    "hip_angles": _VOLUMES,
    "hip_fusion": (*_VOLUMES, "both sweeps"),
    "hip_scene": _VOLUMES,
    "segmentation_views": _VOLUMES,
    "paper_views": _VOLUMES,
    "published": _NOTHING,
    "claims": _NOTHING,
    "figures": _NOTHING,
    "report": _NOTHING,
}
NOTEBOOK = "notebook_"


def main(study: config.Study) -> Iterable[Path]:
    """Write the table; return what was read of the cohort."""
    cohort = read_cohort(paths.results_dir(study.profile) / "cohort")
    table = availability_table(described_sweeps(cohort, study.profile))
    tables.write(table, paths.table_file(study.profile, STAGE), key=["stage"])
    lacking = table[table.status != AVAILABLE]
    log.info("%d of %d stages have what they need", len(table) - len(lacking), len(table))
    measured = paths.table_file(study.profile, "cohort_sweeps")
    named = [cohort.folder / name for name in (SUBJECTS, SWEEPS, ABOUT)]
    return [path for path in (*named, measured) if path.is_file()]


def needs_of(stage: str) -> tuple[str, ...]:
    """Return what a stage needs of a cohort.

    Parameters
    ----------
    stage : str
        As dvc.yaml names it.

    Returns
    -------
    tuple of str
        Names of `KINDS`.

    Raises
    ------
    KeyError
        If nobody declared it.
    """
    if stage.startswith(NOTEBOOK):
        return ()
    if stage not in NEEDS:
        raise KeyError(f"stage {stage!r} declares no needs in hipus.stages.availability.NEEDS")
    return NEEDS[stage]


def described_sweeps(cohort: Cohort, profile: str) -> pd.DataFrame:
    """Describe the sweeps of a cohort by what may be needed of them.

    Parameters
    ----------
    cohort : Cohort
    profile : str
        Whose table `cohort_sweeps` says which sweeps are usable.

    Returns
    -------
    pandas.DataFrame
        subject_id, sweep_id, side, sweep_type, is_usable, is_tracked, split, cohort,
        is_labelled_2d, is_labelled_3d, has_truth.
    """
    key = ["subject_id", "sweep_id"]
    path = paths.table_file(profile, "cohort_sweeps")
    usable = tables.read(path, columns=(*key, "is_usable"), dtype=dict.fromkeys(key, str))
    rows = cohort.sweeps.drop(columns="is_usable", errors="ignore")
    rows = rows.merge(usable[[*key, "is_usable"]], on=key, validate="one_to_one")
    known = cohort.subjects.drop(columns="is_tracked", errors="ignore")
    known = known.reindex(columns=list(dict.fromkeys([*known, *_STATED, "cohort"])))
    for name, value in _STATED.items():
        known[name] = [value if pd.isna(one) else one for one in known[name]]
    known["cohort"] = known.cohort.where(known.cohort.notna(), known.split)
    rows = rows.merge(known, on="subject_id", validate="many_to_one")
    sessions = zip(rows.subject_id, rows.session_id, strict=True)
    rows["is_tracked"] = [cohort.session(*one).is_tracked for one in sessions]
    rows["has_truth"] = [_has_truth(cohort, row) for row in rows.itertuples()]
    return rows


#: Of a subject, and what stands for it where nothing is stated.
_STATED = {"split": "test", "is_labelled_2d": 0, "is_labelled_3d": 0}


def _has_truth(cohort: Cohort, row) -> bool:
    """Return whether labels of what each frame truly shows are there."""
    return (cohort.folder / TRUTH / row.subject_id / f"{row.sweep_id}_masks.igs.mha").is_file()


def _has_both(sweeps: pd.DataFrame) -> pd.Series:
    """Return which sweeps are of a hip that was swept in both directions."""
    kinds = sweeps[sweeps.sweep_type.isin(_VOLUMETRIC) & sweeps.is_usable.astype(bool)]
    count = kinds.groupby(["subject_id", "side"]).sweep_type.nunique()
    both = set(count[count == len(_VOLUMETRIC)].index)
    pairs = zip(sweeps.subject_id, sweeps.side, strict=True)
    return pd.Series([pair in both for pair in pairs], index=sweeps.index, dtype=bool)


def availability_table(sweeps: pd.DataFrame) -> pd.DataFrame:
    """Say of every stage whether a cohort has what it needs.

    Parameters
    ----------
    sweeps : pandas.DataFrame
        As `described_sweeps` returns it.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`; `needs` and `available` are names of `KINDS`, `n` counts the sweeps that have
        all of it (empty where nothing of the cohort is needed), `status` is "available" or
        "not available: no ...".
    """
    rows = [_row(stage, sweeps) for stage in NEEDS]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"n": "Int64"})


def _row(stage: str, sweeps: pd.DataFrame) -> dict:
    """Return what one stage needs, has and lacks: needs narrow the sweeps one after another."""
    left, lacks = sweeps, []
    for name in NEEDS[stage]:
        kind = KINDS[name]
        fitting = left[kind.fits(left)]
        there = fitting if kind.of_splits == () else _of_all(fitting, kind.of_splits)
        if there.empty:
            lacks.append(kind)
        else:
            left = there
    said = "; ".join(dict.fromkeys(kind.lacking for kind in lacks))
    has = [name for name in NEEDS[stage] if KINDS[name] not in lacks]
    return {
        "stage": stage,
        "needs": ", ".join(NEEDS[stage]),
        "available": ", ".join(has),
        "n": (0 if lacks else len(left)) if NEEDS[stage] else pd.NA,
        "status": f"not available: {said}" if lacks else AVAILABLE,
        "what_it_would_take": "; ".join(dict.fromkeys(kind.takes for kind in lacks)),
    }


def _of_all(sweeps: pd.DataFrame, splits: tuple[str, ...]) -> pd.DataFrame:
    """Return the sweeps if every split has one, else none."""
    return sweeps if set(splits) <= set(sweeps.split) else sweeps.iloc[:0]


if __name__ == "__main__":
    runner.run(STAGE, main)
