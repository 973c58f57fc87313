"""Small made-up tables and figure inputs with the columns of the study's own."""

import made_fusion_drawings
import made_hip_drawings
import made_motion
import made_paper_data
import made_paper_tables
import made_segmentation
import made_segmentation_views
import made_simulated
import numpy as np
import pandas as pd

SOLUTIONS = ("classic", "joint", "PLUS's own matrix", "classic, from PLUS's points")


def spatial_errors(rng) -> pd.DataFrame:
    """Return errors of four solutions on two sweeps; PLUS lacks one frame."""
    rows = [
        (frame, wire, rng.gamma(4, 0.12), solution, sweep)
        for solution in SOLUTIONS
        for sweep, count in (("calibration", 6), ("validation", 5))
        for frame in range(count)
        for wire in ("2:L5", "5:H3")
    ]
    table = pd.DataFrame(rows, columns=["frame_index", "wire", "error_mm", "solution", "sweep"])
    lost = (table["solution"] == SOLUTIONS[2]) & (table["frame_index"] == 3)
    table.loc[lost & (table["sweep"] == "calibration"), "error_mm"] = np.nan
    return table


def lag_curve() -> pd.DataFrame:
    """Return a curve with one peak."""
    lags = np.arange(-0.5, 0.5, 0.02)
    return pd.DataFrame({"lag_s": lags, "correlation": np.exp(-((lags + 0.06) ** 2) / 0.02)})


def lag_signals() -> pd.DataFrame:
    """Return two signals in pixels."""
    time = np.arange(0, 4, 0.1)
    return pd.DataFrame(
        {
            "video_time_s": time,
            "video_position_px": 200 + 50 * np.sin(2 * time),
            "fitted_position_px": 199 + 50 * np.sin(2 * time + 0.02),
        }
    )


def temporal_calibration() -> pd.DataFrame:
    """Return our lag and the toolkit's, which states nothing else."""
    ours = {"lag_s": -0.0644, "lag_low_s": -0.083, "lag_high_s": -0.046, "correlation": 0.98}
    return pd.DataFrame([{"solution": "PLUS", "lag_s": -0.0648}, {"solution": "ours", **ours}])


def joint_calibration() -> pd.DataFrame:
    """Return two scans."""
    return pd.DataFrame(
        {
            "recording": ["as recorded", "stamps moved"],
            "known_lag_s": [0.0, -0.12],
            "lag_s": [0.043, -0.077],
            "error_mm": [0.45, 0.45],
            "equivalent_low_s": [-0.02, -0.14],
            "equivalent_high_s": [0.11, -0.01],
        }
    )


def joint_scan() -> pd.DataFrame:
    """Return a flat valley."""
    lags = np.arange(-0.3, 0, 0.02)
    return pd.DataFrame({"lag_s": lags, "error_mm": 0.45 + 4 * (lags + 0.077) ** 2})


def reconstruction_agreement() -> pd.DataFrame:
    """Return two references, judged by different measures."""
    return pd.DataFrame(
        {
            "reference": ["nearest latest", "linear mean, fan"],
            "equal_fraction": [0.988, 0.77],
            "within_tolerance_fraction": [0.99, 0.89],
            "correlation": [0.9991, 0.9904],
            "measure": ["equal_fraction", "correlation"],
            "bound": [0.985, 0.985],
            "holds": [True, True],
        }
    )


def reslice_errors() -> pd.DataFrame:
    """Return errors of three frames."""
    views = ("volume", "left_out", "posed_neighbours", "copied_neighbours")
    columns = {f"{name}_absolute_error": [7.0, 8.0, 9.5 + n] for n, name in enumerate(views)}
    return pd.DataFrame({"frame_index": [1, 2, 3], "neighbour_distance_mm": [1, 1.2, 2], **columns})


def claim_verdicts() -> pd.DataFrame:
    """Return the verdicts on two documents."""
    rows = [
        ("the paper", "confirmed by arithmetic", 40),
        ("the paper", "inconsistent", 8),
        ("the thesis", "not audited", 30),
        ("the thesis", "not checkable", 2),
    ]
    return pd.DataFrame(rows, columns=["document", "audit_verdict", "claims"])


def network_sizes() -> pd.DataFrame:
    """Return one network that is printed by its state dict, one by its parameters."""
    return pd.DataFrame(
        {
            "model_id": ["2.1", "cnn"],
            "network": ["2D nnU-Net", "EfficientNet-B0"],
            "printed_parameters": [92_468_062, 4_069_513],
            "trainable_parameters": [33_476_350, 4_069_513],
            "state_dict_elements": [92_468_062, 4_111_536],
        }
    )


def calibration_input(rng) -> dict:
    """Return a frame that is not square, and 6 points in it."""
    points = rng.uniform(5, 25, (6, 2))
    return {
        "frame": rng.integers(0, 255, (30, 44), dtype=np.uint8),
        "points_px": points,
        "plus_points_px": points + 0.3,
        "wire_names": np.array([f"{n}:wire" for n in range(6)]),
        "frame_index": np.array(7),
    }


def reconstruction_input(rng) -> dict:
    """Return slices of two references, in the other order than their table, and one frame."""
    arrays = {"spacing_mm": np.array(0.5), "resliced_frame_index": np.array(3)}
    for number, name in enumerate(("linear mean, fan", "nearest latest")):
        theirs = rng.integers(0, 140, (9, 13), dtype=np.uint8)
        arrays |= {
            f"name_{number}": np.array(name),
            f"theirs_{number}": theirs,
            f"ours_{number}": theirs.astype(np.float32) + 1 + number,
        }
    for name in ("frame", "volume", "left_out", "posed_neighbours", "copied_neighbours"):
        arrays[f"resliced_{name}"] = rng.integers(0, 255, (12, 9), dtype=np.uint8)
    return arrays


def everything(rng) -> dict:
    """Return every table and figure input by name; inputs end in `.npz`."""
    made = {
        "spatial_errors": spatial_errors(rng),
        "lag_curve": lag_curve(),
        "lag_signals": lag_signals(),
        "temporal_calibration": temporal_calibration(),
        "joint_calibration": joint_calibration(),
        "joint_scan": joint_scan(),
        "reconstruction_agreement": reconstruction_agreement(),
        "reslice_errors": reslice_errors(),
        "claim_verdicts": claim_verdicts(),
        "network_sizes": network_sizes(),
        "calibration.npz": calibration_input(rng),
        "reconstruction.npz": reconstruction_input(rng),
        **made_simulated.everything(rng),
        **made_motion.everything(rng),
        **made_paper_data.everything(rng),
        **made_segmentation.everything(rng),
        **made_segmentation_views.everything(rng),
        **made_hip_drawings.everything(rng),
        **made_fusion_drawings.everything(),
    }
    return made_paper_tables.extended(made, rng)
