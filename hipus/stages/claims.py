"""Stage `claims`: every published claim beside ours, with a verdict.

Runs after all stages that measure. A table that a stage skipped, or that a hospital's cohort cannot
give, leaves its claims "not testable without the clinical cohort" and the reason names the stage.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pandas as pd

from hipus import config, paths, seeds, tables
from hipus.published import claim_registry
from hipus.published.beside import REAL, SIMULATED, Judge
from hipus.published.verdicts import Verdict
from hipus.stages import runner

STAGE = "claims"


def main(study: config.Study) -> Iterable[Path]:
    """Write all claims with their verdicts, how many there are, and the metrics."""
    rng_of = partial(seeds.generator, study.common.seed, STAGE)
    claims = tables.read(paths.table_file(study.profile, "published_claims"),
                         dtype=str, keep_default_na=False)  # fmt: skip
    claims["value"] = pd.to_numeric(claims["value"])
    origin = SIMULATED if study.cohort.source == SIMULATED else REAL
    found = Judge(study.profile, rng_of, origin=origin).table(claims)
    runner.write_tables(
        study,
        {
            "claims": (found, ["claim_id"]),
            "claim_counts": (counts(found), ["document", "verdict"]),
        },
    )
    tables.write_metrics(metrics(found), paths.metrics_file(study.profile, STAGE))
    named = {*claim_registry.sources()} - {"published_checks"}
    read = [paths.table_file(study.profile, name) for name in sorted(named)]
    return [*sorted((paths.data_dir() / "claims").glob("*.csv")), *filter(Path.is_file, read)]


def counts(claims: pd.DataFrame) -> pd.DataFrame:
    """Return how many claims of each document have each verdict.

    Parameters
    ----------
    claims : pandas.DataFrame
        Table `claims`.

    Returns
    -------
    pandas.DataFrame
        document, verdict, claims; a row for every pair, with 0 where there is none.
    """
    crossed = pd.crosstab(claims["document"], claims["verdict"])
    crossed = crossed.reindex(columns=[str(verdict) for verdict in Verdict], fill_value=0)
    return crossed.melt(ignore_index=False, var_name="verdict", value_name="claims").reset_index()


def metrics(claims: pd.DataFrame) -> dict[str, int]:
    """Return the counts of each verdict, of all documents and of the paper alone.

    Parameters
    ----------
    claims : pandas.DataFrame
        Table `claims`.

    Returns
    -------
    dict of str to int
    """
    total = counts(claims).groupby("verdict")["claims"].sum()
    paper = counts(claims).query("document == 'MIDL 2026 paper'").set_index("verdict")["claims"]
    found = {"claims_total": len(claims), "paper_claims_total": int(paper.sum())}
    for verdict in Verdict:
        key = verdict.replace(",", "").replace(" ", "_")
        found[f"claims_{key}"] = int(total[verdict])
        found[f"paper_claims_{key}"] = int(paper.get(verdict, 0))
    return found


if __name__ == "__main__":
    runner.run(STAGE, main)
