"""Fused hips as their figures want them, made up."""

import numpy as np
import pandas as pd

from hipus.labels import HipLabel

#: Drift of p_a before and after, alpha by p_a and fused; the truth is 60 deg.
HIPS = [(1.0, 0.4, 57.0, 61.0), (0.5, 0.7, 59.0, 63.0), (np.nan, np.nan, np.nan, 60.5)]


def sections() -> dict:
    """Return a made figure input: a ball under a bar, one voxel further down by p_d."""
    found = {"side_mm": np.array(0.5), "hip": np.array("left hip of S101")}
    v, u = np.mgrid[:40, :44]
    for way, down in (("p_a", 0), ("p_d", 1), ("fused", 0), ("truth", 0)):
        labels = np.zeros(v.shape, np.uint8)
        labels[np.hypot(v - 24 - down, u - 20) < 9] = HipLabel.FEMORAL_HEAD
        labels[(np.abs(v - 8 - down) < 2) & (u < 22)] = HipLabel.ILIUM
        for section in ("coronal", "transverse"):
            found[f"{way}_{section}_labels"] = labels
            found[f"{way}_{section}_grey"] = (40 + 60 * labels).astype(np.uint8)
    return found


def hip_fusion() -> pd.DataFrame:
    """Return the columns of table hip_fusion that are drawn."""
    rows = []
    for poses in ("predicted", "tracked"):
        for masks in ("model", "truth"):
            for before, after, alone, fused in HIPS:
                row = {"poses": poses, "masks": masks, "alpha_deg_truth": 60.0}
                row |= {"alpha_deg_p_a": alone, "alpha_deg_p_d": 60.0, "alpha_deg_fused": fused}
                row |= {"p_a_drift_mm_before": before, "p_a_drift_mm_after": after}
                row |= {"p_d_drift_mm_before": 1.0, "p_d_drift_mm_after": 0.5}
                rows.append(row)
    return pd.DataFrame(rows)


def everything() -> dict:
    """Return every table and figure input of fused hips by name."""
    return {"hip_fusion": hip_fusion(), "hip_fusion.npz": sections()}
