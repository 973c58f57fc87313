"""The paper's Tables 1 and 5, all models, with our numbers beside. No stage of its own.

Decides which of our numbers may stand beside a printed one: measured as the paper measured (2D
models by labelled frames, 3D models by corrected volumes) on the study's own test subjects, and,
as the number to believe, by truth on the test-only cohort. Printed values are clinical, ours are
simulated: they share a protocol, never an infant.
"""

from __future__ import annotations

import pandas as pd

from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.published import tables as published
from hipus.segmentation import networks
from hipus.segmentation.volume_scores import (
    CORRECTED,
    DRAWN,
    FRAME_MODELS,
    MEAN,
    MODELS,
    STRUCTURE_NAMES,
    TRUTH,
    with_mean,
)
from hipus.stages.motion_data import TEST_COHORT

STUDY_COHORT = "study"
FRAME_KEY = [*SWEEP_KEY, "frame_index"]
#: Printed names of structures.
STRUCTURES = {"femoral_cortex": "bone_cortex", "chondro_osseous_border": "co_border"}
_PRINTED = ["printed_dice", "printed_spread"]
_OURS = ["dice_mean", "dice_sd", "case_count", "missing_count"]
COLUMNS = {
    "segmentation_table1": [
        *("model_id", "structure", *_PRINTED, "unit"),
        *(f"{judge}_{name}" for judge in ("label", "truth", "test_only") for name in _OURS),
    ],
    "segmentation_table5": ["cohort", "reference", "model_id", "structure", *_PRINTED, *_OURS],
}
KEYS = {
    "segmentation_table1": ["model_id", "structure"],
    "segmentation_table5": ["cohort", "reference", "model_id", "structure"],
}


def table1(scores: pd.DataFrame, frames: pd.DataFrame, labelled: pd.DataFrame) -> pd.DataFrame:
    """Return Table 1: Dice of each model as the paper measured it.

    Parameters
    ----------
    scores : pandas.DataFrame
        `segmentation_cases`.
    frames : pandas.DataFrame
        `frame_scores`.
    labelled : pandas.DataFrame
        subject_id, sweep_id and frame_index of the labelled test frames; each must be scored.

    Returns
    -------
    pandas.DataFrame
        `label_`: frames by the raters' labels, 3.1 by volumes drawn wholly, 3.2 by corrected
        ones; `truth_`: the same frames and volumes by truth; `test_only_`: all test-only ones by
        truth. Means and population SD are over frames or volumes in which the structure has a
        Dice (`missing_count` have none); the mean over structures is that of their means, as
        printed, with the SD of frames' or volumes' own means.

    Raises
    ------
    ValueError
        If a labelled frame has no score.
    """
    rows = []
    for model_id in MODELS:
        unit, parts = _judged(model_id, scores, frames=frames, labelled=labelled)
        ours = {judge: dice_rows(part) for judge, part in parts.items()}
        for name in (*STRUCTURE_NAMES, MEAN):
            row = {"model_id": model_id, "structure": name, "unit": unit}
            for judge, known in ours.items():
                row |= {f"{judge}_{key}": known.at[name, key] for key in _OURS}
            rows.append(row)
    found = pd.DataFrame(rows).merge(printed_dice("midl_table1"), on=["model_id", "structure"])
    return found[COLUMNS["segmentation_table1"]]


def _judged(model_id: str, scores: pd.DataFrame, *, frames, labelled) -> tuple[str, dict]:
    """Return the unit of a model's cases, and its Dice by each judge."""
    if model_id in FRAME_MODELS:
        own = frames[frames.model_id == model_id]
        test = _frames_of(own, labelled)
        by = {"label": test.rename(columns={"dice_label": "dice"})}
        by["truth"] = test.rename(columns={"dice_truth": "dice"})
        own = own[own.cohort == TEST_COHORT]
        return "frame", by | {"test_only": own.rename(columns={"dice_truth": "dice"})}
    own = scores[scores.model_id == model_id]
    drawn = own[own.reference == DRAWN]
    is_first = model_id == networks.MODEL_3D_FIRST_ROUND
    label = drawn if is_first else of_reference(own, CORRECTED, STUDY_COHORT)
    truth = of_reference(own, TRUTH, None).merge(label[SWEEP_KEY].drop_duplicates())
    return "volume", {
        "label": label,
        "truth": truth,
        "test_only": of_reference(own, TRUTH, TEST_COHORT),
    }


def _frames_of(frames: pd.DataFrame, labelled: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of labelled frames; one without a score is an error."""
    found = labelled[FRAME_KEY].merge(frames, on=FRAME_KEY, how="left", indicator=True)
    missing = found[found._merge == "left_only"]
    if len(missing):
        one = missing.iloc[0]
        raise ValueError(
            f"{len(missing)} of {len(labelled)} labelled test frames have no score in "
            f"frame_scores: {one.subject_id}/{one.sweep_id} frame {one.frame_index}"
        )
    return found.drop(columns="_merge")


def dice_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """Return mean and spread of Dice by structure, as the paper's tables have them.

    Parameters
    ----------
    scores : pandas.DataFrame
        One row per case (subject_id, sweep_id and, of frames, frame_index) and structure.

    Returns
    -------
    pandas.DataFrame
        Index structure (`MEAN` last): dice_mean, dice_sd (population), case_count and
        missing_count. The mean of `MEAN` is that of the structures' means, as printed (A001 to
        A005, A026 to A030 of the audit); its SD is that of the cases' means.
    """
    case = [name for name in FRAME_KEY if name in scores]
    rows = with_mean(scores, by=case, columns=["dice"]).groupby("structure").dice
    found = pd.DataFrame({"dice_mean": rows.mean(), "dice_sd": rows.std(ddof=0)})
    found["case_count"] = rows.size()
    found["missing_count"] = found.case_count - rows.count()
    found = found.reindex([*STRUCTURE_NAMES, MEAN])
    found.loc[MEAN, "dice_mean"] = found.dice_mean[list(STRUCTURE_NAMES)].mean()
    counts = ["case_count", "missing_count"]
    return found.fillna(dict.fromkeys(counts, 0)).astype(dict.fromkeys(counts, int))


def table5(scores: pd.DataFrame) -> pd.DataFrame:
    """Return Table 5 (appendix C): all models as volumes under one protocol.

    Parameters
    ----------
    scores : pandas.DataFrame
        `segmentation_cases`.

    Returns
    -------
    pandas.DataFrame
        By cohort, and by corrected label (as printed) and by truth.
    """
    own = scores[scores.reference.isin([TRUTH, CORRECTED])]
    by = ["cohort", "reference", "model_id"]
    parts = {key: dice_rows(part) for key, part in own.groupby(by)}
    found = pd.concat(parts, names=[*by, "structure"]).reset_index()
    found = found.merge(printed_dice("midl_table5"), on=["model_id", "structure"])
    return found[COLUMNS["segmentation_table5"]]


def printed_dice(table: str) -> pd.DataFrame:
    """Return the printed mean Dice of a table, structures by our names.

    Parameters
    ----------
    table : {"midl_table1", "midl_table5"}

    Returns
    -------
    pandas.DataFrame
        model_id, structure (`MEAN` too: of Table 1 it stands in the text), printed_dice and
        printed_spread (NaN where none is printed).
    """
    known = published.load(table)
    ours = {theirs: name for name, theirs in STRUCTURES.items()}
    known["structure"] = known.structure.replace(ours)
    names = {"dice_mean": "printed_dice", "dice_spread_printed": "printed_spread"}
    known = known.rename(columns=names)[["model_id", "structure", *_PRINTED]]
    if MEAN in set(known.structure):
        return known
    means = [
        float(published.printed("midl_text", f"quantity=model {one} mean DSC")) for one in MODELS
    ]
    text = pd.DataFrame({"model_id": MODELS, "structure": MEAN, "printed_dice": means})
    return pd.concat([known, text], ignore_index=True)


def printed_means(table: str) -> pd.DataFrame:
    """Return the printed mean Dice of a table, (models x structures, `MEAN` last).

    Parameters
    ----------
    table : {"midl_table1", "midl_table5"}

    Returns
    -------
    pandas.DataFrame
    """
    wide = printed_dice(table).pivot(index="model_id", columns="structure", values="printed_dice")
    return wide.loc[list(MODELS), [*STRUCTURE_NAMES, MEAN]]


def of_reference(scores: pd.DataFrame, reference: str, cohort: str | None) -> pd.DataFrame:
    """Return the scores by one reference, of one cohort or, for None, of all."""
    keep = scores.reference == reference
    return scores[keep if cohort is None else keep & (scores.cohort == cohort)]
