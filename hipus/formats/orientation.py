"""Which way an ultrasound image lies in a file, and how it is turned to MF.

Decides what the letters of `UltrasoundImageOrientation` mean and hands out the turn to MF,
the one orientation the rest of the package sees: u grows towards the marked side of the
probe, v grows away from it (far). Deliberately touches no transform: PLUS states
`ImageToProbe` for the MF image, whatever the file stores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: What PLUS writes where there is no image.
NO_IMAGE = ("", "XX", "XXX")

_LATERAL = "MU"
_AXIAL = "FN"
_ELEVATIONAL = "AD"


@dataclass(frozen=True)
class Turn:
    """How stored frames become MF frames: transpose first, then reverse axes.

    Attributes
    ----------
    is_transposed : bool
        Stored columns run along the depth.
    reverses_rows, reverses_columns : bool
        Applied after the transposition, so to v and u of the MF image.
    """

    is_transposed: bool = False
    reverses_rows: bool = False
    reverses_columns: bool = False

    def shape(self, stored: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the (N, H, W) of MF frames from that of stored ones."""
        count, height, width = stored
        return (count, width, height) if self.is_transposed else (count, height, width)

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """Turn a block of stored frames, (N, H, W) in, contiguous MF frames out."""
        if self.is_transposed:
            block = block.transpose(0, 2, 1)
        if self.reverses_rows:
            block = block[:, ::-1]
        if self.reverses_columns:
            block = block[:, :, ::-1]
        return np.ascontiguousarray(block)


def turn_to_mf(orientation: str, name: str = "UltrasoundImageOrientation") -> Turn:
    """Return the turn that presents frames of an orientation as MF.

    Parameters
    ----------
    orientation : str
        Two or three letters: where the stored column index grows to, where the row index
        grows to, and optionally the elevational direction (A ascending, D descending).
        M marked side, U unmarked side, F far, N near.
    name : str
        Name used in messages.

    Returns
    -------
    Turn

    Raises
    ------
    ValueError
        If the letters name no orientation of a 2D image.

    Notes
    -----
    Meaning as in the PLUS toolkit's list of ultrasound image orientations (Lasso et al.
    2014). The trap: the letters go column first, so FM is a transposed image, and MN, not
    NM, is the one with its rows upside down.
    """
    letters = orientation.strip().upper()
    axes, elevational = letters[:2], letters[2:]
    known = sorted(axes) in [sorted(a + b) for a in _LATERAL for b in _AXIAL]
    if not known or elevational not in ("", *_ELEVATIONAL):
        raise ValueError(
            f"{name} must be one of MF, MN, UF, UN, FM, NM, FU, NU, with or without a third "
            f"letter A or D, got {orientation!r}"
        )
    return Turn(
        is_transposed=axes[0] in _AXIAL,
        reverses_rows="N" in axes,
        reverses_columns="U" in axes,
    )


def presented(orientation: str) -> str:
    """Return the orientation of the frames after their turn: MF, MFA or MFD."""
    return "MF" + orientation.strip().upper()[2:]
