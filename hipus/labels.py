"""Label schemes: what the numbers in a mask mean.

Decides names, numbers and order of the labels of each scheme; the one source of every
`dataset.json` and sidecar. Masks carry their scheme's name, because 3 means another thing in
another scheme.
"""

from __future__ import annotations

from enum import IntEnum


class HipLabel(IntEnum):
    """The study's scheme; LABRUM occurs in truth masks only."""

    BACKGROUND = 0
    ILIUM = 1
    FEMORAL_HEAD = 2
    CHONDRO_OSSEOUS_BORDER = 3
    FEMORAL_CORTEX = 4
    LABRUM = 5


class StillLabel(IntEnum):
    """The scheme of the real open stills."""

    BACKGROUND = 0
    ILIUM = 1
    FEMORAL_HEAD = 2
    OS_ISCHIUM = 3


SCHEMES: dict[str, type[IntEnum]] = {"hip": HipLabel, "still": StillLabel}
