"""What the report says of the five models: headline, goals, tests, the paper's sentences.

Decides the sentences; every number in them is read from a saved table. All of it is simulated;
printed values are clinical and stand beside ours, never as confirmed. How labels came about is told
in `segmentation_rounds`, how far models carry in `segmentation_reach`.
"""

from __future__ import annotations

from hipus.report.page import Goal, Headline, Section, table_html
from hipus.report.segmentation_tables import (
    MEAN,
    TEST_ONLY,
    TRUTH,
    all_in_volumes,
    as_printed,
    sentences,
)
from hipus.report.sources import captioned, has_rows, metrics_of, pictures_of, rows_of
from hipus.report.wording import interval, number, p_value, told

REFINED = "3.2"
FRAME_MODELS = ("2.1", "2.2", "2.3")
#: Goal -> what it asks for; they bind in profile small, the last in paper alone.
GOALS = {
    "goal_mean_dice_met": "Mean Dice of model 3.2 at least 0.80",
    "goal_better_than_each_2d_model_met": "Model 3.2 better than each 2D model, p < 0.05",
    "goal_head_dice_met": "Dice of the femoral head at least 0.90",
    "goal_order_of_table5_met": "Models in the order of Table 5",
    "goal_mean_dice_of_paper_profile_met": "Mean Dice of model 3.2 at least 0.90",
}
_OF_PAPER = "goal_mean_dice_of_paper_profile_met"
NOT_MEASURED = "Not measured: no test volume has a label by a rater."
_SCORES = "segmentation_scores"


def headlines(profile: str) -> list[Headline]:
    """Return the headline number of segmentation.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of Headline
        Empty where no model was judged.
    """
    if not has_rows(profile, "segmentation_cases"):
        return []
    found, row, printed = metrics_of(profile, _SCORES), _by_truth(profile), _table5(profile)
    best = max(FRAME_MODELS, key=lambda model: found[f"dice_test_only_{model}"] or 0.0)
    return [
        Headline(
            what="Mean Dice of model 3.2 on unseen infants",
            value=number(row.dice_mean),
            interval=interval(row.dice_low, row.dice_high),
            count=f"{found['volume_count_test_only']} volumes of "
            f"{found['subject_count_test_only']} infants",
            origin="simulated",
            beside=f"best 2D model ({best}) {number(found[f'dice_test_only_{best}'])}; printed, "
            f"clinical {printed.printed_dice[REFINED]:.3f}",
            page="models.html",
        )
    ]


def _by_truth(profile: str):
    """Return how model 3.2 agrees with truth on infants that only test."""
    pair = {"cohort": TEST_ONLY, "structure": MEAN, "pair": f"{REFINED} and truth"}
    return rows_of(profile, "segmentation_raters", **pair).iloc[0]


def compared(profile: str) -> Section:
    """Describe which model is best under one 3D protocol.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    about = {
        "anchor": "segmentation",
        "question": "Which model segments best, all judged as volumes?",
        "kind": "simulated",
        "source": "stage segmentation_scores (make reproduce)",
        "notebook": "08_model_comparison",
    }
    if not has_rows(profile, "segmentation_cases"):
        return Section(answer=NOT_MEASURED, **about)
    captions = {
        "segmentation_comparisons": "Tests between models: the first three are confirmatory",
        "segmentation_friedman": "Friedman's test over the five models, exploratory",
        "segmentation_nemenyi": "Every pair of models after Friedman's test, exploratory",
        "segmentation_bias": "What judging by labels adds to judging by truth",
        "segmentation_summary": "All scores: medians, finite means and counts",
    }
    in_words = "Table 5: mean Dice of volumes, ours by truth on the test-only infants (simulated)"
    shown = f"{in_words}, the printed one in brackets (clinical; tables/segmentation_table5.csv)"
    judged = "Table 1: each model as the paper judges it (printed in brackets), then by truth"
    table1 = f"{judged} (tables/segmentation_table1.csv)"
    return Section(
        answer=" ".join((_headline(profile), _confirmed(profile))),
        points=(*_told_goals(profile), _ranked(profile), _distances(profile), *_flattered(profile)),
        shown=((shown, table_html(all_in_volumes(profile))),),
        pictures=pictures_of(profile, _PICTURES),
        tables=((table1, table_html(as_printed(profile))), *captioned(profile, captions)),
        **about,
    )


_PICTURES = {
    "08_segmentation_protocol": "Dice of all models as volumes, infants that only test "
    "(simulated).",
    "08_segmentation_dice": "Dice by structure: 2D models over frames, 3D models over volumes "
    "(simulated); crosses are means.",
    "08_segmentation_frames": "One test frame with its label and 2D models, and its place in "
    "volumes (simulated).",
}


def claims(profile: str) -> Section:
    """Describe which of the paper's sentences on segmentation hold here.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    about = {
        "anchor": "segmentation-claims",
        "question": "Do the paper's sentences on segmentation hold here?",
        "kind": "simulated",
        "source": "stage segmentation_scores (make reproduce)",
        "notebook": "08_model_comparison",
    }
    if not has_rows(profile, "segmentation_claims"):
        return Section(answer=NOT_MEASURED, **about)
    found = sentences(profile)
    counts = found["here"].value_counts()
    named = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    answer = (
        f"Of {len(found)} sentences of the paper: {named}. Differences decide, by their intervals "
        "over infants; not testable is what was put in or is no part of this study. Each model "
        "was trained once, on simulated sweeps; a sentence that fails here may hold in a clinic."
    )
    return Section(
        answer=answer,
        shown=(("Verdicts (tables/segmentation_claims.csv)", table_html(found)),),
        tables=captioned(
            profile,
            {
                "segmentation_claims": "Every difference with its interval, printed ones beside",
                "segmentation_grey_means": "Mean grey values that the networks saw, printed beside",
            },
        ),
        **about,
    )


def goals(profile: str) -> list[Goal]:
    """Return every goal with the number that decides.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of Goal
        Empty where no model was judged.
    """
    if not has_rows(profile, "segmentation_cases"):
        return []
    found = metrics_of(profile, _SCORES)
    worst = max(found[f"p_holm_{REFINED}_vs_{model}"] or 0.0 for model in FRAME_MODELS)
    mean = number(found[f"dice_test_only_{REFINED}"])
    reached = {
        "goal_mean_dice_met": mean,
        "goal_better_than_each_2d_model_met": f"largest {p_value(worst)}",
        "goal_head_dice_met": number(found[f"dice_test_only_{REFINED}_femoral_head"]),
        "goal_order_of_table5_met": _order(found),
        _OF_PAPER: mean,
    }
    names = [name for name in GOALS if name != _OF_PAPER or profile == "paper"]
    return [
        Goal(GOALS[name], reached[name], bool(found[name]), "simulated", "models.html")
        for name in names
    ]


def _told_goals(profile: str) -> tuple[str, ...]:
    """Say of every goal whether it is met, and the number that decides."""
    return tuple(f"Goal {one.verdict}: {one.asked} ({one.found})." for one in goals(profile))


def _order(found: dict) -> str:
    """Return the models from the lowest mean Dice to the highest."""
    models = (*FRAME_MODELS, "3.1", REFINED)
    ordered = sorted(models, key=lambda model: found[f"dice_test_only_{model}"] or 0.0)
    return " < ".join(f"{name}: {number(found[f'dice_test_only_{name}'])}" for name in ordered)


def _table5(profile: str):
    """Return the mean over structures of every model, by truth on the test-only cohort."""
    rows = rows_of(
        profile, "segmentation_table5", cohort=TEST_ONLY, reference=TRUTH, structure=MEAN
    )
    return rows.set_index("model_id")


def _headline(profile: str) -> str:
    """Say how good model 3.2 is on infants that only test."""
    row, found = _by_truth(profile), metrics_of(profile, _SCORES)
    return (
        f"On {found['volume_count_test_only']} simulated volumes of "
        f"{found['subject_count_test_only']} infants that only test, model 3.2 reaches a mean Dice "
        f"of {number(row.dice_mean)} ({interval(row.dice_low, row.dice_high)}) with what was "
        "insonified."
    )


def _confirmed(profile: str) -> str:
    """Say how it compares with the 2D models, by the confirmatory tests."""
    rows = rows_of(profile, "segmentation_comparisons", family="confirmatory")
    said = [
        f"{row.model_b} by {row.mean_difference:+.3f} "
        f"({interval(row.mean_difference_low, row.mean_difference_high, '+.3f')}, "
        f"{p_value(row.p_holm)})"
        for row in rows.sort_values("model_b").itertuples()
    ]
    is_better = metrics_of(profile, _SCORES)["goal_better_than_each_2d_model_met"]
    verdict = "better than each 2D model" if is_better else "not better than each 2D model"
    return (
        f"It is {verdict}: it differs from {', '.join(said)}; confirmatory, {rows.n.min()} "
        "infants, paired Wilcoxon, Holm."
    )


def _ranked(profile: str) -> str:
    """Say whether all models rank alike."""
    row = rows_of(profile, "segmentation_friedman", structure=MEAN).iloc[0]
    return (
        f"Friedman's test over {row.model_count:.0f} models and {row.subject_count:.0f} infants "
        f"(exploratory): {p_value(row.p)}, Kendall's W {number(row.kendalls_w, '.2f')}."
    )


def _distances(profile: str) -> str:
    """Say how far borders of model 3.2 lie from the truth's."""
    wanted = {"reference": TRUTH, "cohort": TEST_ONLY, "model_id": REFINED, "structure": MEAN}
    rows = rows_of(profile, "segmentation_summary", **wanted).set_index("measure")
    hd, hd95, assd = (rows.loc[name] for name in ("hd_mm", "hd95_mm", "assd_mm"))
    return (
        f"Distances of model 3.2, medians over volumes: HD {number(hd['median'], '.2f')} mm, HD95 "
        f"{number(hd95['median'], '.2f')} mm, ASSD {number(assd['median'], '.2f')} mm; in "
        f"{hd['infinite_count']:.0f} of {hd['count']:.0f} volumes a structure is missing on one "
        "side, which counts as infinite."
    )


def _flattered(profile: str) -> list[str]:
    """Say what judging by labels that began as predictions adds."""
    said = []
    for model in ("3.1", REFINED):
        wanted = {"cohort": TEST_ONLY, "structure": MEAN, "reference": "corrected_label"}
        for row in rows_of(profile, "segmentation_bias", model_id=model, **wanted).itertuples():
            words = {"above": "flattered", "below": "judged harder", "neither": "not told apart"}
            said.append(
                f"Judged by labels that raters corrected from model 3.1's masks, as the paper "
                f"judges, instead of by truth, model {model} gains {row.difference:+.3f} Dice "
                f"({interval(row.low, row.high, '+.3f')}): {told(row.low, row.high, **words)}."
            )
    return said
