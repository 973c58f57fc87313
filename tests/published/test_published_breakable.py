"""Every agreement of the recomputed audit breaks when a number it is about is changed."""

import pytest

from hipus.published import (
    audit,
    recompute_cases,
    recompute_companions,
    recompute_counts,
    recompute_tables,
    tables,
)
from hipus.published.audit import CheckVerdict

PARTS = (recompute_tables, recompute_cases, recompute_counts, recompute_companions)


class TablesInMemory:
    """Stands in for `tables.read_csv`; one cell may differ from the file."""

    def __init__(self):
        self.read = tables.read_csv
        self.frames = {}
        self.changed = (None, None)

    def __call__(self, name):
        if name == self.changed[0]:
            return self.changed[1].copy()
        if name not in self.frames:
            self.frames[name] = self.read(name)
        return self.frames[name].copy()


def others(text: str) -> list[str]:
    """Return a larger and a smaller printed value with as many decimals, or other words."""
    try:
        value = float(text)
    except ValueError:
        return [f"9{text}" if ":" in text else "changed"]
    decimals = len(text.partition(".")[2])
    return [f"{other:.{decimals}f}" for other in (3 * value + 7, value / 3)]


def changed_cells(check_id: str):
    """Yield copies of linked tables with one linked cell changed, tested ones first."""
    links = audit.links().query("check_id == @check_id and table != ''")
    for link in links.sort_values("role", ascending=False).itertuples():
        frame = tables.as_printed(link.table)
        chosen = tables.select(frame, link.rows).index
        columns = link.columns.split(";") if link.columns else None
        for column in tables.columns_of(link.table):
            if columns is None or column.column in columns:
                cells = frame.loc[chosen, column.column]
                row = cells[cells != ""].index[0]
                for text in others(cells[row]):
                    edited = frame.copy()
                    edited.loc[row, column.column] = text
                    yield column.file, edited


def agreements() -> list[tuple[object, str]]:
    """Return the recomputed checks that found agreement, with their module."""
    return [
        (part, check.check_id)
        for part in PARTS
        for check in part.checks()
        if check.verdict == CheckVerdict.CONSISTENT
    ]


@pytest.fixture
def memory(monkeypatch):
    stand_in = TablesInMemory()
    monkeypatch.setattr(tables, "read_csv", stand_in)
    return stand_in


class TestEveryAgreement:
    def test_breaks_when_a_linked_number_is_another(self, memory):
        unbroken = [name for part, name in agreements() if not breaks(memory, part, name)]
        assert unbroken == []

    def test_stays_when_nothing_is_changed(self, memory):
        before = agreements()
        assert agreements() == before
        assert len(before) == 91


def breaks(memory: TablesInMemory, part, check_id: str) -> bool:
    """Say whether some change of a linked cell ends the agreement."""
    for memory.changed in list(changed_cells(check_id)):
        verdicts = {check.check_id: check.verdict for check in part.checks()}
        if verdicts[check_id] != CheckVerdict.CONSISTENT:
            memory.changed = (None, None)
            return True
    memory.changed = (None, None)
    return False
