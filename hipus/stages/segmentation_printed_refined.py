"""The paper's Tables 3 and 4, model 3.2 by direction and case, with our numbers beside.

Decides that both our Hausdorff distances stand beside the printed "HD": all printed ones lie where
a 95th percentile would, some at 0 beside a Dice below 1, where a maximum cannot. Printed values
are clinical, ours simulated. No stage of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.published import tables as published
from hipus.segmentation import networks
from hipus.segmentation.volume_scores import CORRECTED, STRUCTURE_NAMES, TRUTH
from hipus.stages.motion_data import TEST_COHORT
from hipus.stages.segmentation_printed import STRUCTURES, STUDY_COHORT, of_reference

ORIENTATIONS = {"p_d": "proximal_distal", "p_a": "posterior_anterior"}
#: Our measure -> the printed one beside it.
TABLE3 = {"dice": "dice", "hd_mm": "hd_mm", "hd95_mm": "hd_mm", "asd_gt_to_pred_mm": "asd_mm"}
TABLE4 = {name: name for name in ("dice", "hd_mm", "asd_gt_to_pred_mm", "asd_pred_to_gt_mm")}
TABLE4["hd95_mm"] = "hd_mm"
KEYS = {
    "segmentation_table3": ["sweep_type", "structure", "measure"],
    "segmentation_table4": ["sweep_type", "place", "structure", "measure"],
}
COLUMNS = {
    "segmentation_table3": [
        *(*KEYS["segmentation_table3"], "printed_measure", "printed"),
        *("label_mean", "label_infinite_count", "truth_mean", "truth_infinite_count"),
        *("case_count", "test_only_mean", "test_only_infinite_count", "test_only_case_count"),
    ],
    "segmentation_table4": [
        *(*KEYS["segmentation_table4"], "printed_case", "printed"),
        *(*SWEEP_KEY, "label", "truth"),
    ],
}


def table3(scores: pd.DataFrame) -> pd.DataFrame:
    """Return Table 3: scores of model 3.2 by the direction of the sweep.

    Parameters
    ----------
    scores : pandas.DataFrame
        `segmentation_cases`.

    Returns
    -------
    pandas.DataFrame
        Means of finite values, with the number of infinite ones: of the study's test volumes by
        corrected labels and by truth, of the test-only ones by truth. The printed HD stands
        beside our `hd_mm` and our `hd95_mm`; the printed ASD is that from truth to prediction.
    """
    printed = published.load("midl_table3").set_index(["sweep_orientation", "structure", "metric"])
    own = scores[scores.model_id == networks.MODEL_3D_REFINED]
    parts = {
        "label": of_reference(own, CORRECTED, STUDY_COHORT),
        "truth": of_reference(own, TRUTH, STUDY_COHORT),
        "test_only": of_reference(own, TRUTH, TEST_COHORT),
    }
    rows = []
    for kind, orientation in ORIENTATIONS.items():
        for name in STRUCTURE_NAMES:
            for measure, beside in TABLE3.items():
                key = (orientation, STRUCTURES.get(name, name), beside)
                row = {"sweep_type": kind, "structure": name, "measure": measure}
                row |= {"printed_measure": beside, "printed": printed.value[key]}
                for judge, part in parts.items():
                    part = part[(part.sweep_type == kind) & (part.structure == name)]
                    row |= {f"{judge}_{key}": v for key, v in _finite(part[measure]).items()}
                rows.append(row | {"case_count": row["truth_case_count"]})
    return pd.DataFrame(rows)[COLUMNS["segmentation_table3"]]


def table4(scores: pd.DataFrame) -> pd.DataFrame:
    """Return Table 4: model 3.2 on each of the study's test volumes.

    Parameters
    ----------
    scores : pandas.DataFrame
        `segmentation_cases`.

    Returns
    -------
    pandas.DataFrame
        Within a direction (of the printed cases: inferred, A016 to A018 of the audit) cases
        stand by their order of id, `place` 1 to n: neighbours share a direction and nothing
        else. The last `place` is "mean" of finite values.
    """
    own = scores[(scores.model_id == networks.MODEL_3D_REFINED) & (scores.cohort == STUDY_COHORT)]
    own = own[own.reference.isin([TRUTH, CORRECTED])]
    own = own.melt([*SWEEP_KEY, "sweep_type", "structure", "reference"], list(TABLE4), "measure")
    keys = [*SWEEP_KEY, "sweep_type", "structure", "measure"]
    ours = own.pivot(index=keys, columns="reference", values="value").reset_index()
    ours = ours.rename(columns={CORRECTED: "label", TRUTH: "truth"})
    ours["place"] = _places(ours, SWEEP_KEY)
    found = ours.merge(
        _printed_cases(), on=["sweep_type", "structure", "measure", "place"], how="outer"
    )
    found["place"] = found.place.astype(str)
    numbers = found.assign(**{name: _only_finite(found[name]) for name in ("label", "truth")})
    by = ["sweep_type", "structure", "measure"]
    means = numbers.groupby(by)[["printed", "label", "truth"]].mean().reset_index()
    found = pd.concat([found, means.assign(place="mean")], ignore_index=True)
    return found[COLUMNS["segmentation_table4"]]


def _printed_cases() -> pd.DataFrame:
    """Return Table 4 with inferred directions, a row per case, structure and measure of ours."""
    cases = published.load("midl_table4")
    cases = cases[cases.is_printed_mean_row == "0"]
    inferred = published.read_csv("derived_midl2026_table4_orientation.csv")
    cases = cases.merge(inferred[["case", "sweep_orientation_inferred"]], on="case")
    kinds = {printed: ours for ours, printed in ORIENTATIONS.items()}
    cases["sweep_type"] = cases.sweep_orientation_inferred.map(kinds)
    names = {STRUCTURES.get(name, name): name for name in STRUCTURE_NAMES}
    cases["structure"] = cases.structure.map(names)
    parts = [
        cases[["case", "sweep_type", "structure"]].assign(measure=ours, printed=cases[printed])
        for ours, printed in TABLE4.items()
    ]
    found = pd.concat(parts, ignore_index=True).rename(columns={"case": "printed_case"})
    return found.assign(place=_places(found, ["printed_case"]))


def _places(table: pd.DataFrame, key: Sequence[str]) -> pd.Series:
    """Return each case's place among those of its direction, from 1."""
    names = table[list(key)].astype(str).agg("/".join, axis=1)
    return names.groupby(table.sweep_type).rank(method="dense").astype(int)


def _finite(values: pd.Series) -> dict[str, float]:
    """Return the mean of finite values, and how many there are and are infinite."""
    count = int(np.isinf(values).sum())
    return {"mean": _only_finite(values).mean(), "infinite_count": count, "case_count": len(values)}


def _only_finite(values: pd.Series) -> pd.Series:
    return values.where(np.isfinite(values))
