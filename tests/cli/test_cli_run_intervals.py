"""Intervals widened by a table of scales: which rows count, and what stays."""

import pytest

from hipus import tables
from hipus.cli.run_intervals import KEYS, OWN_TABLE, has_rows, own_scales, widen
from hipus.interval_scales import ABSOLUTE, RELATIVE, IntervalScale
from hipus.morphometry.measures import Measure, refused
from hipus.scale_tables import to_table

MEASURES = {
    "alpha_deg": Measure(60.0, "deg", 58.0, 61.0),
    "head_sphericity": Measure(0.97, "1"),
    "head_radius_mm": Measure(8.0, "mm", 7.9, 8.2),
    "beta_deg": refused("no labrum label", "deg"),
}
KIND = {"poses": "predicted", "masks": "3.2", "sweep_type": "p_a"}


def scale(kind=RELATIVE, lower=2.0, upper=3.0, shift=0.0) -> IntervalScale:
    """Return a scale."""
    return IntervalScale(kind, lower, upper, shift, 0.0, 0.95, 40, 0)


@pytest.fixture
def write(tmp_path):
    """Return a function that writes scales, given by measure, for hips of a kind."""

    def call(by_measure, *, kind=KIND):
        rows = {(*kind.values(), name): one for name, one in by_measure.items()}
        return tables.write(to_table(rows, KEYS), tmp_path / "scales.csv", key=KEYS)

    return call


def test_each_arm_is_stretched_by_its_own_scale_and_the_value_moves(write):
    found = widen(MEASURES, write({"alpha_deg": scale(shift=0.5)}), **KIND)
    alpha = found.measures["alpha_deg"]
    assert (alpha.value, alpha.lower, alpha.upper) == pytest.approx((60.5, 56.5, 63.5))
    assert found.scaled == ("alpha_deg",)
    assert found.unscaled == ("head_sphericity", "head_radius_mm")


def test_an_absolute_scale_makes_an_interval_where_there_was_none(write):
    table = write({"head_sphericity": scale(ABSOLUTE, 0.02, 0.02)})
    found = widen(MEASURES, table, **KIND).measures["head_sphericity"]
    assert (found.lower, found.upper) == pytest.approx((0.95, 0.99))


def test_a_relative_scale_has_nothing_to_stretch_without_an_interval(write):
    found = widen(MEASURES, write({"head_sphericity": scale()}), **KIND)
    assert found.measures["head_sphericity"] == MEASURES["head_sphericity"]
    assert "head_sphericity" in found.unscaled


def test_refusals_and_measures_without_a_row_stay(write):
    found = widen(MEASURES, write({"beta_deg": scale()}), **KIND)
    assert dict(found.measures) == MEASURES
    assert found.scaled == ()


@pytest.mark.parametrize(
    ("name", "other"), [("poses", "tracked"), ("masks", "3.1"), ("sweep_type", "p_d")]
)
def test_scales_of_other_hips_are_not_taken(write, name, other):
    table = write({"alpha_deg": scale()}, kind=KIND | {name: other})
    with pytest.raises(ValueError, match=f"must have scales for .*, has .*{name} {other}"):
        widen(MEASURES, table, **KIND)


def test_two_rows_for_one_measure_are_refused(write):
    table = write({"alpha_deg": scale()})
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, lines[-1], ""]))
    with pytest.raises(ValueError, match="scales.csv: keys .* must make a row"):
        widen(MEASURES, table, **KIND)


def test_a_table_knows_which_hips_it_has_rows_of(write):
    table = write({"alpha_deg": scale()})
    assert has_rows(table, **KIND)
    assert not has_rows(table, **KIND | {"sweep_type": "p_d"})
    assert not has_rows(table, **KIND | {"masks": "model"})


def test_a_model_of_the_study_has_the_scales_of_its_profile(write, tmp_path):
    model = tmp_path / "results" / "small" / "models" / "segmentation" / "3.2"
    model.mkdir(parents=True)
    assert own_scales(model) is None
    table = tmp_path / "results" / "small" / OWN_TABLE
    table.parent.mkdir()
    write({"alpha_deg": scale()}).rename(table)
    assert own_scales(model) == table
    tables.write(tables.read(table).iloc[:0], table, key=[])
    assert own_scales(model) is None


def test_a_model_anywhere_has_none(tmp_path):
    assert own_scales(tmp_path) is None
