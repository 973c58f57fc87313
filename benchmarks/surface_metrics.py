"""Speed and memory of scoring a labelled volume, beside two peers, in one run.

    python benchmarks/surface_metrics.py [TABLE.csv] [--peer-python PYTHON]

Ours against MONAI and google's surface-distance: Dice, HD, HD95, directed ASD, ASSD (google has
none) and surface Dice at 1 mm of four structures in a 202 x 202 x 197 volume at 0.2483 mm. Each
tool gets the same two uint8 label masks and does all its work from there, in a fresh process,
with one thread; whole calls after a warm-up, best of several; memory is how far a call raises
what the process held before. The masks are closed forms, so that the results are compared too:
MONAI's must equal ours, google's must for Dice and HD (its surfaces are another definition).

surface-distance is no dependency of the study. Any Python that has it will do:

    python -m venv PEER && PEER/bin/pip install numpy scipy surface-distance
    python benchmarks/surface_metrics.py --peer-python PEER/bin/python
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np

SPACING_MM = 0.2483
SHAPE = (202, 202, 197)
LABELS = (1, 2, 3, 4)
TOLERANCE_MM = 1.0
REPEATS = 5
METRICS = (
    *("dice", "hd_mm", "hd95_mm", "asd_gt_to_pred_mm", "asd_pred_to_gt_mm", "assd_mm"),
    "surface_dice_1mm",
)
#: Each tool's package, whose version the table states.
PACKAGES = {"hipus": "hipus", "MONAI": "monai", "surface-distance": "surface-distance"}
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")}


def _ellipsoid(x, centre, radii) -> np.ndarray:
    return sum((x[i] - centre[i]) ** 2 / radii[i] ** 2 for i in range(3)) <= 1


def _cap_shell(x, centre, radii, height) -> np.ndarray:
    from_centre = [x[i] - centre[i] for i in range(3)]
    radius = np.sqrt(sum(step**2 for step in from_centre))
    return (radius >= radii[0]) & (radius <= radii[1]) & (from_centre[2] >= height)


def _plate(x, centre, tilt_deg, size) -> np.ndarray:
    """Return a plate of a thickness and two half lengths, tilted about the second axis."""
    first, second, third = (x[i] - centre[i] for i in range(3))
    sine, cosine = np.sin(np.deg2rad(tilt_deg)), np.cos(np.deg2rad(tilt_deg))
    is_in = np.abs(sine * first + cosine * third) <= size[0] / 2
    return is_in & (np.abs(cosine * first - sine * third) <= size[1]) & (np.abs(second) <= size[2])


def closed_form() -> tuple[np.ndarray, np.ndarray]:
    """Return a prediction and its reference: head, cap, plate, and an ellipsoid with an island.

    Returns
    -------
    tuple of 2 numpy.ndarray (202, 202, 197) uint8
    """
    x = np.meshgrid(*(SPACING_MM * np.arange(n) for n in SHAPE), indexing="ij", sparse=True)
    reference = (
        _ellipsoid(x, (25, 25, 24.5), (9.0, 8.5, 8.8)),
        _cap_shell(x, (25, 25, 24.5), (10.0, 11.2), 2.0),
        _plate(x, (25, 25, 42), 20, (0.7, 9, 7)),
        _ellipsoid(x, (36.5, 25, 27.5), (2.2, 1.4, 1.0)),
    )
    island = _ellipsoid(x, (42, 25, 27.5), (0.6, 0.6, 0.6))
    prediction = (
        _ellipsoid(x, (25.11, 24.93, 24.55), (9.1, 8.45, 8.85)),
        _cap_shell(x, (25.09, 25.13, 24.44), (10.05, 11.15), 2.3),
        _plate(x, (25.21, 25.06, 42.15), 21, (0.7, 9.1, 6.9)),
        _ellipsoid(x, (36.62, 24.95, 27.44), (2.1, 1.45, 1.05)) | island,
    )
    return _painted(prediction), _painted(reference)


def _painted(shapes) -> np.ndarray:
    """Return shapes as labels 1, 2, ...; later ones overwrite."""
    labels = np.zeros(SHAPE, np.uint8)
    for label, shape in zip(LABELS, shapes, strict=True):
        labels[shape] = label
    return labels


def run_hipus(prediction: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the scores (labels, METRICS) by this package."""
    from hipus.mask_scores import score_masks

    spacing = (SPACING_MM,) * 3
    scores = score_masks(prediction, reference, spacing_zyx_mm=spacing, labels=LABELS)
    return np.array([[getattr(one, name) for name in METRICS] for one in scores])


def run_monai(prediction: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the scores (labels, METRICS) by MONAI, on one-hot tensors as it wants them."""
    import torch
    from monai import metrics

    torch.set_num_threads(1)
    pair = [
        torch.from_numpy(np.stack([mask == label for label in LABELS])[None])
        for mask in (prediction, reference)
    ]
    shared = {"include_background": True, "spacing": SPACING_MM}
    found = (
        metrics.compute_dice(*pair, include_background=True),
        metrics.compute_hausdorff_distance(*pair, **shared),
        metrics.compute_hausdorff_distance(*pair, percentile=95, **shared),
        metrics.compute_average_surface_distance(*pair[::-1], **shared),
        metrics.compute_average_surface_distance(*pair, **shared),
        metrics.compute_average_surface_distance(*pair, symmetric=True, **shared),
        metrics.compute_surface_dice(*pair, class_thresholds=[TOLERANCE_MM] * 4, **shared),
    )
    return np.array([values[0].numpy() for values in found]).T


def run_google(prediction: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the scores (labels, METRICS) by surface-distance; it has no ASSD."""
    import surface_distance as google

    rows = []
    for label in LABELS:
        true, found = reference == label, prediction == label
        distances = google.compute_surface_distances(true, found, (SPACING_MM,) * 3)
        rows.append(
            [
                google.compute_dice_coefficient(true, found),
                google.compute_robust_hausdorff(distances, 100),
                google.compute_robust_hausdorff(distances, 95),
                *google.compute_average_surface_distance(distances),
                np.nan,
                google.compute_surface_dice_at_tolerance(distances, TOLERANCE_MM),
            ]
        )
    return np.array(rows)


RUNNERS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "hipus": run_hipus,
    "MONAI": run_monai,
    "surface-distance": run_google,
}


def measure(tool: str, folder: Path) -> dict[str, object]:
    """Warm up, measure memory in one run and time in the others; keep the scores."""
    masks = [np.load(folder / f"{name}.npy") for name in ("prediction", "reference")]
    runner = RUNNERS[tool]
    np.save(folder / f"{tool}.npy", runner(*masks))
    peak_mib = _peak_mib(lambda: runner(*masks))
    wall_s, cpu_s = [], []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        runner(*masks)
        wall_s.append(time.perf_counter() - wall)
        cpu_s.append(time.process_time() - cpu)
    version = metadata.version(PACKAGES[tool])
    return {"version": version, "wall_s": min(wall_s), "cpu_s": min(cpu_s), "peak_mib": peak_mib}


def _peak_mib(call: Callable[[], object]) -> float:
    """Return how far a call raises resident memory above what was resident before."""
    ctypes.CDLL(None).malloc_trim(0)  # else memory kept from the warm-up is used again, unseen
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of loading and warm-up
    before = _status_mib("VmRSS")
    call()
    return _status_mib("VmHWM") - before


def _status_mib(name: str) -> float:
    """Return a memory line of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def in_fresh_process(tool: str, python: str, folder: Path) -> dict[str, object]:
    """Measure one tool in a process of its own."""
    command = [python, __file__, "--tool", tool, str(folder)]
    environment = os.environ | ONE_THREAD
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def row_of(tool: str, python: str, folder: Path) -> dict[str, object]:
    """Measure one tool and compare its scores with ours, which were measured first."""
    found = in_fresh_process(tool, python, folder)
    ours, theirs = np.load(folder / "hipus.npy"), np.load(folder / f"{tool}.npy")
    apart = np.abs(ours - theirs).max(axis=0)
    return {
        "tool": tool,
        **found,
        "load": os.getloadavg()[0],
        **{f"{name}_difference": value for name, value in zip(METRICS, apart, strict=True)},
        "machine": machine(),
    }


def machine() -> str:
    """Describe processor, cores and versions."""
    models = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    versions = "; ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "numba", "torch"))
    return (
        f"{len(models)} x {models[0]}; {platform.system()}; "
        f"Python {platform.python_version()}; {versions}"
    )


def has_google(python: str) -> bool:
    """Return whether a Python can import surface-distance."""
    done = subprocess.run([python, "-c", "import surface_distance"], stderr=subprocess.DEVNULL)
    return done.returncode == 0


def main(table_path: Path | None, peer_python: str) -> None:
    """Run all tools, print the table and write it; without google's only where asked to."""
    import pandas as pd

    from hipus import paths, tables

    pythons = {"hipus": sys.executable, "MONAI": sys.executable, "surface-distance": peer_python}
    is_whole = has_google(peer_python)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for which, mask in zip(("prediction", "reference"), closed_form(), strict=True):
            np.save(folder / f"{which}.npy", mask)
        tools = [tool for tool in RUNNERS if is_whole or tool != "surface-distance"]
        table = pd.DataFrame([row_of(tool, pythons[tool], folder) for tool in tools])
    print(table.drop(columns="machine").to_string(index=False, float_format="{:.4g}".format))
    print(table.machine[0])
    if table_path is None and not is_whole:
        print("not written: surface-distance is not installed, see --peer-python")
        return
    default = paths.root() / "benchmarks" / "results" / "surface_metrics.csv"
    print(f"written: {tables.write(table, table_path or default, key=['tool'])}")


def _arguments(words: list[str]) -> tuple[Path | None, str]:
    words, peer_python = list(words), sys.executable
    if "--peer-python" in words:
        place = words.index("--peer-python")
        _, peer_python = words.pop(place), words.pop(place)
    return (Path(words[0]) if words else None), peer_python


if __name__ == "__main__":
    if sys.argv[1:2] == ["--tool"]:
        print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))))
    else:
        main(*_arguments(sys.argv[1:]))
