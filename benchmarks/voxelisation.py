"""Speed and memory of voxelisation, side by side, in one run, on real full-size frames.

Ours against the plain torch adjoint of `grid_sample` and plain NumPy, each in a fresh process,
on the same 820 x 616 frames and poses at 0.5 mm, with the results compared. The figures of
the C++ reference (IGSIO, an idle machine of 2 cores) are quoted beside them.

    python benchmarks/voxelisation.py [TABLE.csv]

Times are of whole calls after a warm-up, best of several: allocation, accumulation, division.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hipus import paths, tables
from hipus.formats import metafile, plus_config
from hipus.reconstruction.grid import VoxelGrid, grid_around
from hipus.reconstruction.region import ImageRegion
from hipus.reconstruction.voxelisation import voxelise

SPACING_MM = 0.5
SWEEP = "plus/SpinePhantomFreehand.igs.mha"
CONFIGURATION = "plus/spine_NN_MEAN_05.xml"
#: Frames per second of IGSIO's mean, by (interpolation, threads).
IGSIO = {("linear", 1): 40.8, ("linear", 2): 74.6, ("nearest", 1): 385.0, ("nearest", 2): 492.0}
#: Voxels that got less of a pixel are not compared: single precision leaves them no digits.
LEAST_WEIGHT = 0.01
KEY = ["implementation", "interpolation", "threads", "frames"]


@dataclass(frozen=True)
class Case:
    """One measurement: who, how, with how many threads, how often the sweep is repeated."""

    implementation: str
    interpolation: str
    threads: int
    sweeps: int = 1
    repeats: int = 3


@dataclass(frozen=True)
class Scene:
    """What every implementation gets."""

    frames: np.ndarray
    T_pixel_to_world: np.ndarray
    grid: VoxelGrid

    @property
    def T_pixel_to_voxel(self) -> np.ndarray:
        """Return the maps from pixels to voxel coordinates x, y, z."""
        return self.grid.T_world_to_voxel @ self.T_pixel_to_world


CASES = (
    *(Case("hipus", i, n, repeats=9) for i in ("nearest", "linear") for n in (1, 2)),
    *(Case("hipus", i, n, sweeps=10, repeats=5) for i in ("nearest", "linear") for n in (1, 2)),
    Case("torch adjoint of grid_sample", "linear", 1),
    Case("torch adjoint of grid_sample", "linear", 2),
    Case("numpy bincount", "nearest", 1),
    Case("numpy bincount", "linear", 1),
)


def load() -> Scene:
    """Read the real sweep from the mirror or the download folder."""
    folders = [f for f in (paths.mirror_dir(), paths.download_dir() / "real") if f]
    found = [folder for folder in folders if (folder / SWEEP).is_file()]
    if not found:
        raise FileNotFoundError(f"{SWEEP}: set HIPUS_MIRROR or run `hipus fetch`")
    sequence = metafile.read(found[0] / SWEEP)
    T_image_to_probe = plus_config.read_transform(found[0] / CONFIGURATION, "Image", "Probe")
    T = sequence.chain("Probe", "Reference") @ T_image_to_probe
    frames = np.ascontiguousarray(sequence.frames[: len(sequence)])
    region = ImageRegion.whole(frames.shape[1:])
    return Scene(frames, T, grid_around(T, region, spacing_xyz_mm=SPACING_MM))


def run_hipus(scene: Scene, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Reconstruct a sweep, or a stream of several."""
    frames, T = scene.frames, scene.T_pixel_to_world
    if case.sweeps > 1:
        frames, T = (scene.frames for _ in range(case.sweeps)), np.tile(T, (case.sweeps, 1, 1))
    made = voxelise(frames, T, scene.grid, interpolation=case.interpolation, threads=case.threads)
    return made.volume, made.weight


def run_torch(scene: Scene, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Take the gradient of sampling: what `grid_sample` reads, its adjoint writes."""
    import torch
    from torch.nn.functional import grid_sample

    torch.set_num_threads(case.threads)
    height, width = scene.frames.shape[1:]
    v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    pixels = torch.stack([u, v, torch.ones_like(u)], dim=-1).float()
    half = (torch.tensor(scene.grid.shape_zyx[::-1]).float() - 1) / 2
    sums = torch.zeros(1, 2, *scene.grid.shape_zyx, requires_grad=True)
    for frame, T in zip(scene.frames, scene.T_pixel_to_voxel, strict=True):
        places = pixels @ torch.from_numpy(T[:3, [0, 1, 3]].T).float() / half - 1
        sampled = grid_sample(sums, places[None, None], align_corners=True)
        greys = torch.from_numpy(frame).float()
        sampled.backward(torch.stack([greys, torch.ones_like(greys)])[None, :, None])
    greys, weight = sums.grad[0]
    return (greys / weight.clamp(min=1e-12)).numpy(), weight.numpy()


def run_numpy(scene: Scene, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Count with `bincount`, corner by corner."""
    v, u = np.indices(scene.frames.shape[1:]).reshape(2, -1)
    shape = np.array(scene.grid.shape_zyx)
    greys, weight = np.zeros(shape.prod()), np.zeros(shape.prod())
    for frame, T in zip(scene.frames, scene.T_pixel_to_voxel, strict=True):
        zyx = (T[2::-1, :2] @ [u, v]) + T[2::-1, 3:]
        for voxels, share in _shares(zyx, case.interpolation):
            inside = ((voxels >= 0) & (voxels < shape[:, None])).all(axis=0)
            flat = np.ravel_multi_index(voxels[:, inside], shape)
            share = share[inside]
            weight += np.bincount(flat, share, len(weight))
            greys += np.bincount(flat, share * frame.ravel()[inside], len(greys))
    mean = np.divide(greys, weight, out=np.zeros_like(greys), where=weight > 0)
    return mean.reshape(shape), weight.reshape(shape)


def _shares(zyx: np.ndarray, interpolation: str):
    """Yield voxels and the share that each pixel gives them."""
    if interpolation == "nearest":
        yield np.floor(zyx + 0.5 + 2.0**-17).astype(int), np.ones(zyx.shape[1])
        return
    low = np.floor(zyx).astype(int)
    fraction = zyx - low
    for corner in np.ndindex(2, 2, 2):
        step = np.array(corner)[:, None]
        yield low + step, np.where(step, fraction, 1 - fraction).prod(axis=0)


RUNNERS: dict[str, Callable[[Scene, Case], tuple[np.ndarray, np.ndarray]]] = {
    "hipus": run_hipus,
    "torch adjoint of grid_sample": run_torch,
    "numpy bincount": run_numpy,
}


def measure(case: Case, result_path: Path) -> dict[str, float]:
    """Warm up, measure memory in one run and time in the others; keep the result."""
    scene, runner = load(), RUNNERS[case.implementation]
    runner(scene, case)
    peak_mib = _peak_mib(lambda: runner(scene, case))
    wall_s, cpu_s = [], []
    for _ in range(case.repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        volume, weight = runner(scene, case)
        wall_s.append(time.perf_counter() - wall)
        cpu_s.append(time.process_time() - cpu)
    np.savez(result_path, volume=volume, weight=weight)
    frames = len(scene.frames) * case.sweeps
    return {"frames": frames, "wall_s": min(wall_s), "cpu_s": min(cpu_s), "peak_mib": peak_mib}


def _peak_mib(call: Callable[[], object]) -> float:
    """Return how far a call raises resident memory above what was resident before."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of loading and warm-up
    before = _status_mib("VmRSS")
    call()
    return _status_mib("VmHWM") - before


def _status_mib(name: str) -> float:
    """Return a memory line of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def in_fresh_process(case: Case, folder: Path) -> dict[str, object]:
    """Measure one case in a process of its own and compare its result with the first's."""
    path = folder / f"{case.implementation}-{case.interpolation}-{case.threads}-{case.sweeps}.npz"
    threads = {name: str(case.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    command = [sys.executable, __file__, "--case", json.dumps(asdict(case)), str(path)]
    done = subprocess.run(
        command, env=os.environ | threads, check=True, stdout=subprocess.PIPE, text=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    ours = np.load(folder / f"hipus-{case.interpolation}-1-1.npz")
    theirs = np.load(path)
    solid = (ours["weight"] >= LEAST_WEIGHT) & (theirs["weight"] >= LEAST_WEIGHT)
    apart = np.abs(ours["volume"][solid].astype(float) - theirs["volume"][solid])
    return {
        "implementation": case.implementation,
        "interpolation": case.interpolation,
        "threads": case.threads,
        **found,
        "frames_per_s": found["frames"] / found["wall_s"],
        "frames_per_cpu_s": found["frames"] / found["cpu_s"],
        "igsio_frames_per_s_quoted": IGSIO[case.interpolation, case.threads],
        "largest_difference_grey_levels": float(apart.max()),
        "has_same_bits": ours["volume"].tobytes() == theirs["volume"].tobytes(),
        "machine": machine(),
    }


def machine() -> str:
    """Describe processor, cores and versions."""
    import numba
    import torch

    models = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return (
        f"{len(models)} x {models[0]}; {platform.system()}; Python {platform.python_version()}; "
        f"numpy {np.__version__}; numba {numba.__version__}; torch {torch.__version__}"
    )


def main(table_path: Path) -> None:
    """Run all cases, print the table and write it."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for case in CASES:
            print(f"{case.implementation}, {case.interpolation}, {case.threads} thread(s) ...")
            rows.append(in_fresh_process(case, Path(folder)))
    table = pd.DataFrame(rows).sort_values(KEY)
    print(table.drop(columns="machine").to_string(index=False, float_format="{:.4g}".format))
    print(rows[0]["machine"])
    print(f"written: {tables.write(table, table_path, key=KEY)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--case"]:
        print(json.dumps(measure(Case(**json.loads(sys.argv[2])), Path(sys.argv[3]))))
    else:
        default = paths.root() / "benchmarks" / "results" / "voxelisation.csv"
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
