"""Small made-up figure inputs of the paper's data figures, beside those that they go with."""

import made_motion
import made_segmentation_views as views
import numpy as np
import pandas as pd

#: How a volume's axes lie in the pelvis: P-D from head to foot, P-A from back to front.
TO_HIP = {
    "p_d_left": np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    "p_d_right": np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]]),
    "p_a_left": np.array([[0, -1, 0], [0, 0, 1], [-1, 0, 0]]),
}


def paper_frames(rng) -> dict:
    """Return two annotated frames with black rims, and a refined label."""
    frames = rng.integers(1, 255, (2, *views.SHAPE[1:]), dtype=np.uint8)
    frames[:, :, :2] = frames[:, :, -3:] = 0
    labels = (views.volume()[6], np.roll(views.volume()[6], 1, axis=1))
    found = {f"frame_{place}": frame for place, frame in enumerate(frames, start=1)}
    found |= {f"label_{place}": label for place, label in enumerate(labels, start=1)}
    names = {f"name_{place}": np.array(f"S001/left_p_a frame {50 + place}") for place in (1, 2)}
    about = {"pixel_side_mm": np.array(0.5), "volume_corrected": views.volume()[6]}
    return found | names | about


def paper_motion(rng) -> dict:
    """Return another prediction of the three sweeps: every step is a tenth too short."""
    shown = made_motion.motion_trajectories(rng)
    found = {}
    for n in range(3):
        T = np.tile(np.eye(4), (len(shown[f"T_tracked_{n}"]), 1, 1))
        T[:, 2, 3] = 0.9 * 0.7 * np.arange(len(T))
        found |= {f"T_printed_{n}": T, f"side_{n}": np.array("left")}
    return found


def paper_rounds() -> dict:
    """Return Dice of four masks."""
    return {"dice_reconstructed": np.array(0.581), "dice_corrected": np.array(0.834),
            "dice_3.1": np.array(0.725), "dice_3.2": np.array(0.747)}  # fmt: skip


def paper_hips() -> dict:
    """Return the truth of three hips; one lacks the border."""
    found = {}
    for key, R in TO_HIP.items():
        lacks = "chondro_osseous_border" if key == "p_a_left" else ""
        own = views.surfaces("truth", lacks=lacks) | {"R_world_to_hip": R.astype(float)}
        found |= {f"{key}_{name}": array for name, array in own.items()}
    return found


def paper_motion_frames(rng) -> pd.DataFrame:
    """Return errors of the other prediction."""
    return made_motion.motion_frames(rng)


def everything(rng) -> dict:
    """Return every table and figure input by name."""
    return {
        "paper_frames.npz": paper_frames(rng),
        "paper_motion.npz": paper_motion(rng),
        "paper_rounds.npz": paper_rounds(),
        "paper_hips.npz": paper_hips(),
        "paper_motion_frames": paper_motion_frames(rng),
    }
