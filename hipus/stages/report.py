"""Stage `report`: the static site, with the executed notebooks as pages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hipus import config, paths
from hipus.report import notebook_pages, site
from hipus.stages import runner

STAGE = "report"


def main(study: config.Study) -> Iterable[Path]:
    """Write the report; return the executed notebooks."""
    results = paths.results_dir(study.profile)
    notebook_pages.write_pages(results / "notebooks", results / "report")
    site.build_site(study.profile)
    return sorted((results / "notebooks").glob("*.ipynb"))


if __name__ == "__main__":
    runner.run(STAGE, main)
