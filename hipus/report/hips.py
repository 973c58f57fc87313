"""What the report says of measuring hips: angles of untracked sweeps, and what drift does to them.

Decides the sentences; every number in them is read from a saved table or metrics file. All hips
are simulated, and a goal that is missed is called missed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from hipus import paths, tables
from hipus.report import hip_findings as findings
from hipus.report.page import Goal, Headline, Section, table_html
from hipus.report.sources import captioned, has_rows, metrics_of, pictures_of, rows_of
from hipus.report.wording import interval, told

NOT_MEASURED = "Not measured: no sweep has truth beside it."
_MODEL = "model"
PAGE = "angles.html"
_ERRORS = (
    "Absolute error of alpha on hips that only test, by way of measuring (simulated; "
    "tables/hip_error_summary.csv, tables/hip_gain.csv)"
)


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
        answer=_answer(profile),
        points=(*_claims(profile), *_intervals(profile)),
        shown=((_ERRORS, table_html(_errors(profile))),),
        pictures=pictures_of(profile, captions),
        tables=captioned(profile, names),
        **about,
    )


def headlines(profile: str) -> list[Headline]:
    """Return the headline of measuring: the error of alpha from untracked p_d sweeps.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of Headline
        Empty where nothing was measured.
    """
    if not has_rows(profile, "hip_error_summary"):
        return []
    rows = _alpha(profile, "hip_error_summary").set_index(["sweep_type", "poses"])
    if ("p_d", "rounded") not in rows.index:
        return []
    row, beside = rows.loc[("p_d", "rounded")], ""
    if findings.CONTROL in rows.index:
        control = rows.loc[findings.CONTROL].median_absolute_error
        beside = f"{findings.CONTROL_NAME} {control:.1f}°"
    return [
        Headline(
            what="Median error of alpha, untracked p_d sweeps",
            value=f"{row.median_absolute_error:.1f}°",
            interval=f"{interval(row.low, row.high, '.1f')}°",
            count=f"{row.sweep_count:.0f} sweeps of {row.subject_count:.0f} infants, "
            f"{row.refused_share:.0%} refused",
            origin="simulated",
            beside=beside,
            page=PAGE,
        )
    ]


def goals(profile: str) -> list[Goal]:
    """Return the goals of measuring, met or not.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of Goal
        Empty where nothing was measured.
    """
    if not has_rows(profile, "hip_error_summary"):
        return []
    verdicts = {findings.MET: True, findings.MISSED: False}
    return [
        Goal(_degrees(row.goal[0].upper() + row.goal[1:]), _degrees(row.found),
             verdicts.get(row.verdict), "simulated", PAGE)
        for row in _goal_table(profile).itertuples()
    ]  # fmt: skip


def _goal_table(profile: str):
    """Return the goals of notebook 10 as a table."""
    errors = tables.read(paths.table_file(profile, "hip_errors"))
    metrics = metrics_of(profile, "hip_angles")
    return findings.goal_table(metrics, _coverage(profile), errors=errors, profile=profile)


def _answer(profile: str) -> str:
    """Say of every goal of measuring whether it is met, and by which number."""
    said = [f"Goal {one.verdict}: {one.asked} ({one.found})." for one in goals(profile)]
    return " ".join(
        (*said, "Hips only test; labels are model 3.2's. Rounded poses are predicted ones, moved "
         "along the sweep until the labelled head is a ball.")
    )  # fmt: skip


def _errors(profile: str) -> pd.DataFrame:
    """Return how far alpha is off by every way, the control first, as a reader wants it."""
    summary = _alpha(profile, "hip_error_summary").set_index(["sweep_type", "poses"])
    gains = _alpha(profile, "hip_gain").set_index(["first", "second"])
    control, found = " ".join(findings.CONTROL), []
    for way in (findings.CONTROL, *findings.WAYS):
        if way not in summary.index:
            continue
        row, pair = summary.loc[way], (" ".join(way), control)
        gain = gains.loc[pair] if pair in gains.index else None
        found.append(
            {
                "measured in": findings.spoken(way),
                "median error": f"{row.median_absolute_error:.1f}°",
                "interval": interval(row.low, row.high, ".1f"),
                "refused": f"{row.refused_share:.0%}",
                "n": f"{row.sweep_count:.0f} sweeps, {row.subject_count:.0f} infants",
                "minus the single frame, where both measure": _against(gain),
            }
        )
    return pd.DataFrame(found)


def _against(gain: pd.Series | None) -> str:
    """Return a comparison with the control of the same hips."""
    if gain is None:
        return "–"
    ends = interval(gain.low, gain.high, "+.1f")
    word = told(gain.low, gain.high, above="worse", below="better", neither="not told apart")
    return f"{gain.mean_difference:+.1f}° ({ends}), n = {gain.hip_count:.0f}: {word}"


def _alpha(profile: str, name: str) -> pd.DataFrame:
    """Return a table's rows of alpha on ordinary hips by model 3.2's masks."""
    return rows_of(profile, name, group="ordinary", measure="alpha_deg", masks=_MODEL)


def _degrees(text: str) -> str:
    """Return text with the sign for degrees."""
    return text.replace(" deg", "°")


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
            f"{100 * found['interval_coverage_share']:.1f} % hold the truth. "
            + _degrees(findings.interval_sentence(_coverage(profile)))
        )


def _coverage(profile: str):
    """Return how often intervals hold, by cell."""
    return tables.read(paths.table_file(profile, "hip_interval_coverage"))
