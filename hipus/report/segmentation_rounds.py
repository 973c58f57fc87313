"""What the report says of labels and of rounds of segmentation: all of it simulated.

Decides the sentences; every number in them is read from a saved table. What `make arms` adds is
told where it is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from hipus.report.page import Section
from hipus.report.segmentation import NOT_MEASURED, REFINED
from hipus.report.segmentation_tables import MEAN, TEST_ONLY
from hipus.report.sources import captioned, has_rows, is_made, metrics_of, pictures_of, rows_of
from hipus.report.wording import interval, number

_PRIORS = {
    "first_masks": "masks put together from frames",
    "first_round_masks": "model 3.1's masks",
}


def frames(profile: str) -> Section:
    """Describe labels of frames and what 2D networks make of them.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    about = about_section(
        "frames", "How well do networks of frames label what raters drew?", "05_frame_segmentation",
        "stages frame_labels, model_masks (make reproduce); segmentation_arms (make arms)",
    )  # fmt: skip
    if not has_rows(profile, "inter_rater"):
        return Section(answer=NOT_MEASURED, **about)
    captions = {
        "05_segmentation_annotation": "A frame labelled by simulated raters, and the frames that "
        "two drew independently.",
        "05_segmentation_learning": "Losses and validation Dice of the five trainings (simulated).",
        "05_segmentation_split": "Dice of model 2.1 by split and by what judges (simulated).",
    }
    names = {
        "inter_rater": "Agreement of two simulated raters; the printed one is an input",
        "split_arm": "Model 2.1 by split and test frames",
        "split_inflation": "How much a split by frame flatters",
    }
    return Section(
        answer=" ".join((_drawn(profile), *_learned(profile))),
        points=tuple(_inflated(profile)),
        pictures=pictures_of(profile, captions),
        tables=captioned(profile, names),
        **about,
    )


def rounds(profile: str) -> Section:
    """Describe what rounds in 3D start from, and whether staging saves effort.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    about = about_section(
        "rounds", "Does it pay to label volumes in staged rounds?", "06_first_3d_round",
        "stages first_masks, volume_labels_first (make reproduce); segmentation_arms (make arms)",
    )  # fmt: skip
    if not has_rows(profile, "first_masks"):
        return Section(answer=NOT_MEASURED, **about)
    captions = {
        "06_segmentation_streaks": "How stepped masks of frames are as volumes (simulated).",
        "06_segmentation_effort": "Simulated effort of correcting a volume, by what it began from.",
    }
    names = {
        "annotation_effort": "Simulated effort of every task",
        "staging_effort": "Effort of a volume, by what it began from",
        "staging_totals": "Effort in all, staged and from nothing",
    }
    return Section(
        answer=" ".join((_streaks(profile), _staged(profile))),
        points=(*_savings(profile), *_effort(profile)),
        pictures=pictures_of(profile, captions),
        tables=captioned(profile, names),
        **about,
    )


def refined(profile: str) -> Section:
    """Describe the second round: model 3.2 beside raters.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    about = about_section(
        "refined", "Does the refined model reach the agreement of raters?", "07_refined_3d_round",
        "stages volume_labels_refined, segmentation_scores; segmentation_arms (make arms)",
    )  # fmt: skip
    if not has_rows(profile, "segmentation_raters"):
        return Section(answer=NOT_MEASURED, **about)
    captions = {
        "07_segmentation_rounds": "One volume's masks from round to round (simulated).",
        "07_segmentation_cases": "Model 3.2 on four hips: both directions, both sides (simulated).",
        "07_segmentation_failures": "The worst test volumes, and what is wrong (simulated).",
        "07_segmentation_staging": "What staging saves, and what networks lose, as the rater's "
        "errors grow (simulated).",
    }
    names = {
        "segmentation_table3": "Table 3: model 3.2 by direction of the sweep, printed beside",
        "segmentation_table4": "Table 4: model 3.2 by case, printed beside",
        "segmentation_raters": "Model, raters and truth with each other",
        "rater_error_arm": "Model 3.2 by the rater's errors and by what the labels began from",
    }
    return Section(
        answer=_agreement(profile),
        points=tuple(_errors(profile)),
        pictures=pictures_of(profile, captions),
        tables=captioned(profile, names),
        **about,
    )


def about_section(anchor: str, question: str, notebook: str, source: str) -> dict[str, str]:
    """Return what a section says of itself.

    Parameters
    ----------
    anchor, question, notebook, source : str

    Returns
    -------
    dict of str to str
    """
    return {
        "anchor": f"segmentation-{anchor}",
        "question": question,
        "kind": "simulated",
        "source": source,
        "notebook": notebook,
    }


def _drawn(profile: str) -> str:
    """Say how two raters agree on frames."""
    rows = rows_of(profile, "inter_rater").set_index("structure")
    said = [
        f"{words} {rows.dice[name]:.2f} (printed {rows.published_dice[name]:.2f})"
        for name, words in (
            ("mean of the four", "mean"),
            ("ilium", "ilium"),
            ("femoral_head", "femoral head"),
        )
    ]
    mean = rows.loc["mean of the four"]
    return (
        f"Two simulated raters who drew {mean.frame_count:.0f} frames of one infant independently "
        f"agree to a Dice of {', '.join(said)}; their errors were set after the printed ones. "
        f"Reviewed labels reach {mean.final_truth_dice:.2f} with what the frames show."
    )


def _learned(profile: str) -> Iterator[str]:
    """Say how 2D models label frames."""
    if not has_rows(profile, "segmentation_table1"):
        return
    rows = rows_of(profile, "segmentation_table1", structure=MEAN, unit="frame")
    said = ", ".join(
        f"{row.model_id} {number(row.label_dice_mean, '.2f')} (printed {row.printed_dice:.2f})"
        for row in rows.itertuples()
    )
    yield f"By raters' labels of test frames, mean Dice: {said}."


def _inflated(profile: str) -> Iterator[str]:
    """Say how much a split by frame flatters, or that the arm was not run."""
    if not is_made(profile, "split_inflation"):
        yield "What a split by frame, not by infant, would add was not run: `make arms` runs it."
        return
    rows = rows_of(profile, "split_inflation", structure=MEAN)
    for row in rows.itertuples():
        yield (
            f"Split {row.split.replace('_', ' ')}: model 2.1 has a Dice of {row.dice_own_test:.3f} "
            f"on its own test frames and {row.dice_test_only:.3f} on infants that only test, by "
            f"truth: {row.inflation:+.3f} ({interval(row.low, row.high, '+.3f')})."
        )


def _streaks(profile: str) -> str:
    """Say how stepped masks of frames are as volumes."""
    found = metrics_of(profile, "first_masks")
    between = [found["slice_dice"] or 0.0, found["truth_slice_dice"] or 0.0]
    word = "more" if between[0] < between[1] else "no more"
    return (
        f"Put together from frames, masks of model 2.2 are {word} stepped across slices than truth "
        f"put together alike: neighbouring slices agree to {number(between[0])} instead of "
        f"{number(between[1])}, surfaces are rough by "
        f"{number(found['roughness_elevational_mm'], '.2f')} mm along the sweep instead of "
        f"{number(found['truth_roughness_elevational_mm'], '.2f')} mm."
    )


def _staged(profile: str) -> str:
    """Say whether staging saves effort, or that the arm was not run."""
    if not is_made(profile, "staging_totals"):
        return "Whether staging saves effort was not run in this profile: `make arms` runs it."
    rows = rows_of(profile, "staging_totals").sort_values("error_scale")
    said = ", ".join(
        f"{row.saving_percent:.0f} % ({_saved(row)}) at errors x {row.error_scale:g}"
        for row in rows.itertuples()
    )
    own = rows.set_index("error_scale").loc[1.0]
    count = own.break_even_volumes
    when = "never pays" if math.isinf(count) else f"pays from {math.ceil(count)} volumes on"
    return (
        f"In all, staging saves of the simulated minutes {said}: {own.staged_simulated_h:.1f} h "
        f"instead of {own.from_nothing_simulated_h:.1f} h with the study's own rater, frames and "
        f"first volumes paid; it {when}."
    )


def _saved(row) -> str:
    """Return the interval of what is saved, percent."""
    return interval(row.saving_percent_low, row.saving_percent_high, ".0f")


def _savings(profile: str) -> Iterator[str]:
    """Say what a volume costs by what it began from."""
    if not is_made(profile, "staging_effort"):
        return
    rows = rows_of(profile, "staging_effort", subjects="all", error_scale=1.0).set_index("prior")
    nothing = rows.loc["nothing", "minutes_simulated"]
    for prior, words in _PRIORS.items():
        row = rows.loc[prior]
        yield (
            f"A volume begun from {words} takes {row.minutes_simulated:.0f} simulated minutes "
            f"instead of {nothing:.0f}: {row.saving_percent:.0f} % less "
            f"({_saved(row)}; where one cost is halved or doubled "
            f"{row.saving_percent_least_by_cost:.0f} to {row.saving_percent_most_by_cost:.0f} %)."
        )


def _effort(profile: str) -> Iterator[str]:
    """Say what every task took."""
    if not has_rows(profile, "annotation_effort"):
        return
    rows = rows_of(profile, "annotation_effort")
    said = "; ".join(
        f"{row.task} {row.simulated_h:.1f} h ({row.case_count} cases, rater {row.rater_id})"
        for row in rows.itertuples()
    )
    yield f"Simulated effort by a stated cost model: {said}."


def _agreement(profile: str) -> str:
    """Say whether model 3.2 agrees with raters as they do with each other."""
    rows = rows_of(profile, "segmentation_raters", cohort=TEST_ONLY, structure=MEAN)
    rows = rows.set_index("pair")
    between = rows.loc["C and D"]
    pairs = [(name, rows.loc[f"{REFINED} and {name}"]) for name in ("C", "D")]
    said = ", ".join(
        f"with {name} to {row.dice_mean:.3f} ({row.difference:+.3f}, "
        f"{interval(row.low, row.high, '+.3f')})"
        for name, row in pairs
    )
    truth = rows.loc[f"{REFINED} and truth", "dice_mean"]
    return (
        f"Two simulated raters C and D, who corrected the same masks of model 3.1 independently, "
        f"agree to a mean Dice of {between.dice_mean:.3f} "
        f"({interval(between.dice_low, between.dice_high)}); model 3.2 agrees {said}. With truth, "
        f"C agrees to {rows.loc['C and truth', 'dice_mean']:.3f}, the model to {truth:.3f}."
    )


def _errors(profile: str) -> Iterator[str]:
    """Say how far a rater's errors reach into the model."""
    if not is_made(profile, "rater_error_arm"):
        yield "Other errors of the rater were not run in this profile: `make arms` runs them."
        return
    for row in rows_of(profile, "rater_error_arm", structure=MEAN).itertuples():
        yield (
            f"Labels from {_PRIORS.get(row.prior, row.prior)}, the rater's errors x "
            f"{row.error_scale:g}: labels {number(row.dice_corrected)}, model 3.2 "
            f"{number(row.dice_model_mean)} with truth ({row.model_difference:+.3f} against the "
            f"study's own, {interval(row.difference_low, row.difference_high, '+.3f')})."
        )
