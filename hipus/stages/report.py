"""Stage `report`: the static site, with the executed notebooks as pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from hipus import config, paths
from hipus.report import notebook_pages, site
from hipus.stages import runner

STAGE = "report"


def main(study: config.Study) -> Iterable[Path]:
    """Write the report; return the executed notebooks."""
    results = paths.results_dir(study.profile)
    # As DVC does: else pages and pictures of an earlier run would stay beside the new ones.
    shutil.rmtree(results / "report", ignore_errors=True)
    notebook_pages.write_pages(results / "notebooks", results / "report")
    site.build_site(study.profile)
    return sorted((results / "notebooks").glob("*.ipynb"))


if __name__ == "__main__":
    runner.run(STAGE, main)
