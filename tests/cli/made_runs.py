"""A made left hip that is swept, and a labeller that knows where it lies."""

from dataclasses import replace

import numpy as np
from made_hips import MadeHip

from hipus import geometry, images, rotations
from hipus.formats import metafile
from hipus.reconstruction.pose_agreement import pixel_to_centre
from hipus.sweep import Sweep

HIP = MadeHip(alpha_deg=64.0, coverage_percent=55.0, radius_mm=8.0)
FRAMES, SHAPE_HW, PIXEL_MM, STEP_MM = 45, (34, 40), (1.2, 1.3), 1.0
#: From the world of the sweep's volume (x lateral, y along the beam, z across the pictures) to
#: the hip (lateral, posterior, superior): the beam comes from lateral.
R_WORLD_TO_HIP = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
#: The head's middle in that world.
HEAD_MM = np.array([-6.0, 1.3, 0.7])
#: Where the tracker stands.
WORLD = geometry.transform(rotations.from_rotation_vector([1.0, 0.2, -0.6]), [90.0, -50.0, 30.0])


def swept(*, tracked=FRAMES, sweep_id="left_p_d") -> Sweep:
    """Return a sweep along -z, as those of left hips are, of which some frames are tracked."""
    rng = np.random.default_rng(2)
    places = -STEP_MM * np.arange(FRAMES)[:, None] * [0.0, 0.0, 1.0]
    T = geometry.compose(WORLD, geometry.transform(translation=places))
    T[tracked:] = np.nan
    return Sweep(
        frames=rng.integers(60, 200, (FRAMES, *SHAPE_HW), dtype=np.uint8),
        time_s=3 + 0.1 * np.arange(FRAMES),
        T_probe_to_reference=T,
        T_pixel_to_probe=pixel_to_centre(SHAPE_HW, PIXEL_MM),
        sweep_id=sweep_id,
    )


def write_swept(path, *, origin="simulated", **options):
    """Write the sweep as a sequence that says where it comes from."""
    sequence = metafile.from_sweep(swept(**options))
    fields = sequence.fields | {"DataOrigin": origin}
    return metafile.write(path, replace(sequence, fields=fields))


def label_hip(segmenter, volume: images.Volume) -> images.Volume:
    """Label a sweep's volume as a perfect network would."""
    z, y, x = np.indices(volume.array.shape)
    index = np.stack([x, y, z], axis=-1)
    places = index * volume.spacing_zyx_mm[::-1] + np.array(volume.origin_xyz_mm)
    return replace(volume, array=HIP.labels_at((places - HEAD_MM) @ R_WORLD_TO_HIP.T))


def label_nothing(segmenter, volume: images.Volume) -> images.Volume:
    """Label a volume as a network that sees nothing."""
    return replace(volume, array=np.zeros_like(volume.array))
