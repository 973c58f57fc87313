"""What the report says of two crossing sweeps fused into one hip.

Decides the sentences; every number in them is read from a saved table or metrics file. All hips
are simulated, and a goal that is missed is called missed.
"""

from __future__ import annotations

from collections.abc import Iterator

from hipus.report.page import Goal, Headline, Section
from hipus.report.sources import captioned, has_rows, metrics_of, pictures_of, rows_of
from hipus.report.wording import interval, told

NOT_MEASURED = "Not measured: no sweep has truth beside it."
PAGE = "fusion.html"
_MODEL = "model"
_WORDS = {"above": "worse", "below": "better", "neither": "not told apart"}


def fusion(profile: str) -> Section:
    """Describe what two crossing sweeps of a hip gain over one.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    about = {
        "anchor": "hip-fusion",
        "question": "Is a hip from two crossing sweeps better than from one of them?",
        "kind": "simulated",
        "source": "stage hip_fusion",
        "notebook": "11_two_sweeps",
    }
    if not has_rows(profile, "hip_fusion_summary"):
        return Section(answer=NOT_MEASURED, **about)
    captions = {
        "11_hip_sections": "A hip by each sweep alone and by both (simulated).",
        "11_hip_changes": "Drift at the head and error of alpha before and after (simulated).",
    }
    names = {"hip_fusion_summary": "Before and after, alone and fused, over subjects"}
    points = tuple(_fused(profile))
    return Section(
        answer=points[0] if points else NOT_MEASURED,
        points=points[1:],
        pictures=pictures_of(profile, captions),
        tables=captioned(profile, names),
        **about,
    )


def headlines(profile: str) -> list[Headline]:
    """Return the headline of fusing: drift at the head.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of Headline
        Empty where nothing was measured.
    """
    if not has_rows(profile, "hip_fusion_summary"):
        return []
    rows = _fused_rows(profile)
    if ("drift_mm", "before") not in rows.index:
        return []
    row = rows.loc[("drift_mm", "before")]
    return [
        Headline(
            what="Drift at the head, two sweeps fused",
            value=f"{row.first_mean:.2f} mm",
            interval=f"{interval(row.first_low, row.first_high, '.2f')} mm",
            count=f"{row.hip_count:.0f} hips of {row.subject_count:.0f} infants",
            origin="simulated",
            beside=f"before fusing {row.second_mean:.2f} mm",
            page=PAGE,
        )
    ]


def goals(profile: str) -> list[Goal]:
    """Return the goals of fusing, met or not.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of Goal
        Empty where nothing was measured.
    """
    return list(_goals(profile)) if has_rows(profile, "hip_fusion_summary") else []


def _goals(profile: str) -> Iterator[Goal]:
    """Yield the goals that were judged."""
    found = metrics_of(profile, "hip_fusion")
    about = {"origin": "simulated", "page": PAGE}
    if found.get("goal_drift_mm_ratio") is not None:
        share = f"{100 * found['goal_drift_mm_ratio']:.0f} %"
        is_met = bool(found["goal_drift_mm_is_halved"])
        yield Goal("Drift at the head at most halved by fusing", share, is_met, **about)
    for kind in ("p_a", "p_d"):
        if found.get(f"goal_alpha_difference_to_{kind}_deg") is None:
            continue
        change = f"{found[f'goal_alpha_difference_to_{kind}_deg']:+.1f}°"
        is_met = bool(found[f"goal_alpha_is_better_than_{kind}"])
        yield Goal(f"Alpha fused better than from {kind} alone", change, is_met, **about)
        worst = f"worst infant {found[f'goal_alpha_worst_subject_to_{kind}_deg']:+.1f}°"
        is_met = bool(found[f"goal_alpha_worst_subject_to_{kind}_is_met"])
        yield Goal(f"No infant worse by 1° than from {kind} alone", worst, is_met, **about)


def _fused_rows(profile: str):
    """Return what fusing changes, by quantity and what it is compared with."""
    return rows_of(
        profile, "hip_fusion_summary", group="all", poses="predicted", masks=_MODEL
    ).set_index(["quantity", "second"])


def _fused(profile: str) -> Iterator[str]:
    """Say what fusing changes, by predicted poses and model 3.2's masks."""
    rows = _fused_rows(profile)
    for name, words in (
        ("drift_mm", "Drift at the head"),
        ("registration_mean_mm", "Registration error near the head"),
    ):
        if (name, "before") in rows.index:
            row = rows.loc[(name, "before")]
            yield (
                f"{words} goes from {row.second_mean:.2f} to {row.first_mean:.2f} mm on "
                f"{row.hip_count:.0f} hips of {row.subject_count:.0f} infants "
                f"({interval(row.low, row.high, '+.2f')}): to {100 * row.ratio:.0f} %."
            )
    for kind in ("p_a", "p_d"):
        if ("alpha_deg_error", kind) in rows.index:
            row = rows.loc[("alpha_deg_error", kind)]
            word = told(row.low, row.high, **_WORDS)
            yield (
                f"Alpha: mean error {row.second_mean:.1f}° from {kind} alone and "
                f"{row.first_mean:.1f}° fused, {row.difference:+.2f}° "
                f"({interval(row.low, row.high, '+.2f')}): {word}; worst for "
                f"{row.worst_subject} ({row.worst_difference:+.1f}°)."
            )
