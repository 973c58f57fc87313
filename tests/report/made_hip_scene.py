"""A made hip as stage `hip_scene` leaves it, for tests of the page that turns it."""

import numpy as np
import pandas as pd
from made_hips import MadeHip, put_in_volume

from hipus.images import Volume
from hipus.stages import hip_scene

#: What the made hips measure, as table hip_errors would say it.
CALIBRATED_DEG, LOWER_DEG, UPPER_DEG, TRUTH_DEG = 61.5, 51.3, 72.8, 63.0


def content(origin: str = "simulated", *, has_truth: bool = True) -> dict[str, np.ndarray]:
    """Return a mature left and a dysplastic right hip, whose hindmost planes are refused."""
    hips = {"mature S101/left_p_d": MadeHip(alpha_deg=62.0),
            "dysplastic S102/right_p_d": MadeHip(alpha_deg=50.0, side="right")}  # fmt: skip
    arrays = hip_scene.about(list(hips), origin)
    for number, hip in enumerate(hips.values()):
        ways = [_way("model", "predicted", hip)]
        if has_truth:
            ways = [_way("truth", "true", hip), *ways]
        errors = _errors() if has_truth else None
        arrays |= hip_scene.hip_arrays(number, hip.side, ways, errors=errors)
    arrays["1_model_alpha_deg"][-2:] = np.nan
    arrays["1_model_roof_mm"][-2:] = np.nan
    arrays["1_model_refusal"] = np.array([""] * 17 + ["the bony roof is missing"] * 2)
    return arrays


def _way(masks: str, poses: str, hip: MadeHip) -> hip_scene.Way:
    """Return a hip as one way shows it: bright where labelled."""
    made = put_in_volume(hip, np.eye(3), spacing_zyx_mm=(1.0, 1.0, 1.0))
    grey = np.where(made.labels > 0, 190, 70).astype(np.uint8)
    grey, labels = (Volume(one, made.spacing_zyx_mm) for one in (grey, made.labels))
    return hip_scene.Way(masks, poses, grey, labels)


def _errors() -> pd.DataFrame:
    """Return the Graf plane's alpha, the model's with its interval."""
    row = {"measure": "alpha_deg", "calibrated": CALIBRATED_DEG, "lower": LOWER_DEG,
           "upper": UPPER_DEG, "truth": TRUTH_DEG}  # fmt: skip
    return pd.DataFrame([row | {"poses": "predicted", "masks": "model"},
                         row | {"poses": "true", "masks": "truth"}])  # fmt: skip
