"""What the report says of predicted motion: all of it simulated, but for the transfer.

Decides the sentences; every number in them is read from a saved table. Says of each answer
which command made it: `make reproduce`, or `make arms` for what stands outside of it.
"""

from __future__ import annotations

import pandas as pd

from hipus import paths, tables
from hipus.report.page import Goal, Headline, Section
from hipus.report.sources import absent_files, has_rows, pictures_of, tables_of
from hipus.report.wording import interval

#: Tables of `make arms`; a profile may lack them.
FROM_ARMS = ("motion_arm_comparison", "motion_claims", "motion_spacing")
NOT_MEASURED = "Not measured: nobody is tracked to train and to test on."
_CONSTANT, _BY_TYPE, _NETWORK = "constant step", "constant step by type", "published"


def headlines(profile: str) -> list[Headline]:
    """Return the headline number of predicted motion.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of Headline
        Empty where no arm was judged.
    """
    if not _is_judged(profile):
        return []
    arms = _arms(profile)
    ours, constant = (arms.loc[(arm, "vs_tracker")] for arm in (_study_arm(profile), _CONSTANT))
    return [
        Headline(
            what="Final drift without tracking",
            value=f"{ours['mean']:.1f} mm",
            interval=f"{interval(ours['low'], ours['high'], '.1f')} mm",
            count=f"{ours['sweep_count']} sweeps of {ours['subject_count']} infants",
            origin="simulated",
            beside=f"constant step {constant['mean']:.1f} mm" + _by_type(arms),
            page="motion.html",
        )
    ]


def goals(profile: str) -> list[Goal]:
    """Return the goals of predicted motion, met or not.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of Goal
        Empty where no arm was judged.
    """
    if not _is_judged(profile):
        return []
    arms, row = _arms(profile), _against_best(profile)
    ours, constant = (arms.loc[(arm, "vs_tracker"), "mean"] for arm in
                      (_study_arm(profile), _CONSTANT))  # fmt: skip
    about = {"origin": "simulated", "page": "motion.html"}
    change = f"{row['difference']:+.2f} mm, {interval(row['low'], row['high'], '+.2f')}"
    share = f"{100 * ours / constant:.0f} %"
    if (_BY_TYPE, "vs_tracker") in arms.index:
        by_type = arms.loc[(_BY_TYPE, "vs_tracker"), "mean"]
        share += f"; {100 * ours / by_type:.0f} % of a step by sweep type"
    return [
        Goal(
            "Less drift than the best arm that is not learned",
            change,
            bool(row["high"] < 0),
            **about,
        ),
        Goal(
            "At most a third of a constant step's drift", share, bool(3 * ours <= constant), **about
        ),
    ]


def _by_type(arms) -> str:
    """Return the stricter yardstick, where it was judged: a step for each sweep type."""
    if (_BY_TYPE, "vs_tracker") not in arms.index:
        return ""
    return f", by sweep type {arms.loc[(_BY_TYPE, 'vs_tracker'), 'mean']:.1f} mm"


def predicted(profile: str) -> Section:
    """Describe how well motion is predicted.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    captions = {
        "03_arms": "Final drift of every arm: infants, mean and 95 % interval (simulated); "
        "the dashed line is the printed, clinical number.",
        "03_trajectories": "Three test sweeps of growing complexity, predicted and tracked "
        "(simulated).",
        "03_frame_errors": "Errors of the same three sweeps, frame by frame (simulated).",
        "03_factors": "Drift by path, duration and the infant's motion, one infant (simulated).",
    }
    names = ("motion_published", "motion_arms", "motion_comparisons", "motion_subjects")
    names += ("motion_factor_effects", "motion_tusrec", "motion_transfer")
    return Section(
        anchor="motion",
        question="How well is probe motion predicted without tracking?",
        answer=" ".join((_drift(profile), _goal(profile), _printed(profile)))
        if _is_judged(profile)
        else NOT_MEASURED,
        kind="simulated; transfer: real recordings of phantoms",
        source="stages motion, motion_transfer (make reproduce)",
        notebook="03_motion",
        pictures=pictures_of(profile, captions),
        tables=tables_of(profile, names),
        missing=absent_files(profile, "motion_transfer"),
    )


def volumes(profile: str) -> Section:
    """Describe what predicted poses do to volumes, and what a crossing sweep repairs.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    captions = {
        "04_predicted_planes": "The plane across the sweep through the head, by tracked and by "
        "predicted poses (simulated).",
        "04_predicted_volumes": "Likeness to the tracked volume against distance from the head's "
        "centre (simulated).",
        "04_predicted_local": "Displacement near the head beside final drift and elsewhere "
        "(simulated).",
        "04_refinement": "Final drift before and after refinement by the crossing sweep "
        "(simulated).",
    }
    return Section(
        anchor="predicted-volumes",
        question="What do predicted poses do to the volume?",
        answer=" ".join((*_local(profile), *_refined(profile))) or "Not measured: no truth.",
        kind="simulated",
        source="stages motion_volumes, pose_refinement (make reproduce)",
        notebook="04_reconstruction",
        pictures=pictures_of(profile, captions),
        tables=tables_of(profile, ("local_consistency_summary", "pose_refinement_summary")),
    )


def sensorless(profile: str) -> Section:
    """Describe the compared networks and the findings of others.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
        Without the tables of `make arms` it says that they were not made.
    """
    captions = {
        "42_decorrelation": "Correlation of patches with the first frame's along four motions "
        "(simulated).",
        "42_spacing": "Final drift against frame spacing (simulated).",
    }
    there = tuple(name for name in FROM_ARMS if paths.table_file(profile, name).is_file())
    return Section(
        anchor="sensorless",
        question="Do the findings of others on sensorless tracking hold here?",
        answer=_findings(profile),
        kind="simulated",
        source="decorrelation_curves (make reproduce); motion_arms, motion_spacing (make arms)",
        notebook="42_sensorless",
        pictures=pictures_of(profile, captions),
        tables=tables_of(profile, there),
    )


def _is_judged(profile: str) -> bool:
    """Return whether the study's arm was: a cohort that nobody tracked leaves empty tables."""
    return has_rows(profile, "motion_frames") and has_rows(profile, "motion_arms")


def _arms(profile: str) -> pd.DataFrame:
    """Return every arm's mean final drift, by arm and truth."""
    return tables.read(paths.table_file(profile, "motion_arms")).set_index(["arm", "truth"])


def _study_arm(profile: str) -> str:
    """Return the study's own arm: the one whose sweeps are shown."""
    return str(tables.read(paths.table_file(profile, "motion_frames"))["arm"].iloc[0])


def _drift(profile: str) -> str:
    """Say how far off the last frame is."""
    arms, name = _arms(profile), _study_arm(profile)
    ours, constant = arms.loc[(name, "vs_tracker")], arms.loc[(_CONSTANT, "vs_tracker")]
    sentence = (
        f"On {ours['sweep_count']} simulated sweeps of {ours['subject_count']} infants that only "
        f"test, {name} ends {ours['mean']:.1f} mm (95 % {ours['low']:.1f} to {ours['high']:.1f}) "
        f"from the tracked last frame: {100 * ours['mean'] / constant['mean']:.0f} % of a constant "
        f"step's {constant['mean']:.1f} mm{_by_type(arms)}"
    )
    if (name, "vs_hip") in arms.index:
        sentence += f"; against the pelvis {arms.loc[(name, 'vs_hip'), 'mean']:.1f} mm"
    return f"{sentence}."


def _goal(profile: str) -> str:
    """Say how the study's arm compares with the best one that is not learned."""
    row = _against_best(profile)
    told = "lower" if row["high"] < 0 else "not told apart" if row["low"] <= 0 else "higher"
    return (
        f"Against the best arm that is not learned ({row['arm_b']}) that is {told}: "
        f"{row['difference']:+.1f} mm (95 % {row['low']:+.1f} to {row['high']:+.1f})."
    )


def _against_best(profile: str) -> pd.Series:
    """Return the study's arm compared with the best one that is not learned."""
    rows = tables.read(paths.table_file(profile, "motion_comparisons"))
    rows = rows[(rows["arm_a"] == _study_arm(profile)) & (rows["truth"] == "vs_tracker")]
    rows = rows[(rows["measure"] == "final_mm") & rows["is_best_not_learned"].astype(bool)]
    return rows.set_index("sweep_type").loc["all"]


def _printed(profile: str) -> str:
    """Say what the paper's network gives here, and what is printed."""
    network = _arms(profile).loc[(_NETWORK, "vs_tracker")]
    printed = tables.read(paths.table_file(profile, "motion_published"))
    row = printed.set_index(["metric", "column_as_printed"]).loc[
        ("Final drift", "translation_total")
    ]
    return (
        f"The paper's network with the IMU ends {network['mean']:.1f} mm off after "
        f"{row['training']} (profile {profile}); the printed {row['mean']:.2f} mm are clinical."
    )


def _local(profile: str) -> list[str]:
    """Say whether the region of the head is more consistent than drift says."""
    summary = tables.read(paths.table_file(profile, "local_consistency_summary"))
    rows = summary[summary["sweep_type"] == "all"].set_index(["arm", "quantity"])
    said = []
    for arm in dict.fromkeys(summary["arm"]):
        near, final = (rows.loc[(arm, f"{name}_mm"), "mean"] for name in ("near", "final"))
        gap = rows.loc[(arm, "elsewhere_minus_near_mm")]
        told = "more" if gap["low"] > 0 else "less" if gap["high"] < 0 else "no more or less"
        said.append(
            f"With the poses of {arm.replace('_', ' ')}, aligned at the head, tissue near it is "
            f"displaced by {near:.1f} mm where the sweep's end drifts by {final:.1f} mm; the "
            f"head's region is {told} consistent than others of its size ({gap['mean']:+.2f} mm, "
            f"95 % {gap['low']:+.2f} to {gap['high']:+.2f})."
        )
    return said


def _refined(profile: str) -> list[str]:
    """Say what the crossing sweep takes out of drift."""
    summary = tables.read(paths.table_file(profile, "pose_refinement_summary"))
    rows = summary[(summary["sweep_type"] == "all") & (summary["truth"] == "vs_tracker")]
    return [
        f"Refined by what two crossing sweeps must agree on, {row.arm.replace('_', ' ')} drifts by "
        f"{row.final_mm_after:.1f} mm instead of {row.final_mm_before:.1f} mm "
        f"({row.difference_mm:+.1f} mm, 95 % {row.difference_low_mm:+.1f} to "
        f"{row.difference_high_mm:+.1f}; {row.sweep_count} sweeps)."
        for row in rows.itertuples()
    ]


def _findings(profile: str) -> str:
    """Say how many findings hold, or that their arms were not run."""
    path = paths.table_file(profile, "motion_claims")
    if not path.is_file():
        return "The compared networks were not run in this profile: `make arms` runs them."
    claims = tables.read(path)
    counts = claims["verdict"].value_counts()
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return (
        f"Of {len(claims)} findings of the paper, the thesis and Guo et al.: {told}. Networks were "
        "trained once, equally long and briefly, by `make arms`."
    )
