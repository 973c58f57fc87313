"""Small made-up tables and figure inputs of predicted motion."""

import numpy as np
import pandas as pd

from hipus.labels import HipLabel

ARMS = ("published", "identity", "constant_step")
_AXES = ("", "_lateral", "_axial", "_elevational")


def motion_trajectories(rng) -> dict:
    """Return three pairs of trajectories along their normals; one frame is unknown."""
    arrays = {}
    for n, length in enumerate((20, 30, 40)):
        tracked = np.tile(np.eye(4), (length, 1, 1))
        tracked[:, 2, 3] = 0.7 * np.arange(length)
        tracked[:, :2, 3] = n * np.cumsum(rng.normal(0, 0.3, (length, 2)), axis=0)
        predicted = tracked.copy()
        predicted[:, 2, 3] *= 0.8
        tracked[5] = np.nan
        arrays |= {
            f"name_{n}": np.array(f"S10{n} left_p_a"),
            f"T_tracked_{n}": tracked,
            f"T_predicted_{n}": predicted,
            f"final_mm_{n}": np.array(0.2 * 0.7 * (length - 1)),
            f"picture_mm_{n}": np.array([38.0, 45.0]),
        }
    return arrays


def motion_frames(rng) -> pd.DataFrame:
    """Return errors of three sweeps, not in the order in which they are drawn."""
    parts = []
    for order in (3, 1, 2):
        part = pd.DataFrame({"order": order, "name": f"S10{order}", "frame_index": range(1, 25)})
        for kind, spread in (("relative", 0.1), ("absolute", order)):
            for unit in ("mm", "deg"):
                for axis in _AXES:
                    values = rng.normal(0, spread, len(part))
                    part[f"{kind}{axis}_{unit}"] = values if axis else np.abs(values)
        parts.append(part)
    return pd.concat(parts)


def motion_subjects(rng) -> pd.DataFrame:
    """Return four subjects' means of every arm against both truths."""
    rows = [
        (arm, truth, f"S10{n}", 4, 4 + 5 * place + rng.normal())
        for place, arm in enumerate(ARMS)
        for truth in ("vs_tracker", "vs_hip")
        for n in range(4)
    ]
    return pd.DataFrame(rows, columns=["arm", "truth", "subject_id", "sweep_count", "final_mm"])


def motion_arms() -> pd.DataFrame:
    """Return means and intervals of every arm."""
    rows = [
        (arm, truth, arm == "published", 4 + 5 * place, 3 + 5 * place, 5.5 + 5 * place, 4, 16)
        for place, arm in enumerate(ARMS)
        for truth in ("vs_tracker", "vs_hip")
    ]
    names = ["arm", "truth", "is_learned", "mean", "low", "high", "subject_count", "sweep_count"]
    return pd.DataFrame(rows, columns=names)


def motion_published() -> pd.DataFrame:
    """Return two printed numbers, one of which is drawn."""
    return pd.DataFrame(
        {
            "metric": ["Relative", "Final drift"],
            "column_as_printed": ["translation_total", "translation_total"],
            "mean": [0.68, 12.6],
        }
    )


def motion_spacing() -> pd.DataFrame:
    """Return two arms at three spacings; one type has fewer sweeps when it is thinned."""
    rows = [
        (arm, kind, truth, spacing, 3 + 4 * spacing, 2.5 + 4 * spacing, 4 + 4 * spacing, 5,
         10 - shortage)
        for arm in ARMS[::2]
        for truth in ("vs_tracker", "vs_hip")
        for kind in ("p_a", "p_d")
        for spacing, shortage in ((0.25, 0), (0.5, 0), (1.0, int(kind == "p_d")))
    ]  # fmt: skip
    names = ["arm", "sweep_type", "truth", "frame_spacing", "mean", "low", "high"]
    return pd.DataFrame(rows, columns=[*names, "subject_count", "sweep_count"])


def motion_factors(rng) -> pd.DataFrame:
    """Return two sweeps of every combination of three factors, and one of the protocol."""
    rows = [
        ("S601", f"{side}_{path}_{duration}_{motion}", truth, path, duration, motion,
         path / 8 + motion * (truth == "vs_hip") + rng.normal(0, 0.3))
        for side in ("left", "right")
        for path in (20.0, 40.0)
        for duration in (4.0, 10.0)
        for motion in (0.0, 2.0)
        for truth in ("vs_tracker", "vs_hip")
    ]  # fmt: skip
    names = ["subject_id", "sweep_id", "truth", "path_mm", "duration_s", "infant_motion"]
    grid = pd.DataFrame(rows, columns=[*names, "final_mm"]).assign(variant="grid")
    other = grid.head(2).assign(variant="protocol", path_mm=31.7, infant_motion=1.0)
    return pd.concat([grid, other], ignore_index=True)


def decorrelation_motion() -> pd.DataFrame:
    """Return two depths of four motions; only homogeneous tissue has a theory."""
    rows = [
        (tissue, motion, depth, distance, np.exp(-(distance**2) / (1 + depth / 40)),
         np.exp(-(distance**2)) if tissue == "homogeneous" else np.nan)
        for tissue in ("homogeneous", "hip")
        for motion in ("linear", "fast_and_slow", "sector", "loop")
        for depth in (8.0, 30.0)
        for distance in np.linspace(0, 2, 12)
    ]  # fmt: skip
    names = ["tissue", "motion", "depth_mm", "distance_mm", "correlation", "theory"]
    return pd.DataFrame(rows, columns=names)


def volume_agreement() -> pd.DataFrame:
    """Return three shells of two subjects in two alignments; one subject lacks a label."""
    rows = []
    for subject, lack in (("S101", 0.0), ("S102", np.nan)):
        for kind in ("p_a", "p_d"):
            for alignment, worse in (("first", 3.0), ("head", 1.0)):
                for inner in (0.0, 5.0, 10.0):
                    dice = 0.9 - 0.02 * inner * worse + lack * (inner == 0)
                    moved = worse * (0.3 + 0.05 * inner)
                    rows.append((ARMS[0], subject, f"left_{kind}", kind, alignment, inner,
                                 inner + 5, 0.95 - 0.02 * inner, dice, moved))  # fmt: skip
    names = ["arm", "subject_id", "sweep_id", "sweep_type", "alignment", "inner_mm", "outer_mm"]
    return pd.DataFrame(rows, columns=[*names, "correlation", "dice_any", "displacement_mm"])


def local_consistency() -> pd.DataFrame:
    """Return two sweeps of two arms."""
    rows = [
        (arm, subject, f"left_{kind}", kind, near, near, 12, (5 + place) * near)
        for place, arm in enumerate(ARMS[:2])
        for subject, kind, near in (("S101", "p_a", 0.4), ("S101", "p_d", 0.9))
    ]
    names = ["arm", "subject_id", "sweep_id", "sweep_type", "near_mm", "elsewhere_mm"]
    return pd.DataFrame(rows, columns=[*names, "elsewhere_places", "final_mm"])


def local_consistency_summary() -> pd.DataFrame:
    """Return means of both arms; one has no interval, as with a single subject."""
    rows = [
        (arm, kind, name, mean, mean - 0.2 if kind == "p_a" else np.nan, mean + 0.3, 2, 4)
        for arm in ARMS[:2]
        for kind in ("all", "p_a", "p_d")
        for name, mean in (("near_mm", 0.5), ("elsewhere_mm", 0.6), ("final_mm", 3.0))
    ]
    names = ["arm", "sweep_type", "quantity", "mean", "low", "high", "subject_count"]
    return pd.DataFrame(rows, columns=[*names, "sweep_count"])


def motion_volumes(rng) -> dict:
    """Return planes of two sweeps that are not squares, with a head in them."""
    arrays = {"spacing_mm": np.array(0.5)}
    for n, kind in enumerate(("p_a", "p_d")):
        shape = (60, 70 + 20 * n)
        arrays[f"{kind}_name"] = np.array(f"published S101/left_{kind}")
        arrays[f"{kind}_origin_zy_mm"] = np.array([-17.0, -15.0])
        for who in ("tracked", "first", "head"):
            labels = np.zeros(shape, np.uint8)
            labels[20:40, 25:45] = HipLabel.FEMORAL_HEAD
            arrays[f"{kind}_{who}_grey"] = rng.integers(0, 150, shape, dtype=np.uint8)
            arrays[f"{kind}_{who}_labels"] = labels
    return arrays


def pose_refinement() -> pd.DataFrame:
    """Return two sweeps of each type, one of which became worse; to the hip all did."""
    tracked = pd.DataFrame(
        {
            "arm": ARMS[0],
            "truth": "vs_tracker",
            "subject_id": ["S101", "S102"] * 2,
            "sweep_id": ["left_p_a", "left_p_a", "left_p_d", "left_p_d"],
            "sweep_type": ["p_a", "p_a", "p_d", "p_d"],
            "final_mm_before": [4.0, 3.0, 6.0, 8.0],
            "final_mm_after": [3.0, 3.5, 4.0, 5.0],
        }
    )
    return pd.concat([tracked, tracked.assign(truth="vs_hip", final_mm_after=9.0)])


def everything(rng) -> dict:
    """Return every table and figure input by name."""
    plain = (motion_arms, motion_published, motion_spacing, decorrelation_motion)
    plain += (volume_agreement, local_consistency, local_consistency_summary, pose_refinement)
    random = (motion_frames, motion_subjects, motion_factors)
    made = {function.__name__: function() for function in plain}
    made |= {function.__name__: function(rng) for function in random}
    inputs = (motion_trajectories, motion_volumes)
    return made | {f"{function.__name__}.npz": function(rng) for function in inputs}
