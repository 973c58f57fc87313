"""What the report says of measuring hips: untracked angles, what drift does, two sweeps in one.

Decides the sentences; every number in them is read from a saved table or metrics file. All hips
are simulated, and a goal that is missed is called missed.
"""

from __future__ import annotations

from collections.abc import Iterator

from hipus.report.page import Section
from hipus.report.sources import captioned, has_rows, metrics_of, pictures_of, rows_of
from hipus.report.wording import interval, told

NOT_MEASURED = "Not measured: no sweep has truth beside it."
#: Goal of the median absolute error of alpha from untracked p_d sweeps, deg.
GOAL_DEG = 4.0
_MODEL = "model"
_WORDS = {"above": "worse", "below": "better", "neither": "not told apart"}


def angles(profile: str) -> Section:
    """Describe how far angles of untracked sweeps are from the truth, and what drift does.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    about = {
        "anchor": "hip-angles",
        "question": "How far is a hip angle from an untracked sweep off, and what does drift do?",
        "kind": "simulated",
        "source": "stages hip_measures, hip_angles",
        "notebook": "10_hip_angles",
    }
    if not has_rows(profile, "hip_error_summary"):
        return Section(answer=NOT_MEASURED, **about)
    captions = {
        "10_hip_errors": "Absolute errors by poses and masks beside the best single frame, with "
        "the share refused (simulated).",
        "10_hip_planes": "The Graf plane of one p_d sweep by true, tracked, predicted and rounded "
        "poses (simulated).",
        "10_hip_drift": "Change of alpha by predicted poses over drift, over all and near the "
        "head (simulated).",
        "10_hip_motion": "Error of shape near the head, by the tracker and by pictures "
        "(simulated).",
        "10_hip_agreement": "Measured minus true alpha, with limits of agreement (simulated).",
        "10_hip_types": "Graf types by alpha, and hips below 60 degrees found (simulated).",
        "10_hip_coverage": "How often calibrated intervals hold the truth, and their width "
        "(simulated).",
    }
    names = {
        "hip_claims": "Conjectures of the paper, asked with numbers",
        "hip_gain": "What one way gains over another on the same hips",
        "hip_drift_model": "Mixed model of the change of alpha, subject as random effect",
        "hip_repeatability": "Repeated sweeps",
        "hip_icc": "ICC(2,1), beside the SD of the hips",
    }
    return Section(
        answer=_errors(profile),
        points=(*_control(profile), *_claims(profile), *_intervals(profile)),
        pictures=pictures_of(profile, captions),
        tables=captioned(profile, names),
        **about,
    )


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


def cards(profile: str) -> list[dict[str, str]]:
    """Return the headline numbers of the start page.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of dict
        what, value, beside; empty where nothing was measured.
    """
    rows = _alpha(profile)
    if rows is None or "p_d rounded" not in rows.index:
        return []
    row = rows.loc["p_d rounded"]
    beside = f"goal {GOAL_DEG:g}°; {row.refused_share:.0%} refused"
    if "p_a best_frame" in rows.index:
        control = rows.loc["p_a best_frame"].median_absolute_error
        beside += f"; best single frame {control:.1f}°"
    return [
        {
            "what": "Alpha from untracked p_d sweeps, median error (simulated)",
            "value": f"{row.median_absolute_error:.1f}°",
            "beside": beside,
        }
    ]


def _alpha(profile: str):
    """Return errors of alpha on ordinary test hips by model 3.2's masks, by way of measuring."""
    if not has_rows(profile, "hip_error_summary"):
        return None
    rows = rows_of(
        profile, "hip_error_summary", group="ordinary", measure="alpha_deg", masks=_MODEL
    )
    return rows.assign(way=rows.sweep_type + " " + rows.poses).set_index("way")


def _errors(profile: str) -> str:
    """Say how far alpha is off by each kind of poses."""
    rows = _alpha(profile)
    parts = []
    for kind in ("p_d", "p_a"):
        ways = [(f"{kind} {poses}", poses) for poses in ("tracked", "predicted", "rounded")]
        told_ = [
            f"{rows.loc[way].median_absolute_error:.1f}° {poses} "
            f"({rows.loc[way].refused_share:.0%} refused)"
            for way, poses in ways
            if way in rows.index
        ]
        parts.append(f"{kind} sweeps {', '.join(told_)}")
    met = ""
    if "p_d rounded" in rows.index:
        is_met = rows.loc["p_d rounded"].median_absolute_error <= GOAL_DEG
        met = f" The goal of {GOAL_DEG:g}° from untracked p_d sweeps is {_met(is_met)}."
    return (
        f"Median error of alpha by model 3.2's masks on hips that only test: {'; '.join(parts)}. "
        "Rounded poses are predicted ones, moved along the sweep until the labelled head is a "
        f"ball.{met}"
    )


def _met(is_met: bool) -> str:
    return "met" if is_met else "missed"


def _control(profile: str) -> Iterator[str]:
    """Say what is gained over the best single frame of the same hip."""
    rows = rows_of(profile, "hip_gain", group="ordinary", measure="alpha_deg", masks=_MODEL)
    rows = rows[(rows.second == "p_a best_frame") & rows["first"].str.endswith("rounded")]
    for row in rows.itertuples():
        word = told(row.low, row.high, **_WORDS)
        yield (
            f"Control: alpha in the best single p_a frame of the same {row.hip_count:.0f} hips "
            f"is off by {row.second_median:.1f}° (median); untracked {row.first.split()[0]} "
            f"sweeps by {row.first_median:.1f}°, mean difference {row.mean_difference:+.2f}° "
            f"({interval(row.low, row.high, '+.2f')}): {word}."
        )


def _claims(profile: str) -> Iterator[str]:
    """Say what became of the paper's conjectures."""
    for row in rows_of(profile, "hip_claims").itertuples():
        yield f"{row.asked[0].upper()}{row.asked[1:]}: {row.verdict}; {row.found}."


def _intervals(profile: str) -> Iterator[str]:
    """Say how often intervals hold the truth."""
    found = metrics_of(profile, "hip_angles")
    if found.get("interval_count"):
        yield (
            f"Of {found['interval_count']} calibrated 95 % intervals on test hips "
            f"{100 * found['interval_coverage_share']:.1f} % hold the truth."
        )


def _fused(profile: str) -> Iterator[str]:
    """Say what fusing changes, by predicted poses and model 3.2's masks."""
    rows = rows_of(
        profile, "hip_fusion_summary", group="all", poses="predicted", masks=_MODEL
    ).set_index(["quantity", "second"])
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
