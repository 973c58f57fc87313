"""What the report says of how far models carry: grades, other circumstances, real stills.

Decides the sentences; every number in them is read from a saved table. Sweeps are simulated; the
stills are real pictures whose masks a program made, and only `make arms` runs them.
"""

from __future__ import annotations

from collections.abc import Iterator

from hipus.report.page import Section, table_html
from hipus.report.segmentation import NOT_MEASURED
from hipus.report.segmentation_rounds import about_section
from hipus.report.segmentation_tables import GRADES, GROUPS, shares
from hipus.report.sources import captioned, has_rows, is_made, pictures_of, rows_of
from hipus.report.wording import interval, told

#: Words for kinds of failure.
FAILURES = {
    "missing_structure": "a structure is missing",
    "incomplete_bone": "bone is incomplete",
    "deformed_head": "the head is deformed",
    "holes": "holes",
    "discontinuity": "discontinuities",
    "motion_artefact": "motion artefacts",
    "excess_label": "more than there is",
}


def grades(profile: str) -> Section:
    """Describe how volumes look, and how far model 3.2 carries.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    about = about_section(
        "grades", "How good do the volumes look, and how far does model 3.2 carry?",
        "09_volume_grades", "stage volume_grades (make reproduce)",
    )  # fmt: skip
    if not has_rows(profile, "volume_grade_shares"):
        return Section(answer=NOT_MEASURED, **about)
    captions = {
        "09_segmentation_grades": "Grades by group, printed shares beside, and kinds of failure "
        "(simulated).",
        "09_segmentation_graded": "A typical volume of each grade in three planes (simulated).",
    }
    names = {
        "grading_rules": "The rules, with limits from training truth",
        "volume_failures": "Kinds of failure by group",
        "volume_drop": "What is lost against tracked sweeps of the first centre",
    }
    said = "Grades by rules, percent of volumes (95 % interval); printed ones were read by people"
    return Section(
        answer=_graded(profile),
        points=(*_dropped(profile), _failed(profile)),
        shown=((f"{said} (tables/volume_grade_shares.csv)", table_html(shares(profile))),),
        pictures=pictures_of(profile, captions),
        tables=captioned(profile, names),
        **about,
    )


def stills(profile: str) -> Section:
    """Describe real stills, each case by a network that never saw it.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
        Without the table of `make arms` it says that it was not made.
    """
    about = about_section(
        "stills", "Do 2D networks label real pictures of hips?", "05_frame_segmentation",
        "stage stills_segmentation (make arms)",
    ) | {"kind": "real stills, machine-labelled"}  # fmt: skip
    if not is_made(profile, "stills_segmentation_summary"):
        return Section(answer="Not run in this profile: `make arms` runs it.", **about)
    refused = rows_of(profile, "stills_cases", status="refused")
    return Section(
        answer=_learned(profile),
        points=tuple(f"Refused: {case.reason}." for case in refused.itertuples()),
        tables=captioned(
            profile,
            {
                "stills_segmentation_summary": "What pretraining adds, by structure",
                "stills_cases": "The cases, their licence and attribution",
            },
        ),
        **about,
    )


def _graded(profile: str) -> str:
    """Say which share of volumes has which grade, beside the printed shares."""
    rows = rows_of(profile, "volume_grade_shares", sweep_type="all", poses="tracked")
    there = set(rows.group)
    group = next(name for name in ("ordinary", "remaining", *GROUPS) if name in there)
    by_grade = rows[rows.group == group].set_index("grade")
    ours = ", ".join(f"{100 * by_grade.share[name]:.0f} % {name}" for name in GRADES)
    printed = " / ".join(f"{by_grade.published_percent[name]:.0f}" for name in GRADES)
    first = by_grade.iloc[0]
    return (
        f"Of {first.volume_count:.0f} volumes ({GROUPS[group]}, tracked) rules call {ours}; the "
        f"printed {printed} % of {first.published_volume_count:.0f} volumes were read by people "
        "in a clinic: alike in words only."
    )


def _dropped(profile: str) -> Iterator[str]:
    """Say what is lost elsewhere."""
    for row in rows_of(profile, "volume_drop", quantity="dice_mean").itertuples():
        word = told(row.low, row.high, above="gained", below="lost", neither="not told apart")
        yield (
            f"{row.comparison.capitalize()}: mean Dice {row.mean:.3f} against "
            f"{row.reference_mean:.3f}, {row.difference:+.3f} "
            f"({interval(row.low, row.high, '+.3f')}; {row.volume_count:.0f} and "
            f"{row.reference_volume_count:.0f} volumes): {word}."
        )


def _failed(profile: str) -> str:
    """Say which kinds of failure volumes show."""
    rows = rows_of(profile, "volume_failures")
    total = rows.drop_duplicates(["group", "poses"]).volume_count.sum()
    counts = rows.groupby("failure")["count"].sum().sort_values(ascending=False)
    said = ", ".join(f"{FAILURES[name]} {count}" for name, count in counts.items() if count)
    return f"Kinds of failure in all {total} volumes, several in one: {said or 'none'}."


def _learned(profile: str) -> str:
    """Say how real stills are labelled, and what simulated frames add."""
    rows = rows_of(profile, "stills_segmentation_summary", measure="dice").set_index("structure")
    row = rows.loc["mean"]
    words = {"above": "better", "below": "worse", "neither": "not told apart"}
    return (
        f"Each of {row.case_count:.0f} open cases is labelled by networks that learned from the "
        f"others: mean Dice {row.from_scratch:.3f} from scratch and {row.pretrained:.3f} after "
        f"training on simulated frames, {row.difference:+.3f} "
        f"({interval(row.low, row.high, '+.3f')}): {told(row.low, row.high, **words)}, better in "
        f"{row.better_case_count:.0f} cases. The masks that judge are a program's, not a reader's; "
        "their structures are not the study's."
    )
