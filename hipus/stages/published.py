"""Stage `published`: every printed number, its audit, and the sizes of the printed networks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from hipus import config, paths, published, tables
from hipus.published import networks, recompute
from hipus.stages import runner

STAGE = "published"


def main(study: config.Study) -> Iterable[Path]:
    """Write the claims, the recomputed audit, the network sizes and the metrics."""
    found, checks, sizes = (
        published.claims(),
        recompute.published_checks(),
        networks.network_sizes(),
    )
    runner.write_tables(
        study,
        {
            "published_claims": (found, ["claim_id"]),
            "published_checks": (checks, ["check_id"]),
            "network_sizes": (sizes, ["model_id"]),
            "claim_verdicts": (_verdicts(found), ["document", "audit_verdict"]),
        },
    )
    tables.write_metrics(_metrics(found, checks, sizes), paths.metrics_file(study.profile, STAGE))
    folder = paths.data_dir() / "published"
    return sorted([*folder.glob("*.csv"), folder / "nnunet_plans.json"])


def _verdicts(found: pd.DataFrame) -> pd.DataFrame:
    """Return how many claims of each document have each verdict."""
    counted = found.groupby(["document", "audit_verdict"], as_index=False).size()
    return counted.rename(columns={"size": "claims"})


def _metrics(found: pd.DataFrame, checks: pd.DataFrame, sizes: pd.DataFrame) -> dict:
    """Return the stage's headline numbers."""
    recomputed = checks[checks["recomputed_verdict"].fillna("") != ""]
    agrees = recomputed["recomputed_verdict"] == recomputed["audit_verdict"]
    return {
        "claims_total": len(found),
        **{
            f"claims_{name.replace(' ', '_')}": int(count)
            for name, count in found["audit_verdict"].value_counts().items()
        },
        "checks_total": len(checks),
        "checks_recomputed": len(recomputed),
        "checks_recomputed_as_audited": int(agrees.sum()),
        "network_sizes_reproduced": int((sizes["printed_is"] != "neither").sum()),
        "network_sizes_total": len(sizes),
    }


if __name__ == "__main__":
    runner.run(STAGE, main)
