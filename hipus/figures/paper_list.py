"""Which drawing is which figure or table of the paper, and what each is drawn from.

Decides the names that `hipus figure 5` and `hipus figure table-3` stand for; a part of the
registry of stage `figures`, whose form it has: name -> (drawing, tables, figure inputs).
"""

from __future__ import annotations

from functools import partial

from hipus.figures import (
    paper_frames,
    paper_motion,
    paper_overview,
    paper_setup,
    paper_tables,
    paper_volumes,
    segmentation_scores,
)

#: Figures that are drawn of several inputs, in the order of their drawing's arguments.
_OVERVIEW = (
    *("cohort", "frame_labels", "segmentation_frame", "motion_trajectories"),
    *("segmentation_rounds", "hip_measures"),
)
PAPER = {
    "90_figure_01": (
        paper_overview.draw_overview,
        (
            *("cohort_published", "motion_published", "segmentation_table5"),
            *("volume_effort_first", "volume_effort_refined"),
        ),
        _OVERVIEW,
    ),
    "90_figure_02": (paper_frames.draw_annotation, (), "paper_frames"),
    "90_figure_03": (paper_frames.draw_outlines, (), ("segmentation_frame", "paper_frames")),
    "90_figure_04": (
        segmentation_scores.draw_dice,
        ("frame_scores", "segmentation_cases", "segmentation_table1"),
        "",
    ),
    "90_figure_05": (
        paper_motion.draw_trajectories,
        ("paper_motion_frames", "motion_arms"),
        ("motion_trajectories", "paper_motion"),
    ),
    "90_figure_06": (
        paper_volumes.draw_progress,
        (),
        ("segmentation_rounds", "paper_rounds"),
    ),
    **{
        f"90_figure_{6 + order:02d}": (
            partial(paper_motion.draw_frame_errors, order=order),
            ("motion_frames", "paper_motion_frames"),
            ("motion_trajectories", "paper_motion"),
        )
        for order in (1, 2, 3)
    },
    "90_figure_10": (paper_volumes.draw_hips, (), ("segmentation_hips", "paper_hips")),
    "90_figure_11": (
        segmentation_scores.draw_protocol,
        ("segmentation_cases", "segmentation_table5", "segmentation_comparisons"),
        "",
    ),
    "90_figure_12": (paper_setup.draw_setup, ("cohort_published",), "cohort"),
    "90_table_1": (paper_tables.draw_table_1, ("segmentation_table1",), ""),
    "90_table_2": (paper_tables.draw_table_2, ("motion_published", "motion_arms"), ""),
    "90_table_3": (paper_tables.draw_table_3, ("segmentation_table3",), ""),
    "90_table_4": (paper_tables.draw_table_4, ("segmentation_table4",), ""),
    "90_table_5": (paper_tables.draw_table_5, ("segmentation_table5",), ""),
    "90_table_6": (paper_tables.draw_table_6, ("cohort_published",), ""),
}
