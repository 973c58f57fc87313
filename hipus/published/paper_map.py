"""Writes `docs/paper_map.md`: from a printed number to our table, its stage and a verdict.

    python -m hipus.published.paper_map

Decides what of the claims of profile `small` a reader of the paper needs on one page: its tables,
its numbers and its sentences one by one, other documents as counts. Deliberately judges nothing and
reads one table (`claims`).
"""

from __future__ import annotations

import logging

import pandas as pd

from hipus import paths, tables
from hipus.files import write_text
from hipus.published.beside import PAPER
from hipus.published.verdicts import TOLERANCE, Verdict

log = logging.getLogger(__name__)

PROFILE = "small"
#: Heading -> prefix of claim ids; printed tables, one row per claim.
_LISTED = {
    "Numbers in the text": "midl_text/",
    "Table 1: Dice of the five models": "midl_table1/",
    "Table 2: errors of reconstruction": "midl_table2/",
    "Table 3: model 3.2 by direction": "midl_table3/",
    "Table 4: the eight cases of model 3.2": "midl_table4/",
    "Table 5: all models under one 3D protocol": "midl_table5/",
    "Training (sections 5 and 6, appendices E and F)": "midl_training/",
    "Graf's types (section 2.2)": "midl_graf/",
}
_STATEMENTS, _COHORT = "midl_statement/", "midl_table6/"
_INTRO = """# From the paper to this study

Made by `python -m hipus.published.paper_map` from `results/{profile}/tables/claims.csv`; a test
keeps the two equal. Numbers of ours are those of profile `{profile}`. **Simulated numbers are
marked; they come from a simulated cohort, and none confirms a clinical one. Not a medical device.**

Every claim has one row in `claims.csv` with the reason for its verdict; the report's page of claims
and notebook 91 search it. How to read a verdict:

- *confirmed by arithmetic*: the document's own numbers require it, or a network that was built from
  its printed numbers has exactly as many parameters.
- *same direction*: ours is within {tolerance:.0%} of a printed number, or the printed one lies in
  our interval and this is not wider than the number itself; of a sentence: all that it compares
  holds here.
- *differs*: neither; or something that the sentence compares surely does not hold here; or, where
  no result of ours answers it, the document's own numbers contradict it.
- *undecided here*: our interval holds nearly anything, or a comparison is not told apart. A class
  of its own: calling it "differs" would take few simulated infants for evidence.
- *input of the simulation*: it went in, so nothing that comes out can confirm it. The list, with
  the files that use each, is `data/claims/kinds.csv`.
- *quoted, not tested*: a study, plan or rule that is not part of this one.
- *not testable without the clinical cohort*: a fact of those infants; or its table is empty here.
- *hardware, not comparable*: times, memory and machines.

Intervals are of 95 % and resample infants. Cases of Table 4 are single hips: the simulated hip in a
case's place stands beside it and is not compared. Sentences about the sweep types name p_a
(posterior to anterior) and p_d (proximal to distal).
"""


def render(claims: pd.DataFrame, *, profile: str = PROFILE) -> str:
    """Return the page.

    Parameters
    ----------
    claims : pandas.DataFrame
        Table `claims` as text.
    profile : str
        Whose numbers ours are.

    Returns
    -------
    str
        Markdown.
    """
    paper = claims[claims["document"] == PAPER]
    parts = [_INTRO.format(profile=profile, tolerance=TOLERANCE)]
    parts += ["## How many\n", _counts(claims), "## Sentences\n"]
    parts.append(_statements(_of(paper, _STATEMENTS)))
    for heading, prefix in _LISTED.items():
        parts += [f"## {heading}\n", _numbers(_of(paper, prefix))]
    parts += ["## Table 6: the cohort\n", _cohort(_of(paper, _COHORT))]
    parts += ["## Where our tables come from\n", _sources(claims)]
    return "\n".join(parts)


def main() -> None:
    """Write docs/paper_map.md."""
    file = paths.table_file(PROFILE, "claims")
    page = render(tables.read(file, dtype=str, keep_default_na=False))
    log.info("wrote %s", write_text(paths.root() / "docs" / "paper_map.md", page))


def _of(claims: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Return the claims of one printed table."""
    return claims[claims["claim_id"].str.startswith(prefix)]


def _counts(claims: pd.DataFrame) -> str:
    """Return how many claims of each document have each verdict."""
    crossed = pd.crosstab(claims["verdict"], claims["document"])
    order = [str(verdict) for verdict in Verdict if verdict in crossed.index]
    columns = [PAPER, *(name for name in crossed.columns if name != PAPER)]
    crossed = crossed.loc[order, columns]
    crossed.loc["all"] = crossed.sum()
    return _table(["verdict", *columns], [[name, *row] for name, *row in crossed.itertuples()])


def _statements(claims: pd.DataFrame) -> str:
    """Return the sentences with what was found and why."""
    rows = [
        [_id(row), row.printed, f"**{row.verdict}**", _ours(row), row.reason, _where(row)]
        for row in claims.itertuples()
    ]
    return _table(["", "sentence, in our words", "verdict", "ours", "why", "where"], rows)


def _numbers(claims: pd.DataFrame) -> str:
    """Return numbers beside ours."""
    rows = [
        [_id(row), row.item, f"{row.printed} {row.unit}", _ours(row), row.verdict, _where(row)]
        for row in claims.itertuples()
    ]
    return _table(["", "what", "printed", "ours", "verdict", "where"], rows)


def _cohort(claims: pd.DataFrame) -> str:
    """Return Table 6 as counts: its rows are infants, and nobody looks one up."""
    what = claims["item"].str.split(", row").str[0]
    counted = claims.assign(what=what).groupby(["what", "verdict", "reason"], as_index=False).size()
    rows = [
        [row.what, row.size, row.verdict, row.reason] for row in counted.itertuples(index=False)
    ]
    return _table(["what", "entries", "verdict", "why"], rows)


def _sources(claims: pd.DataFrame) -> str:
    """Return which command makes which table."""
    columns = ["table", "stage", "command", "link"]
    rows = claims[columns].drop_duplicates().sort_values(columns).itertuples(index=False)
    shown = [[f"`{row.table}`", row.stage, f"`{row.command}`", row.link] for row in rows]
    return _table(["table", "stage", "command", "page of the report"], shown)


def _id(row) -> str:
    """Return the part of a claim's id that a printed table does not repeat."""
    return row.claim_id.partition("/")[2]


def _ours(row) -> str:
    """Return our number, marked where it is simulated."""
    if not row.ours:
        return "–"
    about = ", ".join(filter(None, (row.origin, row.n)))
    return f"{row.ours} [{about}]"


def _where(row) -> str:
    """Return table and stage."""
    return f"`{row.table}` ({row.stage})"


def _table(head: list, rows: list[list]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    cells = [[str(cell).replace("|", "\\|").strip() for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells) + "\n"


if __name__ == "__main__":
    main()
