"""Speed of predicting motion: where the time goes, part by part.

    OMP_NUM_THREADS=1 python benchmarks/motion.py [TABLE.csv]

Processor time of one thread, best of several after a warm-up: two spinning threads on a busy
machine say nothing. Frames are a made texture of the sizes of the printed sweeps; the network
is the published one with random weights. The goal: windows for a training step come at least as
fast as the step itself. Whole sweeps are measured by `motion_sweeps.py`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import cv2
import numpy as np
import pandas as pd
import torch

from hipus import geometry, tables
from hipus.motion.flow import METHODS, optical_flow
from hipus.motion.networks import published_network
from hipus.motion.preparation import prepare, thumbnails
from hipus.motion.windows import Windows
from hipus.sweep import Sweep

FULL_PX = (727, 800)
FRAMES, BATCH, REPEATS = 57, 32, 3
INPUTS_PX = (96, 128)


def recording(shape: tuple[int, int]) -> Sweep:
    """Return a tracked sweep of a made texture that changes from frame to frame."""
    rng = np.random.default_rng(0)
    volume = rng.standard_normal((FRAMES + 1, *shape), dtype=np.float32)
    smooth = np.stack([cv2.GaussianBlur(frame, None, 2.0) for frame in volume])
    smooth = smooth[1:] + 2 * smooth[:-1]  # neighbours are alike
    frames = np.clip(90 + 40 * smooth / smooth.std(), 0, 255).astype(np.uint8)
    T = geometry.transform(None, np.arange(FRAMES)[:, None] * [0.0, 0.0, 0.6])
    return Sweep(
        frames,
        time_s=np.arange(FRAMES) / 9,
        T_probe_to_reference=T,
        T_pixel_to_probe=np.diag([0.055, 0.055, 1.0, 1.0]),
    )


def cpu_s(job: Callable[[], object], *, repeats: int = REPEATS) -> float:
    """Return the processor seconds of a call, best of several after a warm-up."""
    job()
    found = []
    for _ in range(repeats):
        begin = time.process_time()
        job()
        found.append(time.process_time() - begin)
    return min(found)


def row(job: str, size: str, unit: str, count: int, seconds: float) -> dict:
    """Return one row of the table."""
    per_unit = 1e3 * seconds / count
    return {
        "job": job,
        "size": size,
        "unit": unit,
        "count": count,
        "cpu_s": seconds,
        "ms_per_unit": per_unit,
        "units_per_cpu_s": 1e3 / per_unit,
    }


def flow_rows(sweep: Sweep) -> list[dict]:
    """Measure shrinking and flow."""
    full = "x".join(map(str, FULL_PX))
    rows = [
        row("shrink to 96 px", full, "frame", FRAMES, cpu_s(lambda: thumbnails(sweep.frames, 96))),
        row("flow dis_fast", full, "pair", 9, cpu_s(lambda: optical_flow(sweep.frames[:10]))),
    ]
    for px in INPUTS_PX:
        small = thumbnails(sweep.frames, px)
        for method in METHODS:
            seconds = cpu_s(lambda small=small, method=method: optical_flow(small, method))
            rows.append(row(f"flow {method}", f"{px}x{px}", "pair", FRAMES - 1, seconds))
    return rows


def window_rows(windows: Windows) -> list[dict]:
    """Measure batches of inputs and targets."""
    rng = np.random.default_rng(0)
    indices = rng.integers(0, len(windows), BATCH)
    turned = {"is_reversed": np.arange(BATCH) % 2 == 0}
    size = f"{windows.input_px}x{windows.input_px}"
    jobs = {
        "window inputs": lambda: windows.inputs(indices),
        "window inputs, half of them backwards": lambda: windows.inputs(indices, **turned),
        "window targets": lambda: windows.targets(indices),
    }
    return [
        row(name, size, "batch of 32", 10, cpu_s(lambda job=job: [job() for _ in range(10)]))
        for name, job in jobs.items()
    ]


def network_rows(windows: Windows, network: torch.nn.Module) -> list[dict]:
    """Measure a training step and an inference of the published network."""
    x = torch.from_numpy(windows.inputs(np.arange(BATCH)))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4)

    def step():
        optimiser.zero_grad(set_to_none=True)
        network(x).square().mean().backward()
        optimiser.step()

    def infer():
        with torch.inference_mode():
            network(x)

    size, unit = f"{windows.input_px}x{windows.input_px}", "batch of 32"
    taught = row("network step", size, unit, 1, cpu_s(step, repeats=2))
    network.eval()
    return [taught, row("network inference", size, unit, 1, cpu_s(infer))]


def main() -> None:
    """Measure, print, and write a table where a path is given."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    sweep = recording(FULL_PX)
    rows = flow_rows(sweep)
    network = published_network().to(memory_format=torch.channels_last)
    for px in INPUTS_PX:
        windows = Windows([prepare(sweep, input_px=px, side="right")])
        rows += window_rows(windows) + network_rows(windows, network.train())
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format="%.3g"))
    if len(sys.argv) > 1:
        tables.write(table, sys.argv[1], key=["job", "size"])


if __name__ == "__main__":
    main()
