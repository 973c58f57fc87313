"""What drift costs, on tables worked by hand: changes of alpha, models, bins, claims."""

import made_hip_tables as made
import numpy as np
import pandas as pd
import pytest

from hipus.stages import hip_drift

OPTIONS = {"seed": 3, "resamples": 60}
KEY = ["subject_id", "sweep_id"]


def moved_of(errors: pd.DataFrame, value: float = 0.7) -> pd.Series:
    """Return how far each infant moved: all alike."""
    return errors.drop_duplicates(KEY).set_index(KEY).final_drift_mm * 0 + value


def added_of(*rows: dict) -> pd.DataFrame:
    """Return rows of table hip_added_errors; `ROW` says what a row does not."""
    given = [made.ROW | {"added_deg": 1.0, "infant_moved_mm": 0.7} | row for row in rows]
    return pd.DataFrame(given).reindex(columns=hip_drift.ADDED_COLUMNS)


class TestAddedError:
    def test_it_is_the_change_of_the_measured_value_against_true_poses_and_like_masks(self):
        errors = made.errors_of(
            {"poses": "true", "value": 60.0, "shift": 5.0}, {"poses": "tracked", "value": 58.5},
            {"poses": "predicted", "value": 64.0, "shift": -2.0},
            {"poses": "rounded", "value": 61.0},
            {"poses": "true", "value": 50.0, "masks": "truth"},
            {"poses": "predicted", "value": 53.0, "masks": "truth"},
        )  # fmt: skip
        found = hip_drift.added_table(errors, moved_of(errors)).set_index(["masks", "poses"])
        assert found.added_deg.to_dict() == {
            ("model", "tracked"): 1.5, ("model", "predicted"): 4.0, ("model", "rounded"): 1.0,
            ("truth", "predicted"): 3.0,
        }  # fmt: skip
        assert found.alpha_by_true_poses_deg["truth", "predicted"] == 50.0
        assert (found.infant_moved_mm == 0.7).all()
        assert set(hip_drift.ADDED_COLUMNS) == {*found.index.names, *found}

    def test_where_either_alpha_is_refused_nothing_is_added(self):
        errors = made.errors_of(
            {"subject_id": "A", "poses": "true", "value": np.nan},
            {"subject_id": "A", "poses": "tracked"}, {"subject_id": "B", "poses": "true"},
            {"subject_id": "B", "poses": "tracked", "value": np.nan},
        )  # fmt: skip
        found = hip_drift.added_table(errors, moved_of(errors))
        assert len(found) == 2
        assert found.added_deg.isna().all()

    def test_raters_frames_and_other_measures_have_no_row(self):
        errors = made.errors_of(
            {"poses": "true"}, {"masks": "rater"}, {"poses": "best_frame"},
            {"measure": "head_radius_mm"},
        )  # fmt: skip
        assert hip_drift.added_table(errors, moved_of(errors)).empty


def modelled(count: int = 40, *, rng, **fixed) -> pd.DataFrame:
    """Return sweeps whose alpha is bent by 0.2 deg per mm of final drift and 5 of shape."""
    rows = []
    for k in range(count):
        off, end, more = rng.uniform(0, 1), rng.uniform(0, 8), rng.normal(0, 1)
        for kind in ("p_a", "p_d"):
            row = made.swept(f"S{k}", f"{'left' if k % 3 else 'right'}_{kind}")
            row |= {"cohort": "dysplastic" if k % 4 == 0 else "test"}
            row |= {"final_drift_mm": end, "head_shape_mm": off, "infant_moved_mm": k / 50}
            row["added_deg"] = 3 + 0.2 * end + 5 * off + more + rng.normal(0, 0.2)
            rows.append(row | fixed)
            off, end = rng.uniform(0, 1), rng.uniform(0, 8)
    return added_of(*rows)


class TestModel:
    def test_both_drifts_are_told_apart_with_the_infant_as_random_effect(self, rng):
        table = hip_drift.model_table(modelled(rng=rng)).set_index("name")
        assert list(table.index) == ["intercept", *hip_drift.FACTORS]
        assert table.coefficient.final_drift_mm == pytest.approx(0.2, abs=0.06)
        assert table.coefficient.head_shape_mm == pytest.approx(5.0, abs=0.5)
        assert table.low.is_p_d < 0 < table.high.is_p_d
        assert set(table.method) == {"mixed_reml"}
        assert table.group_variance.iloc[0] == pytest.approx(1.0, abs=0.6)
        assert (table.row_count == 80).all()
        assert (table.group_count == 40).all()

    def test_factors_that_do_not_vary_or_follow_from_others_are_left_out(self, rng):
        added = modelled(rng=rng, cohort="test")
        added = added.assign(side=np.where(added.sweep_type == "p_d", "left", "right"))
        table = hip_drift.model_table(added)
        assert set(table.name) == {
            "intercept", "final_drift_mm", "head_shape_mm", "is_p_d", "infant_moved_mm",
        }  # fmt: skip
        assert np.isfinite(table.coefficient).all()

    @pytest.mark.parametrize("count", [2, 5])
    def test_too_few_infants_or_sweeps_have_no_model(self, rng, count):
        table = hip_drift.model_table(modelled(count, rng=rng))
        assert table.empty
        assert list(table) == hip_drift.MODEL_COLUMNS

    def test_a_probe_that_was_taken_for_turned_decides_no_slope(self, rng):
        added = modelled(rng=rng)
        far = added.iloc[:2].assign(final_drift_mm=[75.0, 105.0], added_deg=0.0)
        table = hip_drift.model_table(pd.concat([added, far], ignore_index=True))
        pd.testing.assert_frame_equal(table, hip_drift.model_table(added))

    def test_refused_sweeps_are_left_out_and_each_kind_of_poses_has_its_own(self, rng):
        first, other = modelled(rng=rng), modelled(rng=rng, poses="rounded", masks="truth")
        first.loc[:9, "added_deg"] = np.nan
        table = hip_drift.model_table(pd.concat([first, other], ignore_index=True))
        counts = table.groupby(["masks", "poses"]).row_count.first().to_dict()
        assert counts == {("model", "predicted"): 70, ("truth", "rounded"): 80}


class TestBins:
    def test_edges_belong_to_the_bin_above_and_the_last_has_no_end(self):
        added = added_of(
            *({"subject_id": f"S{k}", "final_drift_mm": drift, "added_deg": more}
              for k, (drift, more) in enumerate([(0.99, 1), (1.0, 2), (1.5, 5), (90.0, 3)]))
        )  # fmt: skip
        table = hip_drift.bin_table(added, **OPTIONS)
        found = table[table.drift == "final_drift_mm"].set_index("from_mm")
        assert found.sweep_count.to_dict() == {0.0: 1, 1.0: 2, 8.0: 1}
        assert found.to_mm.tolist() == [1.0, 2.0, np.inf]
        assert found.median_added_deg.tolist() == [1.0, 3.5, 3.0]
        # Harm is more than 2 deg: 2 itself is none.
        assert found.harmed_share.tolist() == [0.0, 0.5, 1.0]
        assert np.isnan(found.low[0.0])

    def test_sweeps_without_change_or_shape_are_in_no_bin_of_it(self):
        added = added_of({"added_deg": np.nan}, {"head_shape_mm": np.nan})
        table = hip_drift.bin_table(added, **OPTIONS)
        assert table.drift.tolist() == ["final_drift_mm"]
        assert table.sweep_count.tolist() == [1]


def moving(shapes: dict[str, list[float]], moved_mm, **more) -> pd.DataFrame:
    """Return the shape errors of one sweep per infant by each kind of poses."""
    return added_of(
        *(
            {"subject_id": f"S{k}", "poses": poses, "head_shape_mm": value,
             "infant_moved_mm": moved_mm[k]} | more
            for poses, values in shapes.items() for k, value in enumerate(values)
        )
    )  # fmt: skip


class TestInfantMotion:
    SHAPES = {"tracked": [0.2, 0.4, 0.6], "predicted": [0.3, 0.3, 0.3], "rounded": [0.1, 0.2, 0.3]}

    def test_means_gains_and_slopes_by_hand(self):
        added = moving(self.SHAPES, [1.0, 2.0, 3.0], truth_variant="restless")
        found = hip_drift.motion_table(added, **OPTIONS).set_index("poses")
        assert found.mean_shape_mm.to_dict() == pytest.approx(
            {"tracked": 0.4, "predicted": 0.3, "rounded": 0.2}
        )
        assert found.less_than_tracked_mm.tolist() == pytest.approx([0.0, 0.1, 0.2])
        assert found.slope_per_moved_mm.tolist() == pytest.approx([0.2, 0.0, 0.1], abs=1e-9)
        assert (found.subject_count == 3).all()
        assert set(found.variant) == {"restless"}

    def test_infants_who_lie_still_have_no_slope(self):
        added = moving(self.SHAPES, [0.0, 1e-13, 2e-13], truth_variant="still")
        found = hip_drift.motion_table(added, **OPTIONS)
        assert found.slope_per_moved_mm.isna().all()
        assert len(found) == 3

    def test_a_sweep_that_one_kind_of_poses_lacks_is_compared_with_none(self):
        part = {"tracked": [0.2, 0.4], "predicted": [0.3, 0.3], "rounded": [0.1, np.nan]}
        found = hip_drift.motion_table(moving(part, [1.0, 2.0]), **OPTIONS)
        assert (found.sweep_count == 1).all()
        without = moving({"tracked": [0.2], "predicted": [0.3]}, [1.0])
        assert hip_drift.motion_table(without, **OPTIONS).empty


def term(name: str, low: float, high: float, **more) -> dict:
    """Return a row of the model's table."""
    row = {"masks": "model", "poses": "predicted", "name": name, "is_converged": True}
    return row | {"coefficient": (low + high) / 2, "low": low, "high": high} | more


def binned(*medians: float) -> pd.DataFrame:
    """Return bins of final drift with these medians, and of shape without harm."""
    edges = hip_drift.EDGES_MM["final_drift_mm"]
    rows = [
        {
            "masks": "model",
            "poses": "predicted",
            "drift": "final_drift_mm",
            "from_mm": start,
            "median_added_deg": value,
        }
        for start, value in zip(edges, medians, strict=False)
    ]
    rows.append(rows[0] | {"drift": "head_shape_mm", "median_added_deg": 0.1})  # fmt: skip
    return pd.DataFrame(rows)


def restless(low: float, high: float) -> pd.DataFrame:
    """Return the motion table of restless infants with this gain over the tracker."""
    row = {"variant": "restless", "less_low": low, "less_high": high, "mean_shape_mm": 0.5}
    row |= {"less_than_tracked_mm": (low + high) / 2, "sweep_count": 4, "subject_count": 2}
    return pd.DataFrame([row | {"poses": name} for name in ("tracked", "predicted")])


def claims(model=(), bins=None, motion=None) -> pd.DataFrame:
    """Return the claims by name; what is left out was not found."""
    nothing = added_of({}).iloc[:0]
    model = pd.DataFrame(list(model)).reindex(columns=hip_drift.MODEL_COLUMNS)
    bins = hip_drift.bin_table(nothing, **OPTIONS) if bins is None else bins
    motion = hip_drift.motion_table(nothing, **OPTIONS) if motion is None else motion
    return hip_drift.claim_table(model, bins, motion).set_index("claim")


class TestClaims:
    @pytest.mark.parametrize(
        ("name", "low", "high", "verdict"),
        [
            ("final_drift_mm", -0.2, 0.49, "holds"),
            ("final_drift_mm", 0.1, 0.4, "holds"),
            ("final_drift_mm", -0.2, 0.51, "undecided"),
            ("final_drift_mm", 0.1, 0.6, "does not hold"),
            ("head_shape_mm", 0.1, 6.0, "holds"),
            ("head_shape_mm", -0.1, 6.0, "undecided"),
            ("head_shape_mm", -3.0, -0.1, "does not hold"),
        ],
    )
    def test_verdicts_on_either_side(self, name, low, high, verdict):
        found = claims([term(name, low, high)])
        claim = {"final_drift_mm": "global drift", "head_shape_mm": "local drift"}[name]
        assert found.verdict.to_dict() == {claim: verdict}
        assert found.found[claim].endswith(f"deg per mm ({low:+.2f} to {high:+.2f})")

    @pytest.mark.parametrize(
        "change", [{"masks": "truth"}, {"poses": "rounded"}, {"is_converged": False}]
    )
    def test_other_masks_or_poses_or_a_fit_that_failed_say_nothing(self, change):
        assert claims([term("final_drift_mm", 0.1, 0.2, **change)]).empty

    @pytest.mark.parametrize(
        ("medians", "told"),
        [
            ((1.0, 1.5, 2.5, 3.0, 4.0), "final drift from 2 mm on"),
            ((6.0, 1.5, 1.9, 3.0, 4.0), "final drift from 4 mm on"),
            ((6.0, 1.5, 1.9, 3.0, 2.0), "final drift: at no drift that was met"),
            ((3.0,), "final drift from 0 mm on"),
        ],
    )
    def test_harm_begins_where_it_lasts(self, medians, told):
        found = claims(bins=binned(*medians))
        assert found.found["where harm begins"] == f"{told}; head shape: at no drift that was met"
        assert found.verdict["where harm begins"] == "measured"

    @pytest.mark.parametrize(
        ("low", "high", "verdict"),
        [(0.05, 0.2, "holds"), (-0.1, 0.2, "undecided"), (-0.3, -0.1, "does not hold")],
    )
    def test_pictures_against_a_misled_tracker(self, low, high, verdict):
        found = claims(motion=restless(low, high))
        assert found.verdict.to_dict() == {"infant motion": verdict}
        assert "0.50 mm tracked, 0.50 mm predicted" in found.found.item()
        assert found.found.item().endswith("4 sweeps of 2 infants")

    def test_without_restless_infants_nothing_is_claimed_of_them(self):
        assert claims(motion=restless(0.1, 0.2).assign(variant="protocol")).empty


def test_nothing_measured_gives_empty_tables_with_their_columns():
    nothing = made.errors_of({}).iloc[:0]
    added = hip_drift.added_table(nothing, moved_of(nothing))
    tables = {
        "ADDED": added,
        "MODEL": hip_drift.model_table(added),
        "BIN": hip_drift.bin_table(added, **OPTIONS),
        "MOTION": hip_drift.motion_table(added, **OPTIONS),
        "CLAIM": claims().reset_index(),
    }
    for name, table in tables.items():
        assert list(table) == getattr(hip_drift, f"{name}_COLUMNS"), name
        assert table.empty
