"""What stage `motion` leaves where nobody was tracked, or nobody is trained on. No stage.

Decides the form of that skip: every table with its columns and no rows, no arrays, no model, no
number. The columns are those that the stage writes; a test compares them.
"""

from __future__ import annotations

from hipus import config, paths, tables
from hipus.stages import runner

COLUMNS = {
    "motion_errors": [
        "arm", "subject_id", "sweep_id", "sweep_type", "side", "truth", "variant",
        "frame_spacing", "frame_count", "relative_mm", "relative_lateral_mm",
        "relative_axial_mm", "relative_elevational_mm", "relative_deg", "relative_lateral_deg",
        "relative_axial_deg", "relative_elevational_deg", "absolute_mm", "absolute_lateral_mm",
        "absolute_axial_mm", "absolute_elevational_mm", "absolute_deg", "absolute_lateral_deg",
        "absolute_axial_deg", "absolute_elevational_deg", "final_mm", "final_lateral_mm",
        "final_axial_mm", "final_elevational_mm", "final_deg", "final_lateral_deg",
        "final_axial_deg", "final_elevational_deg", "bias_lateral_mm", "bias_axial_mm",
        "bias_elevational_mm", "final_rate_of_path_percent", "final_rate_of_distance_percent",
        "average_rate_of_path_percent", "average_rate_of_distance_percent", "maximum_drift_mm",
        "drift_sum_mm", "hausdorff_mm", "path_mm", "distance_mm",
        "average_geodesic_rate_of_turning_percent", "average_geodesic_rate_of_angle_percent",
        "maximum_geodesic_rate_of_turning_percent", "maximum_geodesic_rate_of_angle_percent",
        "maximum_geodesic_deg", "geodesic_sum_deg", "turning_deg",
    ],
    "motion_summary": [
        "arm", "truth", "sweep_type", "measure", "mean", "sd", "median", "sweep_count",
        "subject_count", "not_finite_count",
    ],
    "motion_arms": [
        "arm", "truth", "is_learned", "mean", "low", "high", "subject_count", "sweep_count",
    ],
    "motion_subjects": [
        "arm", "truth", "subject_id", "sweep_count", "final_mm",
    ],
    "motion_comparisons": [
        "arm_a", "arm_b", "measure", "truth", "sweep_type", "mean_a", "mean_b", "ratio",
        "difference", "low", "high", "level", "subject_count", "sweep_count",
        "is_best_not_learned",
    ],
    "motion_tusrec": [
        "arm", "subject_id", "sweep_id", "sweep_type", "gpe_mm", "gle_mm", "lpe_mm", "lle_mm",
        "gpe", "gle", "lpe", "lle", "final", "global_", "local", "pixel", "landmark",
        "landmark_count",
    ],
    "motion_frames": [
        "order", "name", "arm", "subject_id", "sweep_id", "complexity_mm", "frame_index",
        "absolute_mm", "absolute_lateral_mm", "absolute_axial_mm", "absolute_elevational_mm",
        "absolute_deg", "absolute_lateral_deg", "absolute_axial_deg", "absolute_elevational_deg",
        "relative_mm", "relative_lateral_mm", "relative_axial_mm", "relative_elevational_mm",
        "relative_deg", "relative_lateral_deg", "relative_axial_deg", "relative_elevational_deg",
    ],
    "motion_history": [
        "arm", "iteration", "loss", "validation_drift_mm", "learning_rate",
    ],
    "motion_published": [
        "metric", "column_as_printed", "unit", "mean", "spread_printed", "ours_mean", "ours_sd",
        "ours_mean_p_a", "ours_sd_p_a", "ours_mean_p_d", "ours_sd_p_d", "arm", "profile",
        "training", "note",
    ],
    "motion_factors": [
        "arm", "subject_id", "sweep_id", "sweep_type", "truth", "variant", "path_mm",
        "duration_s", "infant_motion", "infant_moved_mm", "final_mm", "final_lateral_mm",
        "final_axial_mm", "final_elevational_mm",
    ],
    "motion_factor_effects": [
        "design", "truth", "factor", "unit", "mm_per_sd", "low", "high", "mm_per_unit",
        "low_per_unit", "high_per_unit", "mean", "sd", "range", "explained_percent",
        "subject_count", "sweep_count",
    ],
    "motion_factor_verdicts": [
        "claim_id", "truth", "verdict", "difference_mm", "low", "high", "path_share_mm",
        "path_share_mm_low", "path_share_mm_high", "duration_share_mm", "duration_share_mm_low",
        "duration_share_mm_high", "motion_share_mm", "motion_share_mm_low",
        "motion_share_mm_high", "subject_count", "sentence",
    ],
}  # fmt: skip
#: Folders that the stage fills.
FOLDERS = ("models/motion", "motion_predictions")


def write_skip(study: config.Study) -> None:
    """Write every output of stage `motion`, and nothing in it.

    Parameters
    ----------
    study : Study
    """
    for name in FOLDERS:
        (paths.results_dir(study.profile) / name).mkdir(parents=True, exist_ok=True)
    runner.write_empty(study, COLUMNS)
    runner.write_figure_input(study, "motion_trajectories", {})
    tables.write_metrics({}, paths.metrics_file(study.profile, "motion"))
