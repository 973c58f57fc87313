"""Live 3D viewers of volumes in JupyterLab: ipyniivue, and itkwidgets by name.

Decides that neither mirrors anything: x runs to the right and y down, as in the still pictures,
and that labels keep the study's colours. Decides that itkwidgets is not even imported where its
viewer cannot be loaded: it would hold back every later cell of the notebook. Shows nothing.
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import tempfile
import threading
import urllib.request
from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb

from hipus import images
from hipus.figures import overlays

#: How long the server that itkwidgets loads its viewer from is waited for.
PATIENCE_S = 4.0
LABEL_OPACITY = 0.5


def niivue_widget(volume: images.Volume, labels: images.Volume | None = None):
    """Return an ipyniivue widget of a volume, with its labels on top.

    Parameters
    ----------
    volume : Volume
    labels : Volume, optional
        In the hip scheme, on the volume's grid.

    Returns
    -------
    ipyniivue.NiiVue

    Raises
    ------
    ImportError
        Where ipyniivue is not installed.

    Notes
    -----
    NiiVue takes x for the patient's left and shows it on the left: the radiological convention
    turns that around, so that x runs to the right. Letters are left out: a sweep's own axes are
    lateral, axial and elevational, and none of them is the patient's.
    """
    from ipyniivue import NiiVue

    folder = Path(tempfile.mkdtemp(prefix="hipus-view-"))
    shown = {"volume.nii.gz": volume} | ({} if labels is None else {"labels.nii.gz": labels})
    for name, one in shown.items():
        images.write(one, folder / name)
    widget = NiiVue(
        height=420,
        crosshair_width=0.2,
        crosshair_color=(0.9, 0.62, 0.0, 0.8),
        is_radiological_convention=True,
        is_orientation_text_visible=False,
        is_nearest_interpolation=labels is not None,
    )
    opacities = (1.0, LABEL_OPACITY)  # of a label map, NiiVue heeds no other transparency
    files = zip(shown, opacities, strict=False)
    widget.load_volumes([{"path": str(folder / name), "opacity": one} for name, one in files])
    if labels is not None:
        widget.volumes[1].set_colormap_label(label_colours())
    return widget


def label_colours() -> dict[str, list]:
    """Return the structures' colours as NiiVue takes them, label 0 unseen.

    Returns
    -------
    dict of str to list
        R, G, B, A of 0 to 255, the labels they are of (I), and their names.
    """
    rgb = np.rint(255 * np.array([to_rgb(colour) for colour in overlays.COLOURS.values()]))
    red, green, blue = np.vstack([np.zeros(3), rgb]).astype(int).T.tolist()
    names = ["background", *overlays.NAMES.values()]
    alpha = [0] + [255] * len(overlays.NAMES)
    places = [0, *map(int, overlays.COLOURS)]
    return {"R": red, "G": green, "B": blue, "A": alpha, "I": places, "labels": names}


def itkwidgets_view(volume: images.Volume, labels: images.Volume | None = None):
    """Return an itkwidgets view of a volume, with its labels on top.

    Parameters
    ----------
    volume : Volume
    labels : Volume, optional
        On the volume's grid.

    Returns
    -------
    itkwidgets.Viewer

    Raises
    ------
    ConnectionError
        Where its viewer, which is loaded from the internet, cannot be: says what to do instead.

    Notes
    -----
    Its images know no directions: a turned grid is shown along its own axes.
    """
    check_itkwidgets()
    from itkwidgets import view

    if labels is None:
        return view(image=to_ngff(volume))
    return view(image=to_ngff(volume), label_image=to_ngff(labels))


def check_itkwidgets() -> None:
    """Raise where itkwidgets could not load its viewer, without importing it.

    Raises
    ------
    ImportError
        Where it is not installed.
    ConnectionError
        Where the server that its viewer comes from does not answer.
    """
    found = importlib.util.find_spec("itkwidgets")
    if found is None:
        raise ImportError("itkwidgets is not installed: `make setup` installs requirements.lock")
    config = runpy.run_path(str(Path(found.origin).parent / "viewer_config.py"))
    address = config["ITK_VIEWER_SRC"]
    if not _answers(address):
        raise ConnectionError(
            f"it is loaded from {address}, which does not answer here; in JupyterLab its "
            "extension has to be switched on, too (`jupyter labextension enable "
            'imjoy-jupyterlab-extension`). viewer="niivue" needs no network'
        )


def _answers(address: str) -> bool:
    """Return whether a server answers in time; no name is looked up with HIPUS_OFFLINE."""
    if os.environ.get("HIPUS_OFFLINE", "") not in ("", "0"):
        return False
    answered = []

    def ask() -> None:
        request = urllib.request.Request(address, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S):
                answered.append(True)
        except OSError:
            pass

    # A thread of its own: looking up a name heeds no time limit.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE_S)
    return bool(answered)


def to_ngff(volume: images.Volume):
    """Return a volume in the form that itkwidgets takes.

    Parameters
    ----------
    volume : Volume

    Returns
    -------
    ngff_zarr.NgffImage
        Its spacing and origin in mm; no directions.
    """
    from ngff_zarr import to_ngff_image

    names = ("z", "y", "x")
    return to_ngff_image(
        volume.array,
        dims=names,
        scale=dict(zip(names, volume.spacing_zyx_mm, strict=True)),
        translation=dict(zip("xyz", volume.origin_xyz_mm, strict=True)),
        axes_units=dict.fromkeys(names, "millimeter"),
    )
