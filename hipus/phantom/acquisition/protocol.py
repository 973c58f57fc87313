"""The six-sweep protocol: what is swept, how long, how far, and how often a frame is taken.

Decides the kinds of sweeps and their statistics, each printed or marked as assumed.
Deliberately draws nothing (see `trajectory`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from hipus import paths, tables

SIDES = ("left", "right")
#: Short names of the sweeps, used in file names and tables, by their names in the protocol.
SWEEP_TYPES = {"graf": "graf", "posterior_anterior": "p_a", "proximal_distal": "p_d"}
#: Assumed: 57 frames (printed, section 5.2.1) in the mean of 7.5 and 5.3 s (printed, 5.1).
FRAME_RATE_HZ_MEAN = 57 / 6.4
#: Assumed: spread of the frame rate between sessions.
FRAME_RATE_HZ_SD = 0.35
#: Assumed: no path is printed. p_a covers the 15 to 17 mm head and both acetabular rims, p_d
#: the iliac wing to the proximal femur. A Graf sweep settles into its plane from nearby.
PATH_LENGTH_MM = {"graf": (3.0, 1.0), "p_a": (30.0, 5.0), "p_d": (50.0, 8.0)}
#: Assumed: spread of durations between sweeps, as a share of the (printed) mean.
DURATION_SD_SHARE = 0.13
#: Assumed: draws further than this many standard deviations from a mean are drawn again.
GREATEST_DEVIATION_SD = 2.5
#: A hand-held sweep cannot be longer than the infant's thigh and pelvis together.
LONGEST_PATH_MM = 150.0


@dataclass(frozen=True)
class SweepKind:
    """One line of the protocol.

    Attributes
    ----------
    sweep_type : {"graf", "p_a", "p_d"}
    side : {"left", "right"}
    order : int
        Position in the session, from 1.
    duration_s_mean, duration_s_sd : float
        Of the moving part: hesitation at both ends comes on top and is trimmed later.
    path_length_mm_mean, path_length_mm_sd : float
        Travel of the image centre along the sweep's direction, tremor not counted.
    is_volumetric : bool
        Whether a volume is made of it.
    """

    sweep_type: str
    side: str
    order: int
    duration_s_mean: float
    duration_s_sd: float
    path_length_mm_mean: float
    path_length_mm_sd: float
    is_volumetric: bool

    def __post_init__(self) -> None:
        """Refuse what no operator can do."""
        if self.sweep_type not in PATH_LENGTH_MM:
            raise ValueError(
                f"sweep_type must be one of {tuple(PATH_LENGTH_MM)}, got {self.sweep_type!r}"
            )
        if self.side not in SIDES:
            raise ValueError(f"side must be one of {SIDES}, got {self.side!r}")
        check_duration(self.duration_s_mean, "duration_s_mean")
        check_path(self.path_length_mm_mean, "path_length_mm_mean")
        for name in ("duration_s_sd", "path_length_mm_sd"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and >= 0, got {value}")

    @property
    def sweep_id(self) -> str:
        """Return the sweep's name within a session, for example `left_p_a`."""
        return f"{self.side}_{self.sweep_type}"


def read_protocol(path=None) -> tuple[SweepKind, ...]:
    """Read the protocol in the order in which it is swept.

    Parameters
    ----------
    path : path-like, optional
        `data/protocol/sweeps.csv` when left out.

    Returns
    -------
    tuple of SweepKind

    Raises
    ------
    FileNotFoundError, ValueError
        If the file or a column is missing, a sweep type is unknown, a sweep occurs twice, or
        a duration is impossible; file and line are named.
    """
    path = Path(path or paths.data_dir() / "protocol" / "sweeps.csv")
    columns = ("sweep_type", "side", "order", "duration_s_mean", "is_volumetric")
    table = tables.read(path, columns=columns).sort_values("order")
    kinds = tuple(
        _kind(f"{path.name} line {index + 2}", row)
        for index, row in zip(table.index, table.to_dict("records"), strict=True)
    )
    names = [kind.sweep_id for kind in kinds]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{path.name}: each sweep must occur once, got {repeated} repeatedly")
    return kinds


def _kind(where: str, row: dict) -> SweepKind:
    """Return the sweep of one row, naming the line when it is impossible."""
    if row["sweep_type"] not in SWEEP_TYPES:
        raise ValueError(
            f"{where}: sweep_type must be one of {tuple(SWEEP_TYPES)}, got {row['sweep_type']!r}"
        )
    try:
        return sweep_kind(
            SWEEP_TYPES[row["sweep_type"]],
            row["side"],
            order=int(row["order"]),
            duration_s_mean=float(row["duration_s_mean"]),
            is_volumetric=bool(row["is_volumetric"]),
        )
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def sweep_kind(
    sweep_type: str,
    side: str,
    *,
    order: int = 1,
    duration_s_mean: float = 5.3,
    is_volumetric: bool = True,
) -> SweepKind:
    """Return a kind of sweep with the assumed spreads and path length.

    Parameters
    ----------
    sweep_type : {"graf", "p_a", "p_d"}
    side : {"left", "right"}
    order : int
    duration_s_mean : float
    is_volumetric : bool

    Returns
    -------
    SweepKind

    Raises
    ------
    ValueError
        For an unknown type or side, or an impossible duration.
    """
    path_mean, path_sd = PATH_LENGTH_MM.get(sweep_type, (1.0, 0.0))
    return SweepKind(
        sweep_type=sweep_type,
        side=side,
        order=order,
        duration_s_mean=duration_s_mean,
        duration_s_sd=DURATION_SD_SHARE * duration_s_mean,
        path_length_mm_mean=path_mean,
        path_length_mm_sd=path_sd,
        is_volumetric=is_volumetric,
    )


def check_duration(duration_s: float, name: str = "duration_s") -> float:
    """Return a duration that a sweep can have.

    Parameters
    ----------
    duration_s : float
    name : str
        Name used in messages.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Unless it lies between 1 and 60 s.
    """
    if not (math.isfinite(duration_s) and 1.0 <= duration_s <= 60.0):
        raise ValueError(f"{name} must lie between 1 and 60 s, got {duration_s}")
    return float(duration_s)


def check_path(path_length_mm: float, name: str = "path_length_mm") -> float:
    """Return a path length that a sweep can have.

    Parameters
    ----------
    path_length_mm : float
    name : str
        Name used in messages.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Unless it is positive and at most `LONGEST_PATH_MM`.
    """
    if not (math.isfinite(path_length_mm) and 0 < path_length_mm <= LONGEST_PATH_MM):
        raise ValueError(
            f"{name} must be positive and <= {LONGEST_PATH_MM:g} mm, got {path_length_mm}"
        )
    return float(path_length_mm)
