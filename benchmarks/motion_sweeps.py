"""Speed and memory of a whole sweep: 57 frames in, poses with uncertainty out, flow included.

    python benchmarks/motion_sweeps.py [TABLE.csv]

The way of `hipus track` from frames in memory on: shrinking, flow, network or features, steps,
trajectory. Each case in a fresh process with one or two threads of torch, OpenCV and BLAS;
whole calls after a warm-up, best of several: wall and processor time, and how far the call
raises resident memory. Frames are a made texture. The published network has random weights and
the sweep's context is fitted on small made sweeps: neither changes the work. The goal: less
time than the sweep took to record (a p_d sweep took 5.3 s). Processor time tells; wall time
holds for the machine's `load` (processes that wanted a core in the minute before), and threads
that wait for each other on a busy machine spin.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from hipus import geometry, tables
from hipus.motion.prediction import Predictor, Trajectory, trajectory
from hipus.motion.preparation import prepare
from hipus.sweep import Sweep

FULL_PX, SMALL_PX = (727, 800), (232, 256)
FRAMES, INPUT_PX = 57, 96
#: How long a p_d sweep took to record, as printed.
RECORDED_S = 5.3
KEY = ["model", "size", "threads"]


@dataclass(frozen=True)
class Case:
    """One measurement: which model, on frames of which size, with how many threads."""

    model: str
    shape: tuple[int, int]
    threads: int
    repeats: int = 3


CASES = [
    Case(model, shape, threads)
    for model in ("published network", "sweep context")
    for shape, threads in ((FULL_PX, 1), (FULL_PX, 2), (SMALL_PX, 1))
]


def recording(shape: tuple[int, int], *, frames: int = FRAMES, seed: int = 0) -> Sweep:
    """Return a tracked sweep of a made texture that changes from frame to frame."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((frames + 1, *shape), dtype=np.float32)
    smooth = np.stack([cv2.GaussianBlur(frame, None, 2.0) for frame in noise])
    smooth = smooth[1:] + 2 * smooth[:-1]  # neighbours are alike
    grey = np.clip(90 + 40 * smooth / smooth.std(), 0, 255).astype(np.uint8)
    way = np.arange(frames)[:, None] * [0.0, 0.0, 0.5 + 0.1 * seed]
    scale = 40 / shape[0]
    return Sweep(
        grey,
        time_s=np.arange(frames) / 9,
        T_probe_to_reference=geometry.transform(None, way),
        T_pixel_to_probe=np.diag([scale, scale, 1.0, 1.0]),
    )


def published_network(input_px: int = INPUT_PX) -> Predictor:
    """Return the published network with random weights."""
    from hipus.motion import networks
    from hipus.motion.arms import named
    from hipus.motion.network_prediction import NetworkPredictor
    from hipus.motion.target_scaling import TargetScaling
    from hipus.motion.trained_model import TrainedModel, TrainingSettings

    return NetworkPredictor(
        TrainedModel(
            arm=named("published"),
            network=networks.channels_last(networks.published_network()).eval(),
            scaling=TargetScaling(6, np.zeros(9), np.full(9, 1e-2)),
            settings=TrainingSettings(iterations=1),
            input_px=input_px,
            training_subjects=(),
            history=(),
        )
    )


def sweep_context(input_px: int = INPUT_PX) -> Predictor:
    """Return the study's own arm, fitted on eight small made sweeps of four subjects."""
    from hipus.motion.sweep_context import SweepContext

    training = [
        prepare(
            recording(SMALL_PX, frames=16, seed=seed),
            input_px=input_px,
            side="right",
            sweep_type="p_a",
            subject_id=f"S{seed % 4}",
        )
        for seed in range(8)
    ]
    return SweepContext.fit(training)


MODELS: dict[str, Callable[..., Predictor]] = {
    "published network": published_network,
    "sweep context": sweep_context,
}


def poses_of(sweep: Sweep, predictor: Predictor, *, input_px: int = INPUT_PX) -> Trajectory:
    """Return what pictures alone give."""
    prepared = prepare(sweep, input_px=input_px, side="right", sweep_type="p_a", from_pictures=True)
    if len(prepared) < len(sweep):
        raise ValueError(f"{len(sweep)} frames should be predicted, got {len(prepared)}")
    return trajectory(predictor.predict(prepared), prepared)


def measure(case: Case) -> dict[str, float]:
    """Return time and memory of one case in this process."""
    import torch

    torch.set_num_threads(case.threads)
    cv2.setNumThreads(case.threads)
    sweep, predictor = recording(case.shape), MODELS[case.model]()
    poses_of(sweep, predictor)
    peak_mib = _peak_mib(lambda: poses_of(sweep, predictor))
    wall_s, cpu_s = [], []
    for _ in range(case.repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        poses_of(sweep, predictor)
        wall_s.append(time.perf_counter() - wall)
        cpu_s.append(time.process_time() - cpu)
    return {"wall_s": min(wall_s), "cpu_s": min(cpu_s), "peak_mib": peak_mib}


def _peak_mib(call: Callable[[], object]) -> float:
    """Return how far a call raises resident memory above what was resident before."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what the warm-up left in the heap would hide it
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of loading and warm-up
    before = _status_mib("VmRSS")
    call()
    return _status_mib("VmHWM") - before


def _status_mib(name: str) -> float:
    """Return a memory line of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def in_fresh_process(case: Case) -> dict[str, object]:
    """Measure one case in a process of its own."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    command = [sys.executable, __file__, "--case", json.dumps(asdict(case))]
    load = os.getloadavg()[0]
    done = subprocess.run(
        command,
        env=os.environ | dict.fromkeys(names, str(case.threads)),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return {
        "model": case.model,
        "size": "x".join(map(str, case.shape)),
        "threads": case.threads,
        "frames": FRAMES,
        **found,
        "share_of_recording_percent": 100 * found["cpu_s"] / RECORDED_S,
        "load": load,
    }


def main() -> None:
    """Measure, print, and write a table where a path is given."""
    table = pd.DataFrame([in_fresh_process(case) for case in CASES]).sort_values(KEY)
    print(table.to_string(index=False, float_format="{:.3g}".format))
    if len(sys.argv) > 1:
        tables.write(table, sys.argv[1], key=KEY)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--case"]:
        settings = json.loads(sys.argv[2])
        print(json.dumps(measure(Case(**settings | {"shape": tuple(settings["shape"])}))))
    else:
        main()
