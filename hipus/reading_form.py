"""A form in which a person grades volumes, and the readings that it leaves.

Decides how a reading is asked for (one picture at a time, three buttons, free text), kept
(one CSV per reader, written whole after every answer) and taken up again. Deliberately
invents no reader: where nobody has read, the table is empty. What is shown is the caller's;
for a blind reading it names neither model nor grade.
"""

from __future__ import annotations

import html
import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from IPython.display import Markdown, display

from hipus import tables, viewers
from hipus.segmentation.grading import GRADES

log = logging.getLogger(__name__)

COLUMNS = ("reader_id", "case_id", "grade", "remark", "seconds", "read_at", "version")
#: After the paper's section 6.1; what the buttons say when pointed at.
MEANINGS = {
    "good": "all structures complete and coherent; head a smooth ball or ovoid; no holes or "
    "implausible discontinuities",
    "adequate": "all structures there; local imperfections, partly incomplete, mild artefacts",
    "insufficient": "structures missing or severely deformed, for example an only partly "
    "visible ilium or a strongly distorted head",
}
_STYLES = {"good": "success", "adequate": "warning", "insufficient": "danger"}


def read_grades(
    cases: Mapping[str, str],
    show: Callable[[str], None],
    folder,
    *,
    reader_id: str = "",
) -> None:
    """Show the reading form where a person is, and a line that says how far the reading is.

    Parameters
    ----------
    cases : mapping of str to str
        case_id -> version of what is shown (for example the SHA-256 of the label file), in
        the order of reading. A reading of another version does not count as read.
    show : callable
        Displays the picture of a case_id, as in a notebook cell.
    folder : path-like
        Where the readers' CSV files lie.
    reader_id : str
        A pseudonym of letters, digits, - and _; without one nothing is asked.

    Raises
    ------
    ValueError
        If there are no cases, the reader_id is no such name, or the file is no readings.

    Notes
    -----
    Under `HIPUS_STATIC_VIEWS` (the pipeline) only the line is shown and nothing is written.
    """
    if not cases:
        raise ValueError("cases must hold at least one volume to read, got none")
    readers = sorted({*load_readings(folder)["reader_id"]} | ({reader_id} - {""}))
    counts = [f"{name} {_read_count(cases, folder, name)} of {len(cases)}" for name in readers]
    said = f"Read so far: {', '.join(counts)}." if counts else "Nobody has read these volumes yet."
    is_live = bool(reader_id) and not viewers.is_static()
    how = "" if is_live else " To read, open this notebook in JupyterLab and set `reader_id`."
    display(Markdown(f"**Reading form.** {len(cases)} volumes. {said}{how}"))
    if is_live:
        display(ReadingForm(cases, show, readings_file(folder, reader_id)).widget)


def readings_file(folder, reader_id: str) -> Path:
    """Return the CSV of one reader.

    Parameters
    ----------
    folder : path-like
    reader_id : str

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        If the reader_id is not of letters, digits, - and _.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", reader_id):
        raise ValueError(f"reader_id must be of letters, digits, - and _, got {reader_id!r}")
    return Path(folder) / f"{reader_id}.csv"


def load_readings(folder) -> pd.DataFrame:
    """Return all readings of a folder, checked.

    Parameters
    ----------
    folder : path-like
        May be missing: nobody has read.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`: reader_id, case_id, grade, remark, seconds (that the case was
        shown), read_at (UTC), version; one row per reader and case.

    Raises
    ------
    ValueError
        If a file holds other columns, an unknown grade, another reader, a case twice or
        seconds that are no number.
    """
    found = [_load(path) for path in sorted(Path(folder).glob("[!.]*.csv"))]
    return pd.concat(found or [_no_readings()], ignore_index=True)


def save_reading(
    path, case_id: str, *, grade: str, remark: str = "", seconds: float = 0.0, version: str = ""
) -> None:
    """Add one reading to a reader's CSV, in place of an older one of that case.

    Parameters
    ----------
    path : path-like
        Of `readings_file`; the name is the reader's.
    case_id : str
    grade : str
        One of `grading.GRADES`.
    remark : str
    seconds : float
        How long the case was shown.
    version : str
        Of what was shown.

    Raises
    ------
    ValueError
        If the grade is unknown or the file is no readings.
    OSError
        If the file cannot be written; the older one stays whole.
    """
    if grade not in GRADES:
        raise ValueError(f"grade must be one of {GRADES}, got {grade!r}")
    path = Path(path)
    before = _load(path) if path.is_file() else _no_readings()
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    row = (path.stem, case_id, grade, remark.strip(), round(float(seconds), 1), now, version)
    added = pd.DataFrame([row], columns=list(COLUMNS))
    kept = before[before["case_id"] != case_id]
    tables.write(pd.concat([kept, added]) if len(kept) else added, path, key=["case_id"])


class ReadingForm:
    """The form of one reader: a picture, a button per grade, a remark.

    Parameters
    ----------
    cases, show
        As for `read_grades`.
    path : path-like
        The reader's CSV; cases read there before are left out.
    """

    def __init__(self, cases: Mapping[str, str], show: Callable[[str], None], path) -> None:
        import ipywidgets  # only where a person is

        self.cases, self.show, self.path = dict(cases), show, Path(path)
        self.order = list(cases)
        read = _current(_load(self.path), cases) if self.path.is_file() else {}
        self.place = next((i for i, case in enumerate(self.order) if case not in read), len(cases))
        self.status = ipywidgets.HTML()
        self.picture = ipywidgets.Output()
        self.remark = ipywidgets.Textarea(placeholder="Remark (optional)", rows=2)
        self.buttons = {grade: self._button(grade) for grade in reversed(GRADES)}
        self.back = ipywidgets.Button(description="Back", tooltip="correct the case before")
        self.back.on_click(lambda _: self.go_back())
        row = ipywidgets.HBox([*self.buttons.values(), self.back])
        self.widget = ipywidgets.VBox([self.status, self.picture, row, self.remark])
        self._refresh()

    def _button(self, grade: str):
        """Return the button of a grade."""
        import ipywidgets

        button = ipywidgets.Button(
            description=grade, tooltip=MEANINGS[grade], button_style=_STYLES[grade]
        )
        button.on_click(lambda _: self.answer(grade))
        return button

    def answer(self, grade: str) -> None:
        """Save a grade of the case that is shown, then show the next unread one.

        Parameters
        ----------
        grade : str
        """
        case = self.order[self.place]
        try:
            save_reading(
                self.path,
                case,
                grade=grade,
                remark=self.remark.value,
                seconds=time.monotonic() - self.shown_at,
                version=self.cases[case],
            )
        except (OSError, ValueError) as error:  # a reader must see that nothing was kept
            log.error("reading of %s not saved: %s", case, error)
            self.status.value = f"<b>NOT SAVED:</b> {html.escape(str(error))}"
            return
        read = _current(_load(self.path), self.cases)
        later = range(self.place + 1, len(self.order))
        self.place = next((i for i in later if self.order[i] not in read), len(self.order))
        self._refresh()

    def go_back(self) -> None:
        """Show the case before again; a new answer takes the place of the old."""
        self.place = max(0, self.place - 1)
        self._refresh()

    def _refresh(self) -> None:
        """Show the case at hand, or that all are read."""
        is_done = self.place >= len(self.order)
        for button in self.buttons.values():
            button.disabled = is_done
        self.back.disabled = self.place == 0
        self.remark.value = ""
        total = len(self.order)
        self.status.value = (
            f"All {total} volumes are read." if is_done else f"Volume {self.place + 1} of {total}"
        )
        self.picture.clear_output(wait=not is_done)  # no flicker between pictures
        if not is_done:
            with self.picture:
                self.show(self.order[self.place])
        self.shown_at = time.monotonic()


def _read_count(cases: Mapping[str, str], folder, reader_id: str) -> int:
    """Return how many of the cases a reader has read as they are now."""
    path = readings_file(folder, reader_id)
    return len(_current(_load(path), cases)) if path.is_file() else 0


def _current(readings: pd.DataFrame, cases: Mapping[str, str]) -> dict[str, str]:
    """Return case_id -> grade of the readings that are of the versions at hand."""
    rows = zip(readings["case_id"], readings["version"], readings["grade"], strict=True)
    return {case: grade for case, version, grade in rows if cases.get(case) == version}


def _no_readings() -> pd.DataFrame:
    """Return a table without readings."""
    return pd.DataFrame({name: [] for name in COLUMNS}, dtype=object)


def _load(path: Path) -> pd.DataFrame:
    """Return the readings of one file, or raise."""
    table = tables.read(path, columns=COLUMNS, dtype=str, keep_default_na=False)
    unknown = sorted({*table["grade"]} - {*GRADES})
    if unknown:
        raise ValueError(f"{path}: grade must be one of {GRADES}, got {unknown[0]!r}")
    others = sorted({*table["reader_id"]} - {path.stem})
    if others:
        raise ValueError(f"{path}: readings must be of {path.stem}, got {others[0]!r}")
    twice = table.loc[table["case_id"].duplicated(), "case_id"]
    if len(twice):
        raise ValueError(f"{path}: a case must be read once, got {twice.iloc[0]} twice")
    try:
        return table[list(COLUMNS)].astype({"seconds": float})
    except ValueError as error:
        raise ValueError(f"{path}: seconds must be numbers ({error})") from error
