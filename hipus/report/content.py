"""What the report says of machine, cohort, calibration, reconstruction and printed numbers.

Decides the sentences; every number in them is read from a saved table or metrics file when the
page is built.
"""

from __future__ import annotations

from hipus import paths, tables
from hipus.report.page import Section, table_html
from hipus.report.sources import absent_files, metrics_of, pictures_of, tables_of


def machine(profile: str) -> Section:
    """Describe the machine and the inputs.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    machine = tables.read(paths.table_file(profile, "machine"))
    real = tables.read(paths.table_file(profile, "real_inputs"))
    present = int((real["status"] == "present").sum())
    enough = "meets" if machine["is_enough"].all() else "does not meet"
    return Section(
        anchor="machine",
        question="Can this machine run the study?",
        answer=f"It {enough} every need; {present} of {len(real)} real open files are present.",
        kind="this machine",
        source="stages machine, real_inputs",
        notebook="00_machine",
        tables=(("The machine", table_html(machine)),),
    )


def cohort(profile: str) -> Section:
    """Describe the simulated cohort and how real it is.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    captions = {
        "01_hips": "Constructed alpha of every hip by Graf type, and by section (simulated).",
        "01_frames": "Frames along two sweeps, and what is insonified in truth (simulated).",
        "01_sweeps": "Duration without hesitation and path of all sweeps (simulated).",
        "01_courses": "Where the image centre went, in truth and as the tracker reports it.",
        "01_anatomy": "The true labels, three planes through the head's centre (simulated).",
        "01_steps": "Steps of the probe over the length that speckle stays correlated (simulated).",
        "01_decorrelation": "Speckle against elevational motion, measured and designed.",
        "01_features": "Picture statistics of simulated and real pictures, mean and SD.",
        "01_greys": "Grey levels by region, beside real or printed ones that were not tuned to.",
        "01_raters": "Agreement of two simulated raters; the published one is an input.",
    }
    names = ("cohort_published", "cohort_step", "physics_checks", "likeness", "grey_levels")
    return Section(
        anchor="cohort",
        question="Who is in the cohort, and what does a sweep contain?",
        answer=_cohort_answer(profile),
        kind="simulated",
        source="stages cohort, realism, raters",
        notebook="01_cohort",
        pictures=pictures_of(profile, captions),
        tables=tables_of(profile, (*names, "rater_agreement")),
        missing=absent_files(profile, "realism"),
    )


def _cohort_answer(profile: str) -> str:
    """Return the answer on the cohort."""
    found = metrics_of(profile, "cohort")
    checks = tables.read(paths.table_file(profile, "physics_checks"))
    answer = (
        f"{found['subjects_total']} subjects ({found['origin']}) with {found['sweeps_total']} "
        f"sweeps and {found['frames_total']} frames; {found['sweeps_usable']} sweeps pass the "
        f"quality rules. {int(checks['holds'].sum())} of {len(checks)} physics checks hold."
    )
    likeness = tables.read(paths.table_file(profile, "likeness"))
    if len(likeness):
        row = likeness.set_index("half").loc["report"]
        answer += (
            f" Simulated and real pictures differ by {row['simulated_to_real']:.1f} grey levels, "
            f"real ones among themselves by {row['real_to_real']:.1f}; a linear classifier still "
            f"tells simulated from real with an AUC of {row['auc_simulated']:.2f}."
        )
    return answer


def _calibration_answer(found: dict) -> str:
    """Return the answer on calibration from its metrics."""
    return (
        f"Wires were found in {found['frames_found']} of {found['frames_total']} frames; the "
        f"classic solution predicts the middle wires of an unseen sweep to "
        f"{found['classic_validation_error_mm_mean']:.3f} mm (all of them: "
        f"{found['classic_validation_error_mm_mean_all']:.3f} mm) and lies "
        f"{found['classic_origin_from_plus_mm']:.3f} mm and "
        f"{found['classic_angle_from_plus_deg']:.3f}° from the PLUS toolkit's. The water-tank "
        f"lag is {1e3 * found['lag_s']:.1f} ms, {1e3 * found['lag_from_plus_s']:+.2f} ms from "
        f"the toolkit's. A slow sweep tells lag and calibration together only within "
        f"{1e3 * found['joint_lag_width_s']:.0f} ms."
    )


def calibration(profile: str) -> Section:
    """Describe the calibration on real recordings.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    missing = absent_files(profile, "calibration")
    captions = {
        "02_wires": "One frame of the validation sweep with the wires found in it.",
        "02_spatial_errors": "3D errors of the middle wires, in sample and out of sample.",
        "02_lag": "Correlation of image and tracker over the lag, and both signals at the lag "
        "found; the band is its 95 % interval.",
        "02_joint_scan": "Space and time at once, with pose stamps moved by a known amount.",
        "02_simulated": "Simulated sessions: errors against the known calibration and lag.",
    }
    names = ("spatial_calibration", "spatial_scatter", "temporal_calibration", "joint_calibration")
    names += ("simulated_calibration", "simulated_lag")
    return Section(
        anchor="calibration",
        question="How accurate is the probe calibration, in space and time?",
        answer="Not measured on this machine."
        if missing
        else _calibration_answer(metrics_of(profile, "calibration")),
        kind="real recordings of phantoms",
        source="stage calibration",
        notebook="02_calibration",
        pictures=pictures_of(profile, captions),
        tables=tables_of(profile, names),
        missing=missing,
    )


def reconstruction(profile: str) -> Section:
    """Describe the reconstruction of the real sweep.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    missing = absent_files(profile, "reconstruction")
    answer = "Not measured on this machine."
    if not missing:
        found = metrics_of(profile, "reconstruction")
        answer = (
            f"{found['references_that_hold']} of {found['references_total']} volumes of the PLUS "
            f"toolkit are made again within their bounds: nearest-latest "
            f"{100 * found['nearest_latest_equal_fraction']:.2f} % equal, maximum "
            f"{100 * found['nearest_maximum_within_2_fraction']:.2f} % within 2 grey levels. A "
            f"frame seen again through the volume differs by "
            f"{found['volume_mean_absolute_error_grey_levels']:.1f} grey levels."
        )
    captions = {
        "04_slices": "Middle slices of the toolkit's volumes, ours, and the difference.",
        "04_agreement": "Three measures of agreement; the judged one is blue, its bound marked.",
        "04_reslice": "A frame, the volume at its pose, and the volume made without it.",
        "04_reslice_errors": "Error of a frame seen through the volume and through its neighbours.",
    }
    return Section(
        anchor="reconstruction",
        question="How faithful is the reconstructed volume?",
        answer=answer,
        kind="real recording of a phantom",
        source="stage reconstruction",
        notebook="04_reconstruction",
        pictures=pictures_of(profile, captions),
        tables=tables_of(profile, ("reconstruction_agreement", "reslice_errors")),
        missing=missing,
    )


def published(profile: str) -> Section:
    """Describe the published numbers.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Section
    """
    found = metrics_of(profile, "published")
    answer = (
        f"Of {found['claims_total']} claims {found['claims_confirmed_by_arithmetic']} are "
        f"confirmed by arithmetic, {found['claims_inconsistent']} are inconsistent, "
        f"{found['claims_not_checkable']} cannot be checked and {found['claims_not_audited']} need "
        f"results; {found['checks_recomputed']} of {found['checks_total']} checks are recomputed. "
        f"{found['network_sizes_reproduced']} of {found['network_sizes_total']} printed network "
        f"sizes are reproduced exactly."
    )
    captions = {
        "91_verdicts": "Claims of the five documents by verdict.",
        "91_network_sizes": "Printed parameter counts beside those of the networks built here.",
    }
    return Section(
        anchor="published",
        question="Do the printed numbers hold together?",
        answer=answer,
        kind="published numbers, arithmetic only",
        source="stage published",
        notebook="91_published_numbers",
        pictures=pictures_of(profile, captions),
        tables=tables_of(profile, ("network_sizes", "published_checks", "published_claims")),
    )
