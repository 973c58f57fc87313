"""The closed-form TUS-REC case: a truth, a prediction and landmarks out of a linear recurrence."""

from dataclasses import dataclass

import numpy as np

from hipus import geometry, rotations
from hipus.formats.tusrec import Landmarks
from hipus.formats.tusrec_calibration import Calibration

SEED, FRAME_COUNT, WIDTH, HEIGHT, LANDMARK_COUNT = 2025, 20, 64, 48, 12
CALIBRATION = Calibration(
    T_pixel1_to_image=np.diag([0.5, 0.45, 1.0, 1.0]),
    T_image_to_tool=geometry.transform(
        rotations.from_euler(np.degrees([-1.45, 0.08, 3.05]), "ZYX"), [12.5, -3.25, 8.75]
    ),
)
#: Pixels counted from 0 to image mm.
T_PIXEL_TO_IMAGE = CALIBRATION.T_pixel1_to_image @ geometry.transform(translation=[1.0, 1.0, 0.0])


@dataclass(frozen=True)
class TusrecCase:
    """One sweep: poses of the image-mm frame in the world (true) and in frame 0 (predicted)."""

    T_true: np.ndarray
    T_predicted: np.ndarray
    landmarks: Landmarks


def draws(seed: int):
    """Yield the numbers of the recurrence x -> (1664525 x + 1013904223) mod 2^32, over 2^32."""
    x = seed
    while True:
        x = (1664525 * x + 1013904223) % 2**32
        yield x / 2**32


def tusrec_case() -> TusrecCase:
    """Return the case of seed 2025."""
    u = draws(SEED)
    T_true = _true(np.array([2 * np.pi * next(u) for _ in range(6)]))
    T_predicted = _chained(T_true, u)
    marked = np.array([[next(u) for _ in range(3)] for _ in range(LANDMARK_COUNT)])
    sizes = [FRAME_COUNT - 1, WIDTH, HEIGHT]
    frame_x_y = 1 + np.floor(marked * sizes).astype(int)
    return TusrecCase(T_true, T_predicted, Landmarks(frame_x_y[:, 0], frame_x_y[:, 1:] - 1.0))


def _true(p: np.ndarray) -> np.ndarray:
    s = np.arange(FRAME_COUNT) / (FRAME_COUNT - 1)
    angles_deg = [
        25 + 8 * np.sin(2 * np.pi * s + p[0]),
        -10 + 5 * np.cos(3 * s + p[1]),
        40 + 12 * s + 3 * np.sin(5 * s + p[2]),
    ]
    places = [
        100 + 45 * s + 2 * np.sin(6 * s + p[3]),
        -60 + 6 * np.sin(np.pi * s + p[4]),
        250 + 4 * np.cos(2 * np.pi * s + p[5]),
    ]
    T_tool_to_world = geometry.transform(
        rotations.from_euler(np.stack(angles_deg, axis=1), "ZYX"), np.stack(places, axis=1)
    )
    return T_tool_to_world @ CALIBRATION.T_image_to_tool


def _chained(T_true: np.ndarray, u) -> np.ndarray:
    chained = [np.eye(4)]
    for before, here in zip(T_true[:-1], T_true[1:], strict=True):
        a, b, c, d, e, f = (next(u) for _ in range(6))
        angles = 0.5 * (np.array([c, b, a]) - 0.5) + [0.02, -0.03, 0.05]
        shift = 0.4 * (np.array([d, e, f]) - 0.5) + [0.03, -0.02, 0.05]
        error = geometry.transform(rotations.from_euler(angles, "ZYX"), shift)
        chained.append(chained[-1] @ np.linalg.inv(before) @ here @ error)
    return np.stack(chained)
