"""Stage `figures`: draw every figure from saved tables and figure inputs.

Decides which figure is drawn by what and from what; `hipus figure` reads the same registry, so
that one figure is the same drawn alone. Tables of `make arms` are drawn where they are there:
they are no dependency of this stage, so that a plain reproduction neither runs those arms nor
waits for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from hipus import config, parallel, paths
from hipus.figures import (
    calibration,
    cohort,
    hip_agreement,
    hip_angles,
    hip_drift,
    hip_fusion,
    motion,
    motion_factors,
    motion_volumes,
    origin_words,
    paper_list,
    published,
    realism,
    reconstruction,
    segmentation_arms,
    segmentation_grades,
    segmentation_pictures,
    segmentation_rounds,
    segmentation_scores,
    segmentation_volumes,
    style,
)
from hipus.stages import runner
from hipus.stages.figure_sources import load, named_inputs

STAGE = "figures"
#: Tables that only `make arms` writes.
FROM_ARMS = ("motion_spacing", "staging_effort", "rater_error_arm", "split_arm")
_CURVES = tuple(f"learning_curve_{number}" for number in (21, 22, 23, 31, 32))
#: As many figures are drawn sooner here than in processes that must start first.
FEW = 6


@dataclass(frozen=True)
class Case:
    """One figure: of which profile, its name, how it is drawn, and from what."""

    profile: str
    name: str
    function: Callable[..., Figure]
    tables: tuple[str, ...]
    figure_input: str | tuple[str, ...]

    def sources(self) -> list[Path]:
        """Return the files that it is drawn from: its figure inputs first, then its tables."""
        inputs = named_inputs(self.figure_input)
        return [
            *(paths.figure_input_file(self.profile, name) for name in inputs),
            *(paths.table_file(self.profile, name) for name in self.tables),
        ]


@dataclass(frozen=True)
class Drawn:
    """What was written, and what was read for it; neither where there was nothing to draw."""

    files: list[Path]
    sources: list[Path]


#: Figure -> how it is drawn, the tables it needs, and its figure input ("" for none), or inputs.
FIGURES: dict[str, tuple[Callable[..., Figure], tuple[str, ...], str | tuple[str, ...]]] = {
    "01_hips": (cohort.draw_hips, ("cohort_hips", "cohort_subjects"), ""),
    "01_sweeps": (cohort.draw_sweeps, ("cohort_sweeps", "cohort_published"), ""),
    "01_frames": (cohort.draw_frames, (), "cohort"),
    "01_courses": (cohort.draw_courses, (), "cohort"),
    "01_trimming": (cohort.draw_trimming, (), "cohort"),
    "01_anatomy": (cohort.draw_anatomy, (), "cohort"),
    "01_steps": (cohort.draw_steps, ("cohort_step",), ""),
    "01_decorrelation": (realism.draw_decorrelation, ("decorrelation",), ""),
    "01_features": (realism.draw_features, ("likeness_features",), ""),
    "01_greys": (realism.draw_greys, ("grey_levels",), ""),
    "01_raters": (realism.draw_raters, ("rater_agreement",), ""),
    "02_simulated": (
        realism.draw_simulated_calibration,
        ("simulated_calibration", "simulated_lag"),
        "",
    ),
    "02_wires": (calibration.draw_wires, (), "calibration"),
    "02_spatial_errors": (calibration.draw_spatial_errors, ("spatial_errors",), ""),
    "02_lag": (calibration.draw_lag, ("lag_curve", "lag_signals", "temporal_calibration"), ""),
    "02_joint_scan": (calibration.draw_joint_scan, ("joint_scan", "joint_calibration"), ""),
    "03_arms": (motion.draw_arms, ("motion_subjects", "motion_arms", "motion_published"), ""),
    "03_trajectories": (motion.draw_trajectories, (), "motion_trajectories"),
    "03_frame_errors": (motion.draw_frame_errors, ("motion_frames",), ""),
    "03_factors": (motion_factors.draw_factors, ("motion_factors",), ""),
    "04_slices": (reconstruction.draw_slices, ("reconstruction_agreement",), "reconstruction"),
    "04_agreement": (reconstruction.draw_agreement, ("reconstruction_agreement",), ""),
    "04_reslice": (reconstruction.draw_reslice, (), "reconstruction"),
    "04_reslice_errors": (reconstruction.draw_reslice_errors, ("reslice_errors",), ""),
    "04_predicted_volumes": (motion_volumes.draw_volume_agreement, ("volume_agreement",), ""),
    "04_predicted_local": (
        motion_volumes.draw_local_consistency,
        ("local_consistency", "local_consistency_summary"),
        "",
    ),
    "04_predicted_planes": (motion_volumes.draw_placed_volumes, (), "motion_volumes"),
    "04_refinement": (motion_volumes.draw_refinement, ("pose_refinement",), ""),
    "05_segmentation_annotation": (
        segmentation_pictures.draw_annotation,
        ("inter_rater",),
        "frame_labels",
    ),
    "05_segmentation_learning": (segmentation_rounds.draw_learning, _CURVES, ""),
    "05_segmentation_split": (segmentation_arms.draw_split, ("split_arm",), ""),
    "06_segmentation_streaks": (segmentation_rounds.draw_streaks, ("first_masks",), ""),
    "06_segmentation_effort": (
        segmentation_rounds.draw_effort,
        ("volume_effort_first", "volume_effort_refined"),
        "",
    ),
    "07_segmentation_rounds": (segmentation_volumes.draw_rounds, (), "segmentation_rounds"),
    "07_segmentation_cases": (segmentation_volumes.draw_cases, (), "segmentation_hips"),
    "07_segmentation_staging": (
        segmentation_arms.draw_staging,
        ("staging_effort", "rater_error_arm"),
        "",
    ),
    "07_segmentation_failures": (
        segmentation_pictures.draw_failures,
        ("volume_grades",),
        "segmentation_failures",
    ),
    "08_segmentation_frames": (segmentation_pictures.draw_frames, (), "segmentation_frame"),
    "08_segmentation_dice": (
        segmentation_scores.draw_dice,
        ("frame_scores", "segmentation_cases", "segmentation_table1"),
        "",
    ),
    "08_segmentation_protocol": (
        segmentation_scores.draw_protocol,
        ("segmentation_cases", "segmentation_table5", "segmentation_comparisons"),
        "",
    ),
    "09_segmentation_grades": (
        segmentation_grades.draw_grades,
        ("volume_grade_shares", "volume_failures"),
        "",
    ),
    "09_segmentation_graded": (segmentation_pictures.draw_graded, (), "volume_grades"),
    "10_hip_planes": (hip_angles.draw_planes, ("hip_errors",), "hip_measures"),
    "10_hip_errors": (hip_angles.draw_errors, ("hip_errors", "hip_error_summary"), ""),
    "10_hip_drift": (hip_drift.draw_drift, ("hip_added_errors", "hip_drift_bins"), ""),
    "10_hip_motion": (hip_drift.draw_motion, ("hip_added_errors", "hip_infant_motion"), ""),
    "10_hip_agreement": (hip_agreement.draw_agreement, ("hip_errors", "hip_agreement"), ""),
    "10_hip_types": (
        hip_agreement.draw_types_and_roc,
        ("hip_type_confusion", "hip_roc_curves", "hip_roc"),
        "",
    ),
    "10_hip_coverage": (hip_agreement.draw_coverage, ("hip_interval_coverage",), ""),
    "11_hip_sections": (hip_fusion.draw_sections, (), "hip_fusion"),
    "11_hip_changes": (hip_fusion.draw_changes, ("hip_fusion",), ""),
    "42_decorrelation": (motion_factors.draw_decorrelation, ("decorrelation_motion",), ""),
    "42_spacing": (motion_factors.draw_spacing, ("motion_spacing",), ""),
    "91_verdicts": (published.draw_verdicts, ("claim_verdicts",), ""),
    "91_network_sizes": (published.draw_network_sizes, ("network_sizes",), ""),
} | paper_list.PAPER


def main(study: config.Study) -> Iterable[Path]:
    """Draw what can be drawn; return the files that were read."""
    # A case holds all that is drawn: what a test put in the registry reaches every process.
    cases = [Case(study.profile, name, *entry) for name, entry in FIGURES.items()]
    workers = None if len(cases) > FEW else 1  # processes take longer to start than a few figures
    read = parallel.map_cases(_redraw, cases, workers=workers, name=lambda case: case.name)
    read.append([path for path in (paths.metrics_file(study.profile, "cohort"),) if path.is_file()])
    return sorted({path for sources in read for path in sources})


def draw(profile: str, name: str, folder: Path) -> Drawn:
    """Draw one figure of the registry into a folder.

    Parameters
    ----------
    profile : str
    name : str
        A key of `FIGURES`.
    folder : Path
        Made if it is not there.

    Returns
    -------
    Drawn
        Without files where a stage was skipped, so that there is nothing to draw.

    Raises
    ------
    FileNotFoundError
        If a table or figure input is not there; the message says which command makes it.
    """
    return _draw(Case(profile, name, *FIGURES[name]), folder)


def drawing(profile: str, name: str) -> Figure | None:
    """Return one figure of the registry, to be shown and not saved.

    Parameters
    ----------
    profile : str
    name : str
        A key of `FIGURES`.

    Returns
    -------
    Figure or None
        None where a stage was skipped, so that there is nothing to draw.

    Raises
    ------
    FileNotFoundError
        If a table or figure input is not there; the message says which command makes it.
    """
    return _drawing(Case(profile, name, *FIGURES[name]))


def _redraw(case: Case) -> list[Path]:
    """Draw a figure at its place, or remove an earlier one; return what was read."""
    folder = paths.figures_dir(case.profile)
    drawn = Drawn([], []) if _waits_for_arms(case) else _draw(case, folder)
    if not drawn.files:
        _remove(folder / case.name)
    return drawn.sources


def _draw(case: Case, folder: Path) -> Drawn:
    """Draw a figure and save it, or nothing."""
    figure = _drawing(case)
    if figure is None:
        return Drawn([], [])
    folder.mkdir(parents=True, exist_ok=True)
    return Drawn(style.save(figure, folder / case.name), case.sources())


def _drawing(case: Case) -> Figure | None:
    """Return a figure, or None: a skipped stage leaves empty tables."""
    content = [load(path) for path in case.sources()]
    if any(len(part) == 0 for part in content):
        return None
    origin = origin_words.cohort_origin(case.profile)
    return origin_words.reword(case.function(*content), case.name, origin=origin)


def _waits_for_arms(case: Case) -> bool:
    """Return whether a figure needs a table of `make arms` that is not there."""
    needed = [paths.table_file(case.profile, name) for name in case.tables if name in FROM_ARMS]
    return not all(path.is_file() for path in needed)


def _remove(stem: Path) -> None:
    """Remove a figure of an earlier run: the report must not show what no table holds."""
    for suffix in style.SUFFIXES:
        stem.with_name(stem.name + suffix).unlink(missing_ok=True)


if __name__ == "__main__":
    runner.run(STAGE, main)
