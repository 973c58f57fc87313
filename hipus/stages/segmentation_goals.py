"""The headline numbers of stage `segmentation_scores`, and which goals are met. No stage.

Decides the goals: they bind on the test-only cohort, judged by truth. A goal that is not met is
written as not met.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.segmentation import networks
from hipus.segmentation.volume_scores import FRAME_MODELS, MEAN, MODELS, STRUCTURE_NAMES, TRUTH
from hipus.stages.motion_data import TEST_COHORT

#: Least mean Dice of model 3.2 (profile paper aims at the second), and of its femoral head.
LEAST_DICE, PAPER_DICE, LEAST_HEAD_DICE = 0.80, 0.90, 0.90
#: Largest p, corrected after Holm, of each confirmatory comparison.
LARGEST_P = 0.05
_REFINED = networks.MODEL_3D_REFINED
_HEAD = "femoral_head"


def make_metrics(content: Mapping[str, pd.DataFrame]) -> dict[str, float | bool | int]:
    """Return the stage's headline numbers.

    Parameters
    ----------
    content : mapping of str to pandas.DataFrame
        The stage's tables by name.

    Returns
    -------
    dict
        Dice are means over the test-only volumes by truth, of structures' means.
    """
    table = content["segmentation_table5"]
    rows = table[(table.cohort == TEST_COHORT) & (table.reference == TRUTH)]
    dice = rows.pivot(index="model_id", columns="structure", values="dice_mean")
    found: dict = {f"dice_test_only_{model}": dice.at[model, MEAN] for model in MODELS}
    for name in STRUCTURE_NAMES:
        found[f"dice_test_only_{_REFINED}_{name}"] = dice.at[_REFINED, name]
    cases = content["segmentation_cases"]
    own = cases[cases.cohort == TEST_COHORT][SWEEP_KEY].drop_duplicates()
    found |= {
        "subject_count_test_only": own.subject_id.nunique(),
        "volume_count_test_only": len(own),
    }
    found |= _comparisons(content["segmentation_comparisons"])
    verdicts = content["segmentation_claims"].drop_duplicates("claim_id").verdict
    for verdict, count in verdicts.value_counts().items():
        found[f"claims_{verdict.replace(' ', '_')}"] = int(count)
    return found | goals(dice, found)


def _comparisons(table: pd.DataFrame) -> dict[str, float]:
    """Return p and difference of the confirmatory comparisons."""
    rows = table[table.family == "confirmatory"]
    found = {}
    for row in rows.itertuples():
        name = f"{row.model_a}_vs_{row.model_b}"
        found[f"p_holm_{name}"] = row.p_holm
        found[f"dice_difference_{name}"] = row.mean_difference
    return found


def goals(dice: pd.DataFrame, numbers: Mapping[str, float]) -> dict[str, bool]:
    """Return which goals are met.

    Parameters
    ----------
    dice : pandas.DataFrame (models x structures)
        Mean Dice on the test-only cohort by truth.
    numbers : mapping
        `p_holm_<a>_vs_<b>` and `dice_difference_<a>_vs_<b>` of the confirmatory comparisons.

    Returns
    -------
    dict of str to bool
        "better" needs every comparison with a 2D model positive with p below 0.05; "order" is
        that of Table 5: both 2D models, 2.5D, first and second 3D model.
    """
    means = dice[MEAN]
    names = [f"{_REFINED}_vs_{model}" for model in FRAME_MODELS]
    order = [means[list(FRAME_MODELS[:2])].max(), *means[list(MODELS[2:])]]
    return {
        "goal_mean_dice_met": bool(means[_REFINED] >= LEAST_DICE),
        "goal_mean_dice_of_paper_profile_met": bool(means[_REFINED] >= PAPER_DICE),
        "goal_head_dice_met": bool(dice.at[_REFINED, _HEAD] >= LEAST_HEAD_DICE),
        "goal_better_than_each_2d_model_met": all(
            numbers[f"p_holm_{name}"] < LARGEST_P and numbers[f"dice_difference_{name}"] > 0
            for name in names
        ),
        "goal_order_of_table5_met": all(a < b for a, b in zip(order, order[1:], strict=False)),
    }
