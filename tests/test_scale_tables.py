"""Scales of groups: learnt apart, refused by name, and the same after a round trip to disk."""

import numpy as np
import pandas as pd
import pytest

from hipus import tables
from hipus.interval_scales import ABSOLUTE, SIGNED, learn_scale
from hipus.scale_tables import from_table, learn_scales, to_table

KEYS = ("poses", "measure")


@pytest.fixture
def calibration_rows(rng) -> pd.DataFrame:
    """Return simulated calibration rows: two full groups, and one of 5 rows."""
    parts = []
    for poses, measure, count, spread in (
        ("true", "alpha_deg", 60, 1.0),
        ("predicted", "alpha_deg", 80, 4.0),
        ("predicted", "beta_deg", 5, 4.0),
    ):
        truth = rng.normal(60, 5, count)
        value = truth + rng.normal(0, spread, count)
        parts.append(
            pd.DataFrame(
                {
                    "poses": poses,
                    "measure": measure,
                    "value": value,
                    "truth": truth,
                    "lower": value - 1,
                    "upper": value + 1.5,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


class TestLearning:
    def test_each_group_learns_from_its_own_rows(self, calibration_rows):
        found = learn_scales(calibration_rows, KEYS, sides=SIGNED)
        assert set(found.scales) == {("true", "alpha_deg"), ("predicted", "alpha_deg")}
        alone = learn_scale(calibration_rows.query("poses == 'true'"), sides=SIGNED)
        assert found.scales["true", "alpha_deg"] == alone
        assert found.scales["predicted", "alpha_deg"].upper_scale > 2 * alone.upper_scale

    def test_a_group_too_small_is_named_with_its_reason(self, calibration_rows):
        refusals = learn_scales(calibration_rows, KEYS).refusals
        assert set(refusals) == {("predicted", "beta_deg")}
        assert refusals["predicted", "beta_deg"].startswith("5 calibration rows are too few")

    def test_one_key_still_makes_tuples(self, calibration_rows):
        found = learn_scales(calibration_rows, ["poses"], level=0.8)
        assert set(found.scales) == {("true",), ("predicted",)}
        assert found.scales[("true",)].level == 0.8

    def test_a_bad_row_is_an_error_that_names_its_group(self, calibration_rows):
        calibration_rows.loc[3, "truth"] = np.nan
        with pytest.raises(ValueError, match=r"group .*'poses': 'true'.* truth must be finite"):
            learn_scales(calibration_rows, KEYS)

    def test_a_missing_key_is_named(self, calibration_rows):
        with pytest.raises(ValueError, match=r"needs columns \['masks'\], has"):
            learn_scales(calibration_rows, ["masks"])


class TestRoundTrip:
    def test_scales_come_back_from_disk(self, calibration_rows, tmp_path):
        scales = dict(learn_scales(calibration_rows, KEYS, learns_shift=True).scales)
        scales["true", "coverage"] = learn_scale(calibration_rows.iloc[:60], kind=ABSOLUTE)
        path = tables.write(to_table(scales, KEYS), tmp_path / "scales.csv", key=KEYS)
        back = from_table(tables.read(path), KEYS)
        assert set(back) == set(scales)
        for group, scale in scales.items():
            assert vars(back[group]) == {
                name: pytest.approx(value, rel=1e-8) if isinstance(value, float) else value
                for name, value in vars(scale).items()
            }

    def test_no_scales_make_an_empty_table_with_columns(self):
        table = to_table({}, KEYS)
        assert list(table.columns[:3]) == ["poses", "measure", "kind"]
        assert from_table(table, KEYS) == {}

    def test_a_group_without_all_its_parts_is_refused(self, calibration_rows):
        scale = learn_scale(calibration_rows)
        with pytest.raises(ValueError, match=r"must have the parts \['poses', 'measure'\], got"):
            to_table({("true",): scale}, KEYS)

    def test_a_group_that_stands_twice_is_refused(self, calibration_rows):
        table = to_table(learn_scales(calibration_rows, KEYS).scales, KEYS)
        with pytest.raises(ValueError, match="must make a row, got .* more than once"):
            from_table(pd.concat([table, table]), KEYS)

    def test_a_column_that_is_gone_is_named(self, calibration_rows):
        table = to_table(learn_scales(calibration_rows, KEYS).scales, KEYS)
        with pytest.raises(ValueError, match=r"needs columns \['shift'\]"):
            from_table(table.drop(columns="shift"), KEYS)
