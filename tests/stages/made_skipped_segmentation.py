"""Segmentation as it is left where nobody labelled anything: every output, and nothing in it."""

from hipus import config, paths, tables
from hipus.stages import (
    first_masks,
    frame_label_tables,
    model_masks,
    runner,
    segmentation_scores,
    segmentation_training,
    sweep_volumes,
    volume_grades,
    volume_labels_first,
    volume_labels_refined,
)

MODELS = ("2.1", "2.2", "2.3", "3.1", "3.2")
FIGURE_INPUTS = ("frame_labels", "segmentation_frame", "segmentation_rounds", "segmentation_hips")
FIGURE_INPUTS += ("segmentation_failures", "volume_grades")
STAGES = ("frame_labels", "first_masks", "volume_labels_first", "first_round_masks")
STAGES += ("volume_labels_refined", "model_masks", "segmentation_scores", "volume_grades")


def all_columns() -> dict[str, list[str]]:
    """Return the columns of every table of segmentation, by the stages' own word."""
    columns = {"frame_scores": model_masks.COLUMNS, "first_masks": first_masks.COLUMNS}
    columns["sweep_volumes"] = sweep_volumes.COLUMNS
    for stage in (frame_label_tables, volume_labels_first, volume_labels_refined):
        columns |= stage.COLUMNS
    for stage in (segmentation_scores, volume_grades):
        columns |= stage.COLUMNS
    for model in MODELS:
        digits = model.replace(".", "")
        columns[f"learning_curve_{digits}"] = segmentation_training.CURVE_COLUMNS
        columns[f"network_inputs_{digits}"] = segmentation_training.INPUT_COLUMNS
    return columns


def write_all(profile: str = "smoke") -> None:
    """Write the skips of all stages of segmentation."""
    study = config.load(profile)
    runner.write_empty(study, all_columns())
    for name in FIGURE_INPUTS:
        runner.write_figure_input(study, name, {})
    for stage in (*STAGES, *(segmentation_training.stage_name(model) for model in MODELS)):
        tables.write_metrics({}, paths.metrics_file(profile, stage))
    tables.write_metrics({"volume_count": 0}, paths.metrics_file(profile, "sweep_volumes"))
