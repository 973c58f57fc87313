"""Stage `raters`: which infants and noise are compared, and what stands beside what."""

from dataclasses import replace

import numpy as np
import pytest

from hipus import parallel, paths, tables
from hipus.phantom.annotator.agreement import Agreement
from hipus.phantom.annotator.cases import FIT_SEED
from hipus.stages import raters

PRINTED = {"mean": 0.76, "ilium": 0.70, "head": 0.86}


@pytest.fixture
def asked(study, monkeypatch):
    """Replace simulation and annotation; return what they were asked for."""
    calls = []

    def simulate(seed, *, subjects):
        calls.append(("simulated", seed, subjects))
        return [f"sweep of {seed}"]

    def measure(cases, typical, *, seed, pairs):
        calls.append((*cases, seed, pairs))
        dice = [0.70, 0.86, 0.74, 0.74] if seed == FIT_SEED else [0.72, 0.85, 0.70, 0.80]
        return Agreement(np.array(dice), np.array([9, 7, 4, 5]))

    monkeypatch.setattr(parallel, "usable_cores", lambda: 1)
    monkeypatch.setattr(raters, "simulate_cases", simulate)
    monkeypatch.setattr(raters, "measure_agreement", measure)
    return calls


def test_raters_are_compared_on_other_infants_and_noise_than_they_were_fitted_on(study, asked):
    sized = replace(study, raters=replace(study.raters, subjects=3, pairs=5))
    raters.main(sized)
    own = study.common.seed
    assert own != FIT_SEED
    assert asked == [
        ("simulated", FIT_SEED, 3),
        (f"sweep of {FIT_SEED}", FIT_SEED, 5),
        ("simulated", own, 3),
        (f"sweep of {own}", own, 5),
    ]


def test_printed_fitted_and_independent_dice_stand_side_by_side(study, asked):
    inputs = raters.main(study)
    table = tables.read(paths.table_file("smoke", "rater_agreement"), columns=raters.COLUMNS)
    rows = table.set_index("structure")
    assert list(table.columns) == raters.COLUMNS
    assert rows.published_dice["ilium"] == 0.70
    assert rows.fitted_dice["femoral_head"] == 0.86
    assert rows.independent_dice["femoral_cortex"] == 0.80
    assert rows.difference["femoral_head"] == pytest.approx(-0.01)
    assert rows.published_dice["chondro_osseous_border"] == pytest.approx(0.74)
    assert "shared equally" in rows.note["femoral_cortex"]
    assert list(rows.frame_count[["ilium", "femoral_head"]]) == [9, 7]
    assert rows.interface_band_mm["ilium"] == pytest.approx(1.25)
    assert np.isnan(rows.interface_band_mm["femoral_head"])
    overall = rows.loc[raters.OVERALL]
    assert overall.independent_dice == pytest.approx((0.72 + 0.85 + 0.70 + 0.80) / 4)
    assert overall.published_dice == 0.76
    assert [path.name for path in inputs] == ["published_cohort.csv"]


def test_metrics_name_what_is_printed(study, asked):
    raters.main(study)
    found = tables.read_metrics(paths.metrics_file("smoke", "raters"))
    assert found["dice_ilium"] == 0.72
    assert found["dice_mean"] == pytest.approx(0.7675)
    # The largest of ilium +0.02, head -0.01, mean +0.0075: shared values do not count.
    assert found["largest_difference_of_printed"] == pytest.approx(0.02)


def test_the_printed_values_are_those_of_the_paper(study):
    assert raters.read_printed() == PRINTED


def test_another_fingerprint_is_refused(study, asked):
    other = replace(study, common=replace(study.common, simulation_sha256=64 * "0"))
    with pytest.raises(ValueError, match="rerun every profile"):
        raters.main(other)
    assert asked == []
