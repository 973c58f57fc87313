"""The page on limits: its numbers are those of the small profile, and its sources exist."""

import json
import re

import pytest

from hipus import paths, tables

PAGE = (paths.root() / "docs" / "limits.md").read_text(encoding="utf-8")


def metrics(stage: str) -> dict:
    """Return a stage's metrics in the small profile."""
    return json.loads(paths.metrics_file("small", stage).read_text())


def test_how_well_pictures_are_told_apart():
    found = metrics("realism")
    assert f"AUC {found['report_half_auc_simulated']:.2f}," in PAGE
    assert f"reach {found['report_half_auc_halves']:.2f}" in PAGE


def test_how_many_were_studied():
    assert f"`small` holds {metrics('cohort')['subjects_total']} subjects" in PAGE
    rows = tables.read(paths.table_file("small", "hip_error_summary"))
    rows = rows.query("group == 'ordinary' and measure == 'alpha_deg' and masks == 'model'")
    assert f"hips of {rows.subject_count.max()} infants that only test" in PAGE
    repeats = tables.read(paths.table_file("small", "cohort_subjects")).query("cohort == 'repeats'")
    assert len(repeats) == 2
    assert "sweeps on two." in PAGE


@pytest.mark.parametrize("folder", ["plus", "infant_hip_stills", "graf_planes", "clarius"])
def test_real_data_it_speaks_of_are_listed(folder):
    manifest = (paths.data_dir() / "real" / "manifest.csv").read_text()
    assert f"\n{folder}/" in manifest


def test_every_page_and_file_that_it_names_exists():
    linked = [paths.root() / "docs" / name for name in re.findall(r"\]\(([\w.]+)\)", PAGE)]
    named = [paths.root() / name for name in re.findall(r"`([\w/]+\.csv)`", PAGE)]
    assert linked
    assert named
    assert [path.name for path in linked + named if not path.is_file()] == []


def test_it_is_no_medical_device():
    assert "**Not a medical device.**" in PAGE.split("##")[0]
