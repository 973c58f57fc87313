"""Stage `realism`: how real is the simulated ultrasound?

Two parts. Physics, decorrelation and grey levels are measured on simulated scenes and on the
cohort, always; likeness to real pictures needs the open ones, and is skipped where they are
absent. Everything that is called simulated is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import read_cohort
from hipus.formats.manifest import entries
from hipus.parallel import map_cases
from hipus.phantom import likeness_real, pictures
from hipus.phantom.cohort.frozen import check_frozen
from hipus.phantom.likeness import compare, describe
from hipus.phantom.likeness_features import PictureFeatures
from hipus.phantom.pictures import StandardPlane
from hipus.phantom.ultrasound import study as ultrasound_study
from hipus.seeds import generator
from hipus.stages import realism_greys, runner

STAGE = "realism"
COLUMNS = {
    "physics_checks": ["check", "unit", "measured", "designed", "low", "high", "holds"],
    "decorrelation": [
        *("orientation", "tissue", "depth_mm", "distance_mm", "measured", "designed"),
    ],
    "grey_levels": realism_greys.COLUMNS,
    "likeness": [
        *("half", "simulated_pictures", "real_pictures", "real_subjects", "simulated_to_real"),
        *("real_to_real", "auc_simulated", "auc_halves", "auc_groups", "times_read_before"),
    ],
    "likeness_features": ["group", "feature", "picture_count", "mean", "sd"],
}
#: How often each half was looked at before its numbers were reported (`likeness_real`); the
#: tuning half many times.
TIMES_READ = {"tune": np.nan, "report": 2}
#: Statistics that are listed by name; brightness along depth follows them.
FEATURES = (
    *("mean_grey", "sd_grey", "spectrum_slope", "axial_fwhm_px", "lateral_fwhm_px"),
    *("correlation_ratio", "gradient_down", "gradient_across"),
)
#: Parts that are measured side by side.
_PARTS = ("physics", "hip", "even infants", "odd infants")
#: Simulated pictures that figures show, and their height, px.
SHOWN, SHOWN_ROWS = 8, 360


def main(study: config.Study) -> Iterable[Path]:
    """Write tables, figure inputs and metrics; return the inputs."""
    check_frozen(study.common.simulation_sha256)
    cohort = read_cohort(paths.results_dir(study.profile) / "cohort")
    measured = dict(zip(_PARTS, map_cases(partial(_part, study=study), _PARTS), strict=True))
    planes = _in_turn(measured["even infants"], measured["odd infants"])
    greys = realism_greys.grey_table(planes, cohort, sweeps=study.realism.volume_sweeps)
    content = _physics(*measured["physics"], measured["hip"]) | {
        "grey_levels": (greys, ["region", "quantity"])
    }
    files = runner.real_inputs(study, STAGE, _picture_names())
    content |= _likeness(study, planes, is_real_here=files is not None)
    runner.write_tables(study, content)
    runner.write_figure_input(study, STAGE, _shown(planes))
    tables.write_metrics(metrics(content), paths.metrics_file(study.profile, STAGE))
    return list(files.values()) if files else []


def _picture_names() -> list[str]:
    """Return the open hip pictures by their registry names."""
    return [name for name in sorted(entries()) if name.startswith(likeness_real.GROUPS)]


def _part(name: str, *, study: config.Study):
    """Measure one part of the simulated world; parts share nothing, not even a generator."""
    seed = study.common.seed
    if name == "physics":
        return ultrasound_study.measure_physics(generator(seed, STAGE, name))
    if name == "hip":
        return pictures.decorrelation_in_a_hip(generator(seed, STAGE, name))
    return pictures.simulate_planes(range("odd" in name, study.realism.pictures, 2), seed)


def _in_turn(even: list, odd: list) -> list:
    """Return the even and the odd ones in their order."""
    both = [one for pair in zip_longest(even, odd) for one in pair]
    return both[: len(even) + len(odd)]


def _physics(checks: list, homogeneous: list, in_hip: list) -> dict:
    """Return the checked numbers and the decorrelation curves."""
    curves = homogeneous + in_hip
    rows = [asdict(check) | {"holds": int(check.holds)} for check in checks]
    long = pd.concat([pd.DataFrame(asdict(curve)) for curve in curves])
    return {
        "physics_checks": (pd.DataFrame(rows)[COLUMNS["physics_checks"]], ["check"]),
        "decorrelation": (
            long[COLUMNS["decorrelation"]],
            ["orientation", "tissue", "distance_mm"],
        ),
    }


def _likeness(study: config.Study, planes: list[StandardPlane], *, is_real_here: bool) -> dict:
    """Return likeness of both halves and all groups' features; simulated ones alone if need be."""
    ours = [describe(plane.picture) for plane in planes]
    real = likeness_real.load_real_pictures() if is_real_here else []
    theirs = [describe(one.picture, one.is_masked) for one in real]
    halves = [_half_row(study, half, ours, real, theirs) for half in TIMES_READ] if real else []
    groups = {"simulated": ours} | {
        group: [found for one, found in zip(real, theirs, strict=True) if one.group == group]
        for group in likeness_real.GROUPS
    }
    features = [row for name, found in groups.items() if found for row in _rows(name, found)]
    return {
        "likeness": (pd.DataFrame(halves, columns=COLUMNS["likeness"]), ["half"]),
        "likeness_features": (
            pd.DataFrame(features, columns=COLUMNS["likeness_features"]),
            ["group", "feature"],
        ),
    }


def _half_row(study: config.Study, half: str, ours: list, real: list, theirs: list) -> dict:
    """Return the comparison of simulated pictures with one half of the real ones."""
    of_half = [(one, found) for one, found in zip(real, theirs, strict=True) if one.half == half]
    subjects = [one.subject for one, _ in of_half]
    found = compare(
        ours,
        [features for _, features in of_half],
        subjects,
        [one.group for one, _ in of_half],
        rng=generator(study.common.seed, STAGE, half),
    )
    return {
        "half": half,
        "simulated_pictures": len(ours),
        "real_pictures": len(of_half),
        "real_subjects": len(set(subjects)),
        "times_read_before": TIMES_READ[half],
        **asdict(found),
    }


def _rows(group: str, found: list[PictureFeatures]) -> list[tuple]:
    """Return mean and spread of every feature of a group of pictures."""
    values = {name: [getattr(one, name) for one in found] for name in FEATURES}
    profile = np.array([one.depth_profile for one in found])
    values |= {f"depth_{index}": column for index, column in enumerate(profile.T)}
    return [
        (group, name, len(found), np.mean(column), np.std(column, ddof=1))
        for name, column in values.items()
    ]


def _shown(planes: list[StandardPlane]) -> dict[str, np.ndarray]:
    """Return simulated pictures for figures; real ones are never copied into results."""
    import cv2

    arrays = {}
    for index, plane in enumerate(planes[:SHOWN]):
        scale = SHOWN_ROWS / plane.picture.shape[0]
        size = round(plane.picture.shape[1] * scale), SHOWN_ROWS
        arrays[f"plane_{index}"] = cv2.resize(plane.picture, size, interpolation=cv2.INTER_AREA)
        arrays[f"plane_{index}_pixel_mm"] = np.array(plane.pixel_mm / scale)
    return arrays


def metrics(content: dict) -> dict:
    """Return the stage's headline numbers.

    Parameters
    ----------
    content : dict of str to (table, key)

    Returns
    -------
    dict
    """
    checks = content["physics_checks"][0]
    halves = content["likeness"][0].set_index("half")
    greys = content["grey_levels"][0].set_index(["region", "quantity"])["simulated"]
    found = {
        "physics_checks_that_hold": int(checks.holds.sum()),
        "physics_checks_total": len(checks),
        "muscle_mean_grey": greys["muscle", "mean"],
        "shadow_mean_grey": greys["shadow", "mean"],
    }
    for name in ("simulated_to_real", "real_to_real", "auc_simulated", "auc_halves"):
        found[f"report_half_{name}"] = halves[name].get("report")
    return found


if __name__ == "__main__":
    runner.run(STAGE, main)
