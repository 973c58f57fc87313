"""Files that the pages of a site share: pictures, each once, and the styles of notebooks.

Decides how pictures are made small (a palette of 256 colours, which drawings and grey frames
do not visibly lose by) and that files of unknown origin are named by their content, so that
the same picture in two notebooks is one file.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from hipus.files import atomic_path

#: Below the site's root.
FOLDER = "assets"
_COLOURS = 256
#: Pixels across at most: twice what a page shows.
_WIDTH_PX = 1800


def small_png(data: bytes) -> bytes:
    """Return a picture as PNG with a palette, no wider than needed on a screen.

    Parameters
    ----------
    data : bytes
        A picture in any common format.

    Returns
    -------
    bytes
        The same bytes for the same picture, on white; an opaque one as it is if that is smaller.
    """
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        pixels = image.convert("RGBA")
    ground = Image.new("RGBA", pixels.size, "white")
    flat = Image.alpha_composite(ground, pixels).convert("RGB")
    if flat.width > _WIDTH_PX:
        flat = flat.resize((_WIDTH_PX, round(flat.height * _WIDTH_PX / flat.width)))
    # A median cut would give rare colours to frequent greys: a thin yellow line became orange.
    method = Image.Quantize.MAXCOVERAGE
    small = flat.quantize(_COLOURS, method=method, kmeans=1, dither=Image.Dither.NONE)
    target = io.BytesIO()
    small.save(target, "PNG")
    is_opaque = pixels.getextrema()[3] == (255, 255)
    return min(target.getvalue(), data, key=len) if is_opaque else target.getvalue()


def write_bytes(data: bytes, target: Path) -> Path:
    """Write a file wholly or not at all.

    Parameters
    ----------
    data : bytes
    target : Path

    Returns
    -------
    pathlib.Path
    """
    with atomic_path(target) as temporary:
        temporary.write_bytes(data)
    return target


def write_picture(source: Path, folder: Path) -> str:
    """Write a small copy of a drawn figure.

    Parameters
    ----------
    source : Path
        PNG.
    folder : Path
        Root of the site.

    Returns
    -------
    str
        Its address from the root.
    """
    address = f"{FOLDER}/figures/{source.stem}.png"
    write_bytes(small_png(source.read_bytes()), folder / address)
    return address


def write_by_content(data: bytes, folder: Path, *, suffix: str) -> str:
    """Write a file that is named by its content, unless it is there already.

    Parameters
    ----------
    data : bytes
    folder : Path
        Root of the site.
    suffix : {".png", ".css"}
        Pictures are made small.

    Returns
    -------
    str
        Its address from the root.
    """
    name = hashlib.sha256(data).hexdigest()[:16]
    target = folder / FOLDER / "notebooks" / f"{name}{suffix}"
    if not target.is_file():
        write_bytes(small_png(data) if suffix == ".png" else data, target)
    return target.relative_to(folder).as_posix()
