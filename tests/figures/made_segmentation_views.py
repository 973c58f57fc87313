"""Small made-up figure inputs of segmentation: frames, sections, surfaces.

Pictures are not squares, voxels not cubes, so that swapped axes show.
"""

import numpy as np

from hipus.labels import HipLabel

#: Depth, rows and columns, and their sides: 8.4 x 14 x 19.2 mm.
SHAPE, SPACING = (12, 20, 24), np.array([0.7, 0.7, 0.8])
STRUCTURES = ("ilium", "femoral_head", "chondro_osseous_border", "femoral_cortex")
#: An octahedron.
CORNERS = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
FACES = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4],
                  [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])  # fmt: skip


def volume() -> np.ndarray:
    """Return labels of four structures; the head lies in the middle."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:11, 6, 1:7] = HipLabel.ILIUM
    labels[3:9, 6:14, 8:16] = HipLabel.FEMORAL_HEAD
    labels[3:9, 6:12, 17] = HipLabel.CHONDRO_OSSEOUS_BORDER
    labels[2:10, 5, 18:23] = HipLabel.FEMORAL_CORTEX
    return labels


def planes(rng, masks) -> dict:
    """Return two planes through the middle of a picture and its masks."""
    arrays = {"grey": rng.integers(0, 90, SHAPE, dtype=np.uint8)} | masks
    found = {"spacing_zyx_mm": SPACING}
    for name, array in arrays.items():
        found |= {f"{name}_across_z": array[6], f"{name}_across_x": array[:, :, 11].T}
    return found


def surfaces(name: str, *, lacks: str = "") -> dict:
    """Return an octahedron for each structure, one beside the other; one may be absent."""
    found = {}
    for place, structure in enumerate(STRUCTURES):
        is_there = structure != lacks
        vertices = CORNERS * 1.5 + [8.0 * place, 4.0 * place, 0]
        found[f"{name}_{structure}_vertices_xyz_mm"] = vertices[: 6 * is_there].astype(np.float16)
        found[f"{name}_{structure}_faces"] = FACES[: 8 * is_there].astype(np.uint16)
    return found


def frame_labels(rng) -> dict:
    """Return one frame with three masks."""
    masks = {name: np.roll(volume()[6], step, axis=1)
             for name, step in (("reviewed", 0), ("drawn", 1), ("blind", -1))}  # fmt: skip
    frame = rng.integers(0, 255, SHAPE[1:], dtype=np.uint8)
    about = {"pixel_side_mm": np.array(0.5), "name": np.array("S005/left_p_a frame 45")}
    return {"frame": frame, "truth": volume()[6], **masks, **about}


def segmentation_frame(rng) -> dict:
    """Return one frame, and its place in a volume."""
    names = ("truth", "label", "frame_2.1", "frame_2.2", "frame_2.3")
    names += ("volume_truth", "volume_2.3", "volume_3.1", "volume_3.2")
    found = {name: volume()[6] for name in names}
    for name in ("frame", "volume_grey"):
        found[name] = rng.integers(0, 255, SHAPE[1:], dtype=np.uint8)
    return found | {"pixel_side_mm": np.array(0.5), "name": np.array("S049/left_p_d frame 31")}


def segmentation_rounds(rng) -> dict:
    """Return one volume through the rounds; the first masks lack the border."""
    names = ("reconstructed", "corrected", "3.1", "3.2")
    found = planes(rng, {name: volume() for name in (*names, "truth")})
    for name in names:
        lacks = "chondro_osseous_border" if name == "reconstructed" else ""
        found |= surfaces(name, lacks=lacks)
    return found | {"name": np.array("S049/left_p_d")}


def segmentation_hips(rng) -> dict:
    """Return three hips: no volume shows the right side swept from back to front."""
    found = {}
    for key in ("p_d_left", "p_d_right", "p_a_left"):
        own = planes(rng, {"3.2": volume(), "truth": np.roll(volume(), 1, axis=2)})
        own |= surfaces("3.2") | {"name": np.array(f"S201/{key}"), "dice": np.array(0.8123)}
        found |= {f"{key}_{name}": array for name, array in own.items()}
    return found


def segmentation_failures(rng) -> dict:
    """Return two failures, which table volume_grades knows."""
    found = {}
    for place, (name, dice) in enumerate((("S201/left_p_a", 0.41), ("S202/left_p_d", 0.57)), 1):
        own = planes(rng, {"3.2": volume(), "truth": np.roll(volume(), 2, axis=2)})
        own |= {"name": np.array(name), "dice": np.array(dice)}
        found |= {f"worst{place}_{key}": array for key, array in own.items()}
    return found


def volume_grades(rng) -> dict:
    """Return a good volume, and an insufficient one of which no truth is known."""
    found = {}
    grey = rng.integers(0, 90, SHAPE, dtype=np.uint8)
    d, h, w = SPACING
    cuts = {"lateral_axial": (lambda one: one[6], (h, w)),
            "elevational_axial": (lambda one: one[:, :, 11].T, (h, d)),
            "lateral_elevational": (lambda one: one[:, 9], (d, w))}  # fmt: skip
    for grade in ("good", "insufficient"):
        for plane, (cut, sides) in cuts.items():
            start = f"{grade}_{plane}"
            found |= {f"{start}_grey": cut(grey), f"{start}_labels": cut(volume())}
            found[f"{start}_spacing_mm"] = np.array(sides)
            if grade == "good":
                found[f"{start}_truth"] = cut(np.roll(volume(), 1, axis=2))
    for grade, dice, broken in (("good", 0.86, ""), ("insufficient", np.nan, "holes")):
        found[f"{grade}_name"] = np.array("S301/left_p_d, predicted poses")
        found[f"{grade}_about"] = np.array(["second_centre", broken])
        found[f"{grade}_dice_mean"] = np.array(dice)
    return found


def everything(rng) -> dict:
    """Return every figure input by name."""
    inputs = (frame_labels, segmentation_frame, segmentation_rounds, segmentation_hips)
    inputs += (segmentation_failures, volume_grades)
    return {f"{function.__name__}.npz": function(rng) for function in inputs}
