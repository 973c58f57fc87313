"""Speed of the simulated ultrasound at full and small size, and where the time goes.

    python benchmarks/simulation.py [TABLE.csv]

Frames per second of whole sweeps after a warm-up (poses in, frames and masks out), best of
several, by threads; processor seconds per frame beside it, which a busy machine does not
blur. Packing a scene and building a speckle field happen once per hip and sweep and are listed
apart. The order's goal: 20 full-size frames/s on 2 cores.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import pandas as pd

from hipus import tables
from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.masks import mask_grid
from hipus.phantom.anatomy.parameters import HipParameters
from hipus.phantom.anatomy.scenes import build_scene
from hipus.phantom.ultrasound.guides import pack_scene
from hipus.phantom.ultrasound.render import render_sweep
from hipus.phantom.ultrasound.scan import LabelVolume
from hipus.phantom.ultrasound.settings import ProbeSettings
from hipus.phantom.ultrasound.speckle import build_field

#: Name, settings: the native grid is the line count by the rows that `sample_pitch_mm` makes.
SIZES = {
    "full": ProbeSettings(),
    "small": ProbeSettings(shape_px=(232, 256), line_count=128, sample_pitch_mm=0.12),
}
FRAMES, REPEATS = 24, 3
LABEL_SPACING_MM = 0.3


def poses() -> np.ndarray:
    """Return a sweep across a left hip, (FRAMES, 4, 4)."""
    T = np.stack([np.eye(4)] * FRAMES)
    T[:, :3, :3] = np.array([[0, -1, 0], [0, 0, 1], [-1, 0, 0]], float)
    T[:, 0, 3] = 21.5
    T[:, 1, 3] = np.linspace(-12, 12, FRAMES)
    return T


def make_labels(hip: Hip) -> LabelVolume:
    """Return the full anatomy's labels on a grid."""
    origin, shape = (-28.0, -16.0, -24.0), (160, 107, 170)
    spacing = (LABEL_SPACING_MM,) * 3
    values = mask_grid(hip, origin, spacing, shape)
    return LabelVolume(np.ascontiguousarray(getattr(values, "array", values)), origin, spacing[0])


def timed(function) -> tuple[float, float]:
    """Return wall and processor seconds of a call."""
    wall, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - processor


def measure(name: str, packed, labels: LabelVolume, *, threads: int) -> dict:
    """Return one row of the table."""
    settings = SIZES[name]
    field = build_field(np.random.default_rng(0), settings)

    def sweep():
        render_sweep(
            packed, poses(), settings, np.random.default_rng(1),
            labels=labels, field=field, threads=threads,
        )  # fmt: skip

    sweep()
    best = min(timed(sweep) for _ in range(REPEATS))
    return {
        "size": name,
        "threads": threads,
        "rows_px": settings.shape_px[0],
        "columns_px": settings.shape_px[1],
        "lines": settings.line_count,
        "samples": settings.sample_count,
        "frames_per_s": FRAMES / best[0],
        "processor_ms_per_frame": 1e3 * best[1] / FRAMES,
        "field_s": timed(lambda: build_field(np.random.default_rng(0), settings))[0],
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure, print, and write a table where a path is given."""
    hip = Hip(HipParameters())
    scene = build_scene(hip)
    packing_s, _ = timed(lambda: pack_scene(scene))
    packed, labels = pack_scene(scene), make_labels(hip)
    rows = [measure(name, packed, labels, threads=threads) for name in SIZES for threads in (1, 2)]
    table = pd.DataFrame(rows).assign(packing_s=packing_s)
    print(table.to_string(index=False, float_format="%.3g"))
    if len(sys.argv) > 1:
        tables.write(table, sys.argv[1], key=["size", "threads"])


if __name__ == "__main__":
    main()
