"""Stage `real_inputs`: which real open files are here, by SHA-256.

Runs at every `dvc repro`. Downloads what is absent when there is a network, gives up at the
first connection failure otherwise. Rewrites its table only when something changed, so that
stages that depend on it rerun exactly then.
"""

from __future__ import annotations

import logging

from hipus import config, paths, tables
from hipus.formats import real_data
from hipus.stages import runner

log = logging.getLogger("hipus.stages")

STAGE = "real_inputs"


def main(study: config.Study) -> bool:
    """Write `real_inputs.csv` if it changed.

    Parameters
    ----------
    study : Study

    Returns
    -------
    bool
        Whether the table was rewritten.
    """
    real_data.ensure_all()
    # Whether a file came from a mirror or a download moves no result: leave it out, or moving
    # from one to the other would rerun everything.
    inventory = real_data.inventory().drop(columns=["source", "reason"])
    absent = int((inventory["status"] != "present").sum())
    if absent:
        log.warning("%d of %d real open files are absent", absent, len(inventory))
    target = paths.table_file(study.profile, STAGE)
    return tables.write_if_changed(inventory, target, key=["file"])


if __name__ == "__main__":
    runner.run_always(STAGE, main)
