"""Every published claim beside ours, with one verdict and where to look it up.

Decides what wins where several things can be said of a claim: that it went into the simulation,
that it is about hardware, that a table of ours answers it, that arithmetic does, and only then
that nobody can tell here. The rules of a verdict stand in `verdicts`, the decisions on single
claims in `data/claims/`. Deliberately types no number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hipus.published import claim_answers, claim_registry, claim_sentences, verdicts
from hipus.published.audit import CheckVerdict, ClaimVerdict
from hipus.published.claim_answers import Answer, SavedTables
from hipus.published.claim_registry import Cell, Kind, Link, Listed, Rule, Source
from hipus.published.verdicts import Verdict

PAPER = "MIDL 2026 paper"
COLUMNS = [
    *("claim_id", "document", "location", "item", "printed", "printed_value", "unit"),
    *("audit_verdict", "ours", "ours_value", "ours_lower", "ours_upper", "profile", "n"),
    *("origin", "verdict", "reason", "table", "stage", "command", "link"),
]
SIMULATED, REAL = "simulated", "real"
THESIS, OTHERS = "3D ultrasound segmentation thesis", "Other literature"
_FINDINGS = "motion_claims"
_CHECKS, _CLAIMS = "published_checks", "published_claims"
_LONGEST = 160
_CLINICAL = "a fact of the clinical cohort"
_PUBLISHED = "a fact or a setting of the published study"


@dataclass(frozen=True)
class Beside:
    """What stands beside one claim.

    Attributes
    ----------
    verdict : Verdict
    reason : str
    table : str
        Table of ours to look it up in.
    ours, origin, n : str
        Our number or finding as text, simulated, real or arithmetic, and its count; empty
        where nothing of ours stands beside the claim.
    value, lower, upper : float
    """

    verdict: Verdict
    reason: str
    table: str = _CLAIMS
    ours: str = ""
    origin: str = ""
    n: str = ""
    value: float = np.nan
    lower: float = np.nan
    upper: float = np.nan


class Judge:
    """Says of each claim what stands beside it.

    Parameters
    ----------
    profile : str
    rng_of : callable
        Gives a table's name its random generator.
    origin : str
        Of the cohort: simulated, or real where a hospital's stands in the study folder.
    resamples : int
        Draws of infants behind an interval.
    """

    def __init__(
        self,
        profile: str,
        rng_of: Callable[[str], np.random.Generator],
        *,
        origin: str = SIMULATED,
        resamples: int = claim_answers.RESAMPLES,
    ):
        self.profile, self._rng_of, self._resamples = profile, rng_of, resamples
        self._cohort = origin
        self._kinds, self._links = claim_registry.kinds(), claim_registry.links()
        self._saved, self._sources = SavedTables(profile), claim_registry.sources()

    def table(self, claims: pd.DataFrame) -> pd.DataFrame:
        """Return all claims with what stands beside them.

        Parameters
        ----------
        claims : pandas.DataFrame
            `published_claims`, as `claim_table.claims` returns it.

        Returns
        -------
        pandas.DataFrame
            `COLUMNS`, a row per claim, then one per finding of others that `motion_claims`
            tested: sentences that the transcription holds as numbers only.
        """
        found = [self._row(row, self.judge(row)) for row in claims.to_dict("records")]
        found += [self._row(row, beside) for row, beside in self._findings()]
        return pd.DataFrame(found, columns=COLUMNS)

    def judge(self, claim: dict) -> Beside:
        """Return what stands beside one claim.

        Parameters
        ----------
        claim : dict
            A row of `published_claims`.

        Returns
        -------
        Beside
        """
        listed = self._kinds.get(claim["claim_id"])
        links = self._links.get(claim["claim_id"], [])
        if listed is not None and listed.kind in (Kind.INPUT, Kind.HARDWARE):
            return self._listed(listed, links)
        if links and links[0][1].rule != Rule.BESIDE:
            return self._tested(claim, links)
        return self._by_arithmetic(claim, links) or self._untold(claim, listed, links)

    def _listed(self, listed: Listed, links: list[tuple[Cell, Link]]) -> Beside:
        """Return an input with what came out of it, or a claim about hardware."""
        if listed.kind == Kind.HARDWARE:
            return Beside(Verdict.HARDWARE, listed.reason)
        if self._cohort != SIMULATED:
            return self._shown(Verdict.CLINICAL, _PUBLISHED, links)
        reason = f"cannot be confirmed here: {listed.reason} (used in {listed.used_in})"
        return self._shown(Verdict.INPUT, reason, links)

    def _shown(self, verdict: Verdict, reason: str, links: list[tuple[Cell, Link]]) -> Beside:
        """Return a verdict that ours does not decide, with ours beside."""
        found = self._number(*links[0]) if links else None
        if found is None:
            return Beside(verdict, reason)
        link = links[0][1]
        return self._beside(verdict, f"{reason}; beside it: {link.note}", link, found)

    def _tested(self, claim: dict, links: list[tuple[Cell, Link]]) -> Beside:
        """Return the verdict of our tables, or that they are not there."""
        if links[0][1].rule == Rule.SENTENCE:
            return self._sentence(links)
        cell, link = links[0]
        found = self._number(cell, link)
        if found is None:
            return self._absent(link)
        printed = float(claim["value"])
        if link.rule == Rule.EXACT:
            verdict = Verdict.CONFIRMED if found.value == printed else Verdict.DIFFERS
        else:
            verdict = verdicts.of_number(printed, found.value, low=found.lower, high=found.upper)
        rows = claim_answers.rows_of(link, cell.row, self._saved)
        told = (claim_answers.distance(printed, found), link.note.format_map(rows.iloc[0]))
        return self._beside(verdict, "; ".join(told), link, found)

    def _sentence(self, links: list[tuple[Cell, Link]]) -> Beside:
        """Return the verdict on a sentence from all tables that judged a part of it."""
        parts = []
        for cell, link in links:
            rows = claim_answers.rows_of(link, cell.row, self._saved)
            parts += [] if rows is None else claim_sentences.parts_of(link.our_table, rows)
        if not parts:
            return self._absent(links[0][1])
        verdict = verdicts.of_parts(part.verdict for part in parts)
        notes = [claim_sentences.why(parts), *(link.note for _, link in links if link.note)]
        table = links[0][1].our_table
        counts = dict.fromkeys(part.n for part in parts if part.n and not part.n.startswith("0 "))
        return Beside(verdict, "; ".join(notes), table, claim_sentences.told(parts),
                      self._origin(table), ", ".join(counts))  # fmt: skip

    def _findings(self) -> Iterator[tuple[dict, Beside]]:
        """Yield the findings of others that a table of ours tested, each with its verdict."""
        rows = self._saved.get(_FINDINGS)
        if rows is None:
            return
        for row in rows[~rows["source"].str.startswith("Paper")].to_dict("records"):
            (part,) = claim_sentences.parts_of(_FINDINGS, pd.DataFrame([row]))
            claim = {
                "claim_id": f"finding/{row['finding']}",
                "document": THESIS if "hesis" in row["source"] else OTHERS,
                "location": row["source"],
                "item": "finding in our words",
                "printed": row["claim"],
                "value": np.nan,
                "unit": "",
                "audit_verdict": str(ClaimVerdict.NOT_AUDITED),
            }
            reason = claim_sentences.why([part])
            told = part.told.removeprefix(f"{row['claim']}: ")
            origin = self._origin(_FINDINGS)
            yield claim, Beside(part.verdict, reason, _FINDINGS, told, origin, part.n)

    def _by_arithmetic(self, claim: dict, links: list[tuple[Cell, Link]]) -> Beside | None:
        """Return what the document's own numbers say, or None if they say nothing."""
        wanted = {
            ClaimVerdict.CONFIRMED: (Verdict.CONFIRMED, CheckVerdict.CONSISTENT, "required"),
            ClaimVerdict.INCONSISTENT: (Verdict.DIFFERS, CheckVerdict.INCONSISTENT, "contradicted"),
        }
        if claim["audit_verdict"] not in wanted:
            return None
        verdict, found, word = wanted[claim["audit_verdict"]]
        checks = self._checks(claim["audit_checks"])
        checks = checks[checks["audit_verdict"] == found]
        told = "; ".join(f"{row.check_id}: {row.statement}" for row in checks.itertuples())
        reason = f"{word} by the document's own numbers: {told}" if told else f"{word} by checks"
        if links:
            return self._shown(verdict, reason, links)
        ours = "; ".join(row.recomputed or row.audit_computed for row in checks.itertuples())
        return Beside(verdict, reason, _CHECKS, _cut(ours), "arithmetic")

    def _untold(self, claim: dict, listed: Listed | None, links: list) -> Beside:
        """Return that nothing here can tell, and why."""
        is_quoted = claim["document"] != PAPER
        reason = "the study behind it is not part of this one" if is_quoted else _CLINICAL
        if listed is not None:
            is_quoted, reason = listed.kind == Kind.QUOTED, listed.reason
        asked = f"; arithmetic cannot decide ({claim['audit_checks']})"
        verdict = Verdict.QUOTED if is_quoted else Verdict.CLINICAL
        return self._shown(verdict, reason + asked * bool(claim["audit_checks"]), links)

    def _number(self, cell: Cell, link: Link) -> Answer | None:
        """Return the number of a link, None where its table does not hold one."""
        rows = claim_answers.rows_of(link, cell.row, self._saved)
        if rows is None:
            return None
        rng = self._rng_of(link.our_table)
        return claim_answers.answer(link, rows, rng=rng, resamples=self._resamples)

    def _absent(self, link: Link) -> Beside:
        """Return that the table which answers a claim holds nothing here."""
        source = self._sources[link.our_table]
        return Beside(
            Verdict.CLINICAL,
            f"table {link.our_table} answers it, but holds no such row here: stage "
            f"{source.stage} was skipped or not run ({source.command(self.profile)})",
            link.our_table,
        )

    def _beside(self, verdict: Verdict, reason: str, link: Link, found: Answer) -> Beside:
        """Return a verdict with our number."""
        origin = self._origin(link.our_table)
        return Beside(verdict, reason, link.our_table, found.text, origin, found.n,
                      found.value, found.lower, found.upper)  # fmt: skip

    def _origin(self, table: str) -> str:
        """Return whether a table is of the cohort, and which, or arithmetic."""
        made = self._sources[table].origin
        return self._cohort if made == SIMULATED else made

    def _checks(self, ids: str) -> pd.DataFrame:
        """Return checks of the audit by id."""
        known = self._saved.get(_CHECKS)
        if known is None:
            known = pd.DataFrame(
                columns=["check_id", "statement", "recomputed", "audit_computed", "audit_verdict"]
            )
        return known[known["check_id"].isin(ids.split(";"))]

    def _row(self, claim: dict, beside: Beside) -> dict:
        """Return a row of the table."""
        source: Source = self._sources[beside.table]
        kept = {name: claim[name] for name in COLUMNS if name in claim}
        found = {
            "printed_value": claim["value"],
            "ours": beside.ours,
            "ours_value": beside.value,
            "ours_lower": beside.lower,
            "ours_upper": beside.upper,
            "profile": self.profile if beside.origin in (SIMULATED, REAL) else "",
            "n": beside.n,
            "origin": beside.origin,
            "verdict": str(beside.verdict),
            "reason": beside.reason,
        }
        place = {
            "table": beside.table,
            "stage": source.stage,
            "command": source.command(self.profile),
            "link": source.page,
        }
        return kept | found | place


def _cut(text: str) -> str:
    """Shorten a text that is longer than a cell of a table."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
