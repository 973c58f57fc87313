"""What the paper, the thesis and Guo et al. found about sensorless tracking, as testable rules.

Decides which finding is tested by which difference between which arms. Findings are told in
our words. Deliberately decides no verdict (see `findings`). Not here, because no table of arms
can answer them: that infant motion during longer sweeps explains drift (the factor experiment
does), and that drift matters less near the joint (the volumes do).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DECORRELATION = "speckle decorrelation"
CONSTANT_STEP = "constant step"
#: The arms of this table that no network of `arms.ARMS` stands for.
NOT_NETWORKS = (DECORRELATION, CONSTANT_STEP)

LOWER, NOT_LOWER, EQUAL = "lower", "not lower", "equal"
Expected = Literal["lower", "not lower", "equal"]


@dataclass(frozen=True)
class Side:
    """One of the two quantities that a claim compares; of errors, lower is better.

    Attributes
    ----------
    arm : str
    measure : str
        Column of `sweep_rows`.
    sweep_type : str
        Sweeps of this type, or "all".
    minus_type : str or None
        If given, the quantity is a subject's mean over `sweep_type` minus that over this.
    truth : str
        `vs_tracker`, as the paper and the thesis measured, or `vs_hip`.
    """

    arm: str
    measure: str
    sweep_type: str = "all"
    minus_type: str | None = None
    truth: str = "vs_tracker"


@dataclass(frozen=True)
class Claim:
    """A finding of others and the difference that tests it.

    Attributes
    ----------
    name : str
        Short and unique.
    text : str
        The finding in our words.
    source : str
        Who states it where; statements of the paper with their number in
        `midl2026_statements.csv`.
    a, b : Side
    expected : {"lower", "not lower", "equal"}
        What the finding says of a against b.
    """

    name: str
    text: str
    source: str
    a: Side
    b: Side
    expected: Expected = LOWER


def _arms(
    name: str, text: str, source: str, *, a: str, b: str, measure: str, expected: Expected = LOWER
) -> Claim:
    """Return a claim about two arms on all sweeps."""
    return Claim(name, text, source, Side(a, measure), Side(b, measure), expected)


def _types(name: str, text: str, source: str, *, measure: str, expected: Expected) -> Claim:
    """Return a claim about p_a against p_d sweeps of the published network."""
    a, b = (Side("published", measure, sweep_type) for sweep_type in ("p_a", "p_d"))
    return Claim(name, text, source, a, b, expected)


def _excess(measure: str) -> Side:
    """Return by how much p_d sweeps of the published network exceed p_a ones."""
    return Side("published", measure, "p_d", minus_type="p_a")


_REPRESENTATIONS = "Thesis, section 2.3.7, figure 2.13"

#: Claims about the paper's own network.
OF_THE_PAPER = (
    _arms(
        "imu_final_rotation",
        "Angular velocity of the IMU stabilises rotation: it turns less by the end",
        "Paper, section 5.3 (S53a)",
        a="published",
        b="published_without_imu",
        measure="final_deg",
    ),
    _arms(
        "imu_step_rotation",
        "The IMU makes rotation errors from frame to frame low",
        "Paper, section 6.3 (S63b)",
        a="published",
        b="published_without_imu",
        measure="relative_deg",
    ),
    *(
        _arms(
            f"flow_{name}",
            f"Optical flow gives dense cues of displacement: {gain}",
            "Paper, section 5.3 (S53b)",
            a="published",
            b="published_without_flow",
            measure=measure,
        )
        for name, gain, measure in (
            ("step", "steps are more exact", "relative_mm"),
            ("drift", "drift is lower", "final_mm"),
        )
    ),
    *(
        _types(
            f"same_steps_{unit}",
            f"Relative {kind} errors are consistent across sweep conditions",
            "Paper, section 6.3 (S63a)",
            measure=f"relative_{unit}",
            expected=EQUAL,
        )
        for kind, unit in (("translation", "mm"), ("rotation", "deg"))
    ),
    Claim(
        "errors_accumulate",
        "Errors accumulate over the trajectory: the last frame is further off than the mean one",
        "Paper, section 6.3 (S63c)",
        Side("published", "absolute_mm"),
        Side("published", "final_mm"),
    ),
    _types(
        "p_a_drifts_less",
        "p_a sweeps drift less than p_d ones",
        "Paper, section 6.3 (S63d)",
        measure="final_mm",
        expected=LOWER,
    ),
    *(
        Claim(
            f"most_lateral_not_{axis}",
            f"What p_d sweeps drift more than p_a ones is more sideways than {direction}",
            "Paper, section 6.3 (S63d)",
            _excess(f"final_{axis}_mm"),
            _excess("final_lateral_mm"),
        )
        for axis, direction in (("axial", "in depth"), ("elevational", "along the sweep"))
    ),
    Claim(
        "image_compensates",
        "Image-based motion partly follows a moving infant: less drift to the hip than tracked",
        "Paper, section 7 (S7g)",
        Side("published", "final_mm", truth="vs_hip"),
        Side("published", "final_mm", truth="vs_tracker"),
    ),
)

#: Claims about the networks of Prevost et al. and Guo et al. and their changes.
OF_OTHERS = (
    _arms(
        "several_frames",
        "DCL-Net (several frames) drifts less than the two-frame CNN",
        "Guo et al. 2020; thesis, section 2.3.4, table 2.3",
        a="dcl_net",
        b="prevost",
        measure="final_mm",
    ),
    _arms(
        "correlation_loss_helps",
        "The correlation loss lowers drift",
        "Guo et al. 2020",
        a="dcl_net_correlation_loss",
        b="dcl_net",
        measure="final_mm",
    ),
    _arms(
        "correlation_loss_does_not_surpass",
        "The correlation loss draws predictions to the average and surpasses nothing",
        "Thesis, section 2.4",
        a="dcl_net_correlation_loss",
        b="dcl_net",
        measure="final_mm",
        expected=NOT_LOWER,
    ),
    *(
        _arms(
            f"memory_against_{network}",
            f"A ConvLSTM after the CNN does not improve significantly on {label}",
            "Thesis, section 2.3.4, table 2.3",
            a="cnn_convlstm",
            b=network,
            measure="final_mm",
            expected=NOT_LOWER,
        )
        for network, label in (("prevost", "the two-frame CNN"), ("dcl_net", "DCL-Net"))
    ),
    _arms(
        "sliding_window",
        "Overlapping windows (sliding window) make no difference",
        "Thesis, section 2.3.4",
        a="cnn_convlstm",
        b="cnn_convlstm_without_overlap",
        measure="final_mm",
        expected=EQUAL,
    ),
    *(
        _arms(
            f"{few}_numbers_better_than_{many}",
            f"Rotation as {few} numbers is learned better than as {many}",
            _REPRESENTATIONS,
            a="dcl_net" if few == 3 else f"dcl_net_{few}_numbers",
            b=f"dcl_net_{many}_numbers",
            measure="relative_deg",
        )
        for few in (3, 6)
        for many in (4, 9)
    ),
    _arms(
        "6_numbers_not_better_than_3",
        "Rotation as 6 numbers is similar to, and not better than, as 3",
        _REPRESENTATIONS,
        a="dcl_net_6_numbers",
        b="dcl_net",
        measure="relative_deg",
        expected=NOT_LOWER,
    ),
    _arms(
        "augmentation_translation",
        "Skipped frames and reversed sweeps in training improve translation",
        "Thesis, section 2.3.5",
        a="dcl_net_augmented",
        b="dcl_net",
        measure="relative_mm",
    ),
    _arms(
        "augmentation_rotation",
        "Skipped frames and reversed sweeps in training do not improve rotation",
        "Thesis, section 2.3.5",
        a="dcl_net_augmented",
        b="dcl_net",
        measure="relative_deg",
        expected=NOT_LOWER,
    ),
    _arms(
        "one_network_translation",
        "Learning rotation and translation apart hinders translation",
        "Thesis, section 2.3.6",
        a="dcl_net",
        b="dcl_net_two_networks",
        measure="relative_mm",
    ),
    _arms(
        "one_network_rotation",
        "Learning rotation and translation apart changes little for rotation",
        "Thesis, section 2.3.6",
        a="dcl_net",
        b="dcl_net_two_networks",
        measure="relative_deg",
        expected=EQUAL,
    ),
    _arms(
        "displacement_field",
        "An intermediate displacement field with rigidity loss does not improve drift",
        "Thesis, section 2.3.3, table 2.2",
        a="dcl_net_displacement_field",
        b="dcl_net",
        measure="final_mm",
        expected=NOT_LOWER,
    ),
    _arms(
        "speckle_not_sufficient",
        "Speckle correlation does not suffice in general: a network drifts less",
        "Thesis, section 2.3.2",
        a="published",
        b=DECORRELATION,
        measure="final_mm",
    ),
    _arms(
        "speckle_ineffective",
        "Speckle correlation is ineffective: no better than a constant step",
        "Thesis, section 2.4",
        a=DECORRELATION,
        b=CONSTANT_STEP,
        measure="final_mm",
        expected=NOT_LOWER,
    ),
)

CLAIMS = (*OF_THE_PAPER, *OF_OTHERS)
