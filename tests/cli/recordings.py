"""Small recordings to call the command on."""

import numpy as np

from hipus import geometry
from hipus.formats.sequence import Sequence, TransformTrack
from hipus.sweep import Sweep

#: Pixels of 1 x 1 mm whose v axis points along the probe's y.
T_PIXEL_TO_PROBE = geometry.transform(translation=[10.0, 20.0, 0.0])


def slab(*, count=5, invalid=(), calibrated=True) -> Sweep:
    """Return frames of 3 x 4 px with value 10 (k + 1), 1 mm apart along z."""
    frames = np.repeat(10 * np.arange(1, count + 1, dtype=np.uint8), 12).reshape(count, 3, 4)
    poses = geometry.transform(translation=np.arange(count)[:, None] * [0.0, 0.0, 1.0])
    poses[list(invalid)] = np.nan
    return Sweep(
        frames=frames,
        time_s=5 + 0.5 * np.arange(count),
        T_probe_to_reference=poses,
        T_pixel_to_probe=T_PIXEL_TO_PROBE if calibrated else None,
        sweep_id="slab",
    )


def recording(frames, time_s, transforms: dict, **options) -> Sequence:
    """Return a sequence of named transforms, INVALID where NaN."""
    tracks = {}
    for name, T in transforms.items():
        is_posed = ~np.isnan(T).any(axis=(1, 2))
        matrices = np.where(is_posed[:, None, None], T, np.eye(4))
        status = tuple("OK" if posed else "INVALID" for posed in is_posed)
        tracks[name] = TransformTrack(matrices, status)
    return Sequence(
        frames=frames,
        time_s=time_s,
        transforms=tracks,
        image_status=("OK",) * len(time_s),
        orientation=options.pop("orientation", "MF"),
        **options,
    )
