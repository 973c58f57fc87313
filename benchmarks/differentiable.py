"""Speed and memory of differentiable voxelisation, beside the kernel and torch's own gradient.

    python benchmarks/differentiable.py [TABLE.csv]

A made sweep (57 frames of 232 x 256 px, 0.5 mm steps, 0.5 mm voxels), one thread, CPU time,
best of three after a warm-up. Where there is a CUDA device, it is measured as well.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import grid_sample

from hipus import geometry, paths, tables
from hipus.reconstruction import differentiable, voxelisation
from hipus.reconstruction.grid import VoxelGrid, grid_around
from hipus.reconstruction.region import ImageRegion

FRAMES, SHAPE_HW, PIXEL_MM, STEP_MM, SPACING_MM = 57, (232, 256), 0.17, 0.5, 0.5


def made_sweep() -> tuple[np.ndarray, np.ndarray, VoxelGrid]:
    """Return frames of noise, straight tilted poses and their grid."""
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 256, (FRAMES, *SHAPE_HW), dtype=np.uint8)
    place = np.arange(FRAMES)[:, None] * np.array([0.02, 0.01, STEP_MM])
    T = geometry.transform(None, place) @ np.diag([PIXEL_MM, PIXEL_MM, 1.0, 1.0])
    return frames, T, grid_around(T, ImageRegion.whole(SHAPE_HW), spacing_xyz_mm=SPACING_MM)


def forward(frames, T, grid, device: str) -> Callable[[], None]:
    """Return a call that voxelises without a gradient."""
    greys, poses = torch.from_numpy(frames).to(device), torch.from_numpy(T).float().to(device)

    def call() -> None:
        with torch.no_grad():
            differentiable.voxelise(greys, poses, grid=grid)
        _wait(device)

    return call


def backward(frames, T, grid, device: str) -> Callable[[], None]:
    """Return a call that voxelises and goes back to greys and poses."""
    greys = torch.from_numpy(frames).float().to(device).requires_grad_()
    poses = torch.from_numpy(T).float().to(device).requires_grad_()

    def call() -> None:
        greys.grad = poses.grad = None
        differentiable.voxelise(greys, poses, grid=grid).volume.square().sum().backward()
        _wait(device)

    return call


def peer(frames, T, grid, device: str) -> Callable[[], None]:
    """Return a call that takes grid_sample's gradient frame by frame: no way back to poses."""
    v, u = np.indices(SHAPE_HW).reshape(2, -1)
    pixels = torch.tensor(np.stack([u, v, np.zeros_like(u), np.ones_like(u)])).float().to(device)
    rows = torch.from_numpy(grid.T_world_to_voxel @ T).float()[:, :3].to(device)
    half = (torch.tensor(grid.shape_zyx[::-1], device=device).float() - 1)[:, None] / 2
    greys = torch.from_numpy(frames).float().to(device).flatten(1)

    def call() -> None:
        sums = torch.zeros(1, 2, *grid.shape_zyx, device=device, requires_grad=True)
        for grey, row in zip(greys, rows, strict=True):
            places = ((row @ pixels) / half - 1).T[None, None, None]
            read = grid_sample(sums, places, align_corners=True)
            read.backward(torch.stack([grey, torch.ones_like(grey)])[None, :, None, None])
        _wait(device)

    return call


def kernel(frames, T, grid, device: str) -> Callable[[], None]:
    """Return a call of the numba kernel."""
    return lambda: voxelisation.voxelise(frames, T, grid, threads=1)


CASES = {
    "kernel (numba)": kernel,
    "differentiable, forward": forward,
    "differentiable, forward and backward": backward,
    "torch gradient of grid_sample": peer,
}


def _wait(device: str) -> None:
    """Wait for a card to finish."""
    if device == "cuda":
        torch.cuda.synchronize()


def measure(call: Callable[[], None], device: str) -> float:
    """Return seconds: of CPU time, or of wall time on a card."""
    clock = time.perf_counter if device == "cuda" else time.process_time
    call()
    taken = []
    for _ in range(3):
        start = clock()
        call()
        taken.append(clock() - start)
    return min(taken)


def main(table_path: Path) -> None:
    """Measure all cases, print the table and write it."""
    torch.set_num_threads(1)
    sweep, rows = made_sweep(), []
    for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
        for name, make in CASES.items():
            if device == "cuda" and make is kernel:
                continue
            seconds = measure(make(*sweep, device), device)
            rows.append({"implementation": name, "device": device, "seconds": seconds})
            rows[-1]["frames_per_s"] = FRAMES / seconds
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format="{:.4g}".format))
    print(f"written: {tables.write(table, table_path, key=['device', 'implementation'])}")


if __name__ == "__main__":
    default = paths.root() / "benchmarks" / "results" / "differentiable.csv"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
