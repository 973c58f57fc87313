"""Pictures of volumes: three planes with a scale, differences beside them."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hipus.figures import style
from hipus.images import Volume

#: Named after the axis across them: in a marker's frame no plane is axial or coronal.
_PLANES = (("across z,", 0), ("across y,", 1), ("across x,", 2))


def draw_three_planes(volume: Volume, *, at: tuple | None = None) -> Figure:
    """Draw the three orthogonal planes through a point of a volume.

    Parameters
    ----------
    volume : Volume
    at : tuple of 3 int, optional
        Index [z, y, x]; the middle when left out.

    Returns
    -------
    matplotlib.figure.Figure
        Titles say how far each plane lies from the volume's centre.
    """
    at = at or tuple(size // 2 for size in volume.array.shape)
    extents = [
        np.delete(np.array(volume.array.shape) * volume.spacing_zyx_mm, axis) for _, axis in _PLANES
    ]
    with style.look():
        figure, axes = style.new_figure(
            1, 3, height_in=2.6, width_ratios=[extent[1] for extent in extents]
        )
        for axis_box, (name, axis), extent in zip(axes, _PLANES, extents, strict=True):
            plane = np.take(volume.array, at[axis], axis=axis)
            show_plane(axis_box, plane, extent)
            middle = (volume.array.shape[axis] - 1) / 2
            offset = (at[axis] - middle) * volume.spacing_zyx_mm[axis]
            axis_box.set_title(f"{name} {offset:+.1f} mm")
    return figure


def show_plane(axes, plane: np.ndarray, extent_mm, **options):
    """Show a 2D array in mm with equal scales.

    Parameters
    ----------
    axes : matplotlib axes
    plane : numpy.ndarray (H, W)
    extent_mm : (height, width) in mm
    **options
        Passed to `imshow`.

    Returns
    -------
    matplotlib.image.AxesImage
    """
    height, width = extent_mm
    picture = axes.imshow(
        plane,
        extent=(0, width, height, 0),
        **{"cmap": style.GREY, "interpolation": "nearest", **options},
    )
    axes.set_xlabel("mm")
    axes.tick_params(length=2)
    return picture
