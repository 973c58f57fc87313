"""A machine without real data and without network: every stage runs and says what it skipped.

All stages run once, in the order of the pipeline, in a study folder of their own; results on
predicted motion, which take a training, are made up, and segmentation is skipped.
"""

import json
import logging
import shutil
import sys

import made_motion_results
import made_skipped_segmentation
import numpy as np
import pytest
import yaml
from imports import notebook_source
from IPython.display import Markdown
from study_folders import (
    CHECKOUT,
    make_study_folder,
    shrink_simulation,
    without_real_data,
)

from hipus import config, paths, tables
from hipus.report import site
from hipus.stages import (
    calibration,
    calibration_simulated,
    cohort,
    hip_angles,
    hip_fusion,
    hip_measures,
    machine,
    paper_views,
    published,
    raters,
    real_inputs,
    realism,
    reconstruction,
    runner,
)
from hipus.stages import figures as figures_stage
from hipus.stages import report as report_stage

#: Figures that show real recordings.
REAL = ("02_wires", "02_spatial_errors", "02_lag", "02_joint_scan", "04_slices", "04_agreement")
REAL += ("04_reslice", "04_reslice_errors")
#: What of the paper's figures and tables takes no trained network of segmentation.
PAPER = ("90_figure_12", "90_table_2", "90_table_6")
SIMULATED = [
    name
    for name in figures_stage.FIGURES
    if name not in (*REAL, "42_spacing")
    and not {"segmentation", "hip"} & set(name.split("_"))
    and (name in PAPER or not name.startswith("90_"))
]
#: What is skipped where no network was trained.
HIPS = (hip_measures, hip_angles, hip_fusion)
NOTEBOOKS = sorted(path.name for path in (CHECKOUT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def without_data(tmp_path_factory):
    """Run the pipeline's own code without real data; return the study folder."""
    folder = make_study_folder(tmp_path_factory.mktemp("study"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setenv("HIPUS_STATIC_VIEWS", "1")
        patch.setattr(sys, "argv", ["stage", "smoke"])
        for stage in (real_inputs, machine):
            runner.run_always(stage.STAGE, stage.main)
        shrink_simulation(patch, folder)
        for stage in (cohort, realism, raters, calibration_simulated):
            runner.run(stage.STAGE, stage.main)
        for stage in (calibration, reconstruction, published):
            runner.run(stage.STAGE, stage.main)
        made_motion_results.write_all(np.random.default_rng(5))
        made_skipped_segmentation.write_all()
        for stage in (*HIPS, paper_views):
            runner.run(stage.STAGE, stage.main)
        _take_claims(folder)
        runner.run(figures_stage.STAGE, figures_stage.main)
        yield folder


def _take_claims(folder) -> None:
    """Take what was said of the claims by `small`: made results answer none."""
    for name in ("tables/claims.csv", "tables/claim_counts.csv", "metrics/claims.json"):
        shutil.copy(CHECKOUT / "results" / "small" / name, folder / "results" / "smoke" / name)


@pytest.fixture
def shown(monkeypatch):
    """Return the list of what notebooks display."""
    found = []
    monkeypatch.setattr("hipus.viewers.display", found.append)
    return found


def outs_of(stage: str) -> list[str]:
    """Return what dvc.yaml says that a stage writes, for the smoke profile."""
    body = yaml.safe_load((CHECKOUT / "dvc.yaml").read_text())["stages"][stage]["do"]
    entries = [*body.get("outs", []), *body.get("metrics", []), *body.get("plots", [])]
    names = [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]
    return [name.replace("${item}", "smoke") for name in names]


@pytest.mark.parametrize(
    "stage",
    [
        *("real_inputs", "machine", "calibration", "reconstruction", "published", "figures"),
        *("cohort", "realism", "raters", "calibration_simulated"),
        *(stage.STAGE for stage in HIPS),
    ],
)
def test_every_output_of_the_pipeline_is_there_after_a_skip(without_data, stage):
    assert [name for name in outs_of(stage) if not (without_data / name).exists()] == []


@pytest.mark.parametrize("stage", [stage.STAGE for stage in HIPS])
class TestSkippedHips:
    def test_tables_have_columns_and_no_rows(self, without_data, stage):
        names = [name for name in outs_of(stage) if name.endswith(".csv")]
        assert names
        for name in names:
            table = tables.read(without_data / name)
            assert len(table) == 0
            assert len(table.columns) >= 4

    def test_no_number_is_told(self, without_data, stage):
        assert tables.read_metrics(paths.metrics_file("smoke", stage)) == {}

    def test_provenance_says_that_nothing_was_read(self, without_data, stage):
        record = json.loads(paths.provenance_file("smoke", stage).read_text())
        assert record["inputs"] == {}


@pytest.mark.parametrize("stage", ["calibration", "reconstruction"])
class TestSkippedStage:
    def test_missing_files_are_listed(self, without_data, stage):
        missing = tables.read(paths.table_file("smoke", f"{stage}_missing"))
        assert len(missing) >= 5
        assert missing["file"].str.startswith("plus/").all()

    def test_tables_have_columns_and_no_rows(self, without_data, stage):
        for name in outs_of(stage):
            if name.endswith(".csv") and "missing" not in name:
                table = tables.read(without_data / name)
                assert len(table) == 0
                assert len(table.columns) >= 2

    def test_metrics_hold_no_number_that_was_not_measured(self, without_data, stage):
        found = tables.read_metrics(paths.metrics_file("smoke", stage))
        assert set(found.values()) == {0}

    def test_figure_input_is_there_and_empty(self, without_data, stage):
        with np.load(paths.figure_input_file("smoke", stage)) as stored:
            assert list(stored) == []

    def test_provenance_says_that_nothing_was_read(self, without_data, stage):
        record = json.loads(paths.provenance_file("smoke", stage).read_text())
        assert record["inputs"] == {}


class TestDownstream:
    def test_only_the_figures_that_need_no_real_data_are_drawn(self, without_data):
        drawn = {path.name for path in paths.figures_dir("smoke").iterdir()}
        assert drawn == {f"{name}.{suffix}" for name in SIMULATED for suffix in ("pdf", "png")}

    @pytest.mark.parametrize("name", NOTEBOOKS)
    def test_notebooks_run_and_say_what_is_absent(self, without_data, shown, name):
        source = notebook_source(CHECKOUT / "notebooks" / name)
        exec(compile(source, name, "exec"), {"__name__": "__main__"})
        said = "\n".join(str(item.data) for item in shown if isinstance(item, Markdown))
        assert ("SKIPPED" in said) == name.startswith(
            ("01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11")
        )
        assert ("NOT RUN: `make arms`" in said) == name.startswith(("03", "05", "06", "07", "42"))

    def test_report_says_what_is_absent_and_shows_the_rest(self, without_data):
        index = site.build_site("smoke")
        text = "\n".join(page.read_text() for page in sorted(index.parent.glob("*.html")))
        assert "Skipped, because real open data are absent" in text
        assert text.count("Not measured on this machine.") == 2
        assert "plus/SpinePhantomFreehand.igs.mha" in text
        assert {"91_verdicts", "91_network_sizes"} <= {name for name in SIMULATED if name in text}
        assert [name for name in REAL if f"{name}.p" in text] == []
        assert "Published claims, each beside ours" in text

    def test_report_stage_needs_executed_notebooks(self, without_data):
        with pytest.raises(FileNotFoundError, match="holds no executed notebook"):
            report_stage.main(config.load("smoke"))

    def test_report_stage_names_the_notebooks_it_read(self, without_data):
        folder = paths.results_dir("smoke") / "notebooks"
        folder.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / "notebooks" / NOTEBOOKS[0], folder)
        read = report_stage.main(config.load("smoke"))
        assert [path.name for path in read] == [NOTEBOOKS[0]]
        page = paths.results_dir("smoke") / "report" / "notebooks" / "00_machine.html"
        assert page.is_file()
        shutil.rmtree(folder)

    def test_running_again_changes_no_table(self, without_data):
        study = config.load("smoke")
        folder = paths.results_dir("smoke") / "tables"
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        for stage in (real_inputs, machine, calibration, reconstruction):
            stage.main(study)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


class TestPublished:
    def test_tables_hold_every_claim_and_check_once(self, without_data):
        claims = tables.read(paths.table_file("smoke", "published_claims"))
        checks = tables.read(paths.table_file("smoke", "published_checks"))
        assert claims["claim_id"].is_unique
        assert checks["check_id"].is_unique
        verdicts = tables.read(paths.table_file("smoke", "claim_verdicts"))
        assert verdicts["claims"].sum() == len(claims)

    def test_metrics_are_counts_of_the_tables(self, without_data):
        found = tables.read_metrics(paths.metrics_file("smoke", "published"))
        claims = tables.read(paths.table_file("smoke", "published_claims"))
        sizes = tables.read(paths.table_file("smoke", "network_sizes"))
        assert found["claims_total"] == len(claims) > 1000
        by_verdict = [
            value
            for name, value in found.items()
            if name.startswith("claims_") and name != "claims_total"
        ]
        assert sum(by_verdict) == found["claims_total"]
        assert found["network_sizes_total"] == len(sizes) == 6
        assert 0 < found["checks_recomputed_as_audited"] <= found["checks_recomputed"]
        assert found["checks_recomputed"] <= found["checks_total"]

    def test_provenance_lists_the_transcribed_tables_by_hash(self, without_data):
        record = json.loads(paths.provenance_file("smoke", "published").read_text())
        files = {path.name for path in (CHECKOUT / "data" / "published").glob("*.csv")}
        assert files <= set(record["inputs"])
        assert all(len(entry["sha256"]) == 64 for entry in record["inputs"].values())


class TestStaleFigures:
    def test_a_figure_that_can_no_longer_be_drawn_does_not_stay(self, without_data, caplog):
        caplog.set_level(logging.INFO)
        stale = paths.figures_dir("smoke") / "02_lag.png"
        stale.write_bytes(b"of an earlier run, when the data were there")
        figures_stage.main(config.load("smoke"))
        assert not stale.exists()


class TestArms:
    @pytest.fixture
    def with_arms(self, without_data, monkeypatch):
        """Add the tables of `make arms`; take them and what shows them away again."""
        drawn = {"42_spacing": figures_stage.FIGURES["42_spacing"]}
        monkeypatch.setattr(figures_stage, "FIGURES", drawn)
        made_motion_results.write_arms(np.random.default_rng(5))
        yield without_data
        for name in made_motion_results.FROM_ARMS:
            paths.table_file("smoke", name).unlink()
        figures_stage.main(config.load("smoke"))
        assert not (paths.figures_dir("smoke") / "42_spacing.png").exists()

    def test_what_make_arms_adds_is_drawn_and_told(self, with_arms, shown):
        figures_stage.main(config.load("smoke"))
        assert (paths.figures_dir("smoke") / "42_spacing.png").is_file()
        for name in ("03_motion.ipynb", "42_sensorless.ipynb"):
            source = notebook_source(CHECKOUT / "notebooks" / name)
            exec(compile(source, name, "exec"), {"__name__": "__main__"})
        said = "\n".join(str(item.data) for item in shown if isinstance(item, Markdown))
        assert "NOT RUN" not in said
        captions = "\n".join(str(item.data) for item in shown)
        assert "Findings of others" in captions
        assert "Final drift, mm, 95 % over infants, vs_tracker" in captions
