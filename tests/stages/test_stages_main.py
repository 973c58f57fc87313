"""`python -m hipus.stages PROFILE`: what is started, and what is said at the end."""

import logging
import sys
from pathlib import Path

import pandas as pd
import pytest

from hipus import paths, tables
from hipus.stages import __main__ as stages


@pytest.fixture
def started(monkeypatch):
    """Record how DVC is started instead of starting it; return (commands, answer)."""
    commands, answer = [], [0]

    def call(command, cwd, env):
        commands.append((command, cwd, env))
        return answer[0]

    monkeypatch.setattr(stages.subprocess, "call", call)
    return commands, answer


@pytest.fixture(autouse=True)
def _listens(caplog):
    caplog.set_level(logging.INFO)


class TestUsage:
    @pytest.mark.parametrize("arguments", [[], ["tiny"], ["smoke", "small"]])
    def test_anything_but_one_known_profile_is_status_2(self, study, started, caplog, arguments):
        assert stages.main(arguments) == 2
        assert started[0] == []
        assert "one of smoke, small, paper" in caplog.text


class TestRun:
    def test_only_the_profile_s_stages_are_run_in_the_study_folder(self, study, started):
        assert stages.main(["smoke"]) == 0
        ((command, cwd, env),) = started[0]
        assert command == [sys.executable, "-m", "dvc", "repro", "--glob", "*@smoke"]
        assert cwd == paths.root()
        assert env["PATH"].startswith(str(Path(sys.executable).parent))

    def test_the_end_says_where_to_look(self, study, started, caplog):
        stages.main(["small"])
        for place in ("results/small/report/index.html", "results/small/notebooks/",
                      "results/small/tables/", "figures/small/"):  # fmt: skip
            assert place in caplog.text
        assert "small is up to date (" in caplog.text

    def test_skips_are_said_loudly(self, study, started, caplog):
        for stage, names in (("calibration", ["plus/a.mha"]), ("reconstruction", [])):
            table = pd.DataFrame({"file": names, "how_to_get_it": ""})
            tables.write(table, paths.table_file("smoke", f"{stage}_missing"), key=["file"])
        stages.main(["smoke"])
        loud = [record.message for record in caplog.records if record.levelname == "WARNING"]
        assert len(loud) == 1
        assert "SKIPPED" in loud[0]
        assert "calibration" in loud[0]

    def test_a_failed_stage_gives_dvc_s_status_and_no_success(self, study, started, caplog):
        started[1][0] = 255
        assert stages.main(["smoke"]) == 255
        assert "a stage failed" in caplog.text
        assert "Look at" not in caplog.text
