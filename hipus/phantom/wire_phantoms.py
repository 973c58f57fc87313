"""Where the wires of calibration phantoms are.

Decides two phantoms: the public fCal 2.0 with N patterns, and one of Z patterns. Deliberately
knows neither pictures nor poses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class WirePhantom:
    """Wires in patterns of three: outer, middle (oblique), outer.

    Attributes
    ----------
    name : str
    wire_names : tuple of str (W,)
    front_mm, back_mm : numpy.ndarray (W, 3)
        End points in the phantom's frame: x across the wires, y along, z up, towards the
        probe.
    """

    name: str
    wire_names: tuple[str, ...]
    front_mm: np.ndarray
    back_mm: np.ndarray

    def __post_init__(self) -> None:
        """Check that every wire has two ends and runs along the phantom."""
        for name in ("front_mm", "back_mm"):
            value = np.asarray(getattr(self, name), np.float64)
            if value.shape != (len(self.wire_names), 3) or not np.isfinite(value).all():
                raise ValueError(
                    f"{name} must be finite ({len(self.wire_names)}, 3), got {value.shape}"
                )
            object.__setattr__(self, name, value)
        if (self.back_mm[:, 1] - self.front_mm[:, 1]).min() < 1.0:
            raise ValueError("every wire must run >= 1 mm along +y from front_mm to back_mm")

    @property
    def middle_mm(self) -> np.ndarray:
        """Return the middle of all wire ends, (3,)."""
        return (self.front_mm + self.back_mm).mean(axis=0) / 2


def _phantom(name: str, length_mm: float, layers) -> WirePhantom:
    """Return a phantom of layers (height, three x at the front, three x at the back)."""
    front = [[x, 0.0, height] for height, xs, _ in layers for x in xs]
    back = [[x, length_mm, height] for height, _, xs in layers for x in xs]
    names = tuple(f"{layer + 1}{wire}" for layer in range(len(layers)) for wire in "abc")
    return WirePhantom(name, names, np.array(front), np.array(back))


#: The fCal 2.0 phantom of the PLUS toolkit with three N patterns (its public configuration).
FCAL_2_0 = _phantom(
    "fCal 2.0",
    40.0,
    (
        (20.0, (30.0, 55.0, 60.0), (30.0, 35.0, 60.0)),
        (10.0, (30.0, 35.0, 60.0), (30.0, 55.0, 60.0)),
        (0.0, (35.0, 55.0, 60.0), (35.0, 40.0, 60.0)),
    ),
)
#: A phantom of three Z patterns, each from corner to corner, of unlike widths so that their
#: pictures have one naming only (made up; Z patterns as in Comeau et al. 1998).
Z_PHANTOM = _phantom(
    "Z",
    30.0,
    (
        (16.0, (0.0, 25.0, 26.0), (0.0, 1.0, 26.0)),
        (8.0, (0.0, 1.0, 26.0), (0.0, 25.0, 26.0)),
        (0.0, (6.0, 25.0, 26.0), (6.0, 7.0, 26.0)),
    ),
)
