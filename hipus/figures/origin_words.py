"""Which word says where a cohort comes from: a recorded one is never called simulated.

Decides the word in figures and sentences that were written for the simulated cohort, and what
stays simulated whatever the cohort is. Deliberately changes nothing for a simulated cohort, and
nothing in saved tables: these hold what stages wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import Formatter

from hipus import paths, tables

SIMULATED, RECORDED = "simulated", "recorded"
#: Figures of what is simulated for every cohort. Speckle, picture statistics and grey levels are
#: those of pictures that stage `realism` (and `decorrelation_curves`) simulates itself; calibration
#: sessions are simulated to have a known truth; raters and their minutes are simulated always.
ALWAYS_SIMULATED = (
    *("01_decorrelation", "01_features", "01_greys", "42_decorrelation"),
    "02_simulated",
    *("01_raters", "06_segmentation_effort", "07_segmentation_staging"),
)
#: The same in sentences: what follows the word says that it is no cohort's.
_OF_NO_COHORT = (
    "raters?",
    "minutes",
    "time",
    "effort",
    "sessions",
    "and real",
    "from real",
    "beam",
)
_WORD = re.compile(rf"\b([Ss])imulated\b(?! (?:{'|'.join(_OF_NO_COHORT)}))")


def cohort_origin(profile: str) -> str:
    """Return where a profile's cohort comes from.

    Parameters
    ----------
    profile : str

    Returns
    -------
    str
        "simulated" or "recorded"; "" where stage `cohort` has not said it.

    Notes
    -----
    Cohorts name their origin freely ("clinical", "phantom"): all but "simulated" are recorded.
    """
    path = paths.metrics_file(profile, "cohort")
    told = str(tables.read_metrics(path).get("origin") or "") if path.is_file() else ""
    return told if told in ("", SIMULATED) else RECORDED


def worded(text: str, origin: str) -> str:
    """Return text that says "recorded" of a recorded cohort, as it was of any other.

    Parameters
    ----------
    text : str
        As written for the simulated cohort.
    origin : str
        As `cohort_origin` returns it.

    Returns
    -------
    str
    """
    if origin != RECORDED:
        return text
    return _WORD.sub(lambda found: RECORDED if found[1] == "s" else RECORDED.capitalize(), text)


def reword(figure: Figure, name: str, *, origin: str) -> Figure:
    """Let every text of a figure say where the cohort comes from.

    Parameters
    ----------
    figure : Figure
        Changed in place: titles, labels, legends, notes, and labels of ticks.
    name : str
        Of the registry of stage `figures`; those of `ALWAYS_SIMULATED` stay.
    origin : str
        As `cohort_origin` returns it.

    Returns
    -------
    Figure
        The same one.
    """
    if origin != RECORDED or name in ALWAYS_SIMULATED:
        return figure
    for axis in _axes(figure):
        if not isinstance(axis.get_major_formatter(), _Worded):
            axis.set_major_formatter(_Worded(axis.get_major_formatter(), origin))
    for text in figure.findobj(Text):
        if worded(text.get_text(), origin) != text.get_text():
            text.set_text(worded(text.get_text(), origin))
    return figure


def _axes(figure: Figure) -> Iterator[Axis]:
    """Yield the axes whose ticks are labelled with the word: their formatter writes them anew."""
    for axis in figure.findobj(Axis):
        told = axis.get_major_formatter().format_ticks(axis.get_majorticklocs())
        if any(_WORD.search(one) for one in told):
            yield axis


class _Worded(Formatter):
    """Labels of ticks as another formatter writes them, with the cohort's word."""

    def __init__(self, inner: Formatter, origin: str) -> None:
        self._inner, self._origin = inner, origin

    def __call__(self, value, place=None) -> str:
        """Return one label."""
        return worded(self._inner(value, place), self._origin)

    def format_ticks(self, values) -> list[str]:
        """Return all labels."""
        return [worded(one, self._origin) for one in self._inner.format_ticks(values)]

    def set_axis(self, axis) -> None:
        """Tell both formatters whose labels they write."""
        super().set_axis(axis)
        self._inner.set_axis(axis)
