"""The start page's numbers: the headlines of every study and which goals were met.

Decides which numbers stand first and in which order; every one is read from a saved table or
metrics file. A goal that is missed is called missed.
"""

from __future__ import annotations

from collections import Counter

from hipus import paths, tables
from hipus.figures.origin_words import cohort_origin
from hipus.report import claims_page, fused_hips, hips, motion, segmentation
from hipus.report.cohort_words import told_piece
from hipus.report.page import Goal, Headline
from hipus.report.sources import absent_files, metrics_of
from hipus.report.wording import interval

#: The goal of calibrating space and time from one sweep, ms.
GOAL_LAG_MS = 10.0


def headlines(profile: str) -> list[Headline]:
    """Return the study's headline numbers, simulated ones first.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of Headline
        Without those that were not measured or whose real files were absent.
    """
    parts = (hips, fused_hips, segmentation, motion)
    found = [one for part in parts for one in part.headlines(profile)]
    if not absent_files(profile, "calibration"):
        found += [_calibration_headline(metrics_of(profile, "calibration")), _lag_headline(profile)]
    if not absent_files(profile, "reconstruction"):
        found.append(_reconstruction_headline(metrics_of(profile, "reconstruction")))
    origin = cohort_origin(profile)
    return [told_piece(one, origin) for one in (*found, _published_headline(profile))]


def goals(profile: str) -> list[Goal]:
    """Return all goals of the study that were judged, met ones first.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of Goal
    """
    parts = (hips, fused_hips, segmentation, motion)
    found = [one for part in parts for one in part.goals(profile)] + _real_goals(profile)
    order, origin = (True, False, None), cohort_origin(profile)
    found = [told_piece(one, origin) for one in found]
    return sorted(found, key=lambda goal: order.index(goal.is_met))


def _real_goals(profile: str) -> list[Goal]:
    """Return the goals on real recordings of phantoms."""
    found = []
    if not absent_files(profile, "reconstruction"):
        own = metrics_of(profile, "reconstruction")
        holds, total = own["references_that_hold"], own["references_total"]
        is_met, page = bool(holds == total), "reconstruction.html"
        found.append(Goal("PLUS's volumes made again", f"{holds} of {total}", is_met, "real", page))
    if not absent_files(profile, "calibration"):
        error_ms = 1e3 * abs(metrics_of(profile, "calibration")["joint_lag_error_s"])
        asked = f"Space and time calibrated at once, lag within {GOAL_LAG_MS:g} ms"
        is_met, page = error_ms <= GOAL_LAG_MS, "calibration.html"
        found.append(Goal(asked, f"off by {error_ms:.0f} ms", is_met, "real", page))
    return found


def _calibration_headline(found: dict) -> Headline:
    """Return the error of the calibration on a sweep it was not fitted to."""
    by_plus = found["from_plus_points_validation_error_mm_mean"]
    return Headline(
        what="Calibration in space, unseen sweep",
        value=f"{found['classic_validation_error_mm_mean']:.3f} mm",
        interval="one recording, no interval",
        count=f"{found['frames_found']} of {found['frames_total']} frames with wires found",
        origin="real",
        beside=f"by the points PLUS found {by_plus:.3f} mm",
        page="calibration.html",
    )


def _lag_headline(profile: str) -> Headline:
    """Return the lag between image and pose."""
    found = metrics_of(profile, "calibration")
    row = tables.read(paths.table_file(profile, "temporal_calibration"))
    row = row.set_index("solution").loc["ours"]
    return Headline(
        what="Lag of the poses, water tank",
        value=f"{1e3 * found['lag_s']:.1f} ms",
        interval=f"{interval(1e3 * row['lag_low_s'], 1e3 * row['lag_high_s'], '.0f')} ms",
        count=f"{row['frames_used']:.0f} frames of one recording",
        origin="real",
        beside=f"{1e3 * found['lag_from_plus_s']:+.2f} ms from PLUS",
        page="calibration.html",
    )


def _reconstruction_headline(found: dict) -> Headline:
    """Return how many volumes of another program are made again."""
    largest = found["nearest_mean_float_largest_difference"]
    return Headline(
        what="Reference volumes made again",
        value=f"{found['references_that_hold']} of {found['references_total']}",
        interval="a count, no interval",
        count="one recording of a phantom",
        origin="real",
        beside=f"float mean within {largest:.5f} grey levels of PLUS",
        page="reconstruction.html",
    )


def _published_headline(profile: str) -> Headline:
    """Return what became of the printed numbers; by arithmetic alone where they stand alone."""
    claims = claims_page.read_claims(profile)
    if claims:
        verdicts = Counter(one.verdict for one in claims)
        told = ("confirmed by arithmetic", "same direction", "differs")
        rest = len(claims) - sum(verdicts[name] for name in told)
        value, what = f"{len(claims)}", "Published claims, each beside ours"
        count = ", ".join(f"{verdicts[name]} {name}" for name in told)
        beside = f"{rest} are inputs, quoted, undecided or not testable here"
    else:
        found = metrics_of(profile, "published")
        value = f"{found['claims_confirmed_by_arithmetic']}"
        what = "Published claims confirmed by arithmetic"
        count = f"of {found['claims_total']} claims"
        beside = f"{found['claims_inconsistent']} inconsistent"
    return Headline(
        what=what, value=value, interval="a count, no interval", count=count,
        origin="mixed" if claims else "arithmetic", beside=beside, page="claims.html",
    )  # fmt: skip
