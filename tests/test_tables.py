"""The one dialect of CSV and JSON."""

import json

import numpy as np
import pandas as pd
import pytest

from hipus import tables


@pytest.fixture
def table() -> pd.DataFrame:
    """Return three unsorted rows with two keys and awkward numbers."""
    return pd.DataFrame(
        {
            "subject_id": ["S002", "S001", "S001"],
            "frame_index": [0, 10, 9],
            "error_mm": [1 / 3, np.nan, 123456789.123],
        },
        index=[7, 7, 7],
    )


class TestWrite:
    def test_bytes_are_sorted_by_key_with_nine_digits_and_unix_line_ends(self, tmp_path, table):
        path = tables.write(table, tmp_path / "t.csv", key=["subject_id", "frame_index"])
        assert path.read_bytes() == (
            b"subject_id,frame_index,error_mm\nS001,9,123456789\nS001,10,\nS002,0,0.333333333\n"
        )

    def test_row_order_of_the_caller_does_not_matter(self, table):
        key = ["subject_id", "frame_index"]
        assert tables.to_csv_text(table, key=key) == tables.to_csv_text(table[::-1], key=key)

    def test_without_key_the_order_is_kept(self, table):
        assert tables.to_csv_text(table, key=[]).splitlines()[1].startswith("S002")

    def test_missing_key_column_is_refused(self, tmp_path, table):
        with pytest.raises(ValueError, match=r"t.csv: key columns \['side'\] are not in"):
            tables.write(table, tmp_path / "t.csv", key=["subject_id", "side"])
        assert list(tmp_path.iterdir()) == []

    def test_rows_that_share_a_key_are_refused(self, tmp_path, table):
        with pytest.raises(ValueError, match=r"got 2 rows that share one, first .*'S001'"):
            tables.write(table, tmp_path / "t.csv", key=["subject_id"])

    def test_round_trip_keeps_nine_digits(self, tmp_path, rng):
        written = pd.DataFrame({"row": range(50), "value": rng.normal(0, 1e3, 50)})
        back = tables.read(tables.write(written, tmp_path / "t.csv", key=["row"]))
        assert back["value"].to_numpy() == pytest.approx(written["value"].to_numpy(), rel=1e-8)

    def test_unchanged_content_is_not_written_again(self, tmp_path, table):
        path, key = tmp_path / "t.csv", ["subject_id", "frame_index"]
        assert tables.write_if_changed(table, path, key=key)
        before = path.stat().st_mtime_ns
        assert not tables.write_if_changed(table[::-1], path, key=key)
        assert path.stat().st_mtime_ns == before
        assert tables.write_if_changed(table.assign(error_mm=0.5), path, key=key)


class TestRead:
    def test_missing_result_names_the_command_for_its_profile(self, tmp_path):
        path = tmp_path / "results" / "smoke" / "tables" / "t.csv"
        with pytest.raises(FileNotFoundError, match=r"t.csv is missing: run `dvc repro .*@smoke"):
            tables.read(path)

    def test_missing_input_names_dvc_pull(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"run `dvc pull data.dvc`"):
            tables.read(tmp_path / "data" / "t.csv")

    def test_missing_column_is_named(self, tmp_path, table):
        path = tables.write(table, tmp_path / "t.csv", key=["subject_id", "frame_index"])
        with pytest.raises(ValueError, match=r"needs columns \['side'\], has \['subject_id'"):
            tables.read(path, columns=["subject_id", "side"])

    @pytest.mark.parametrize("content", [b"", b"\xff\xfe\xfa,1\n", b"a,b\n1,2\n1,2,3,4\n"])
    def test_a_file_that_is_no_table_is_named(self, tmp_path, content):
        (tmp_path / "t.csv").write_bytes(content)
        with pytest.raises(ValueError, match=r"t\.csv cannot be read as a table: "):
            tables.read(tmp_path / "t.csv")

    def test_options_reach_pandas(self, tmp_path):
        written = pd.DataFrame({"code": ["007", "010"]})
        path = tables.write(written, tmp_path / "t.csv", key=["code"])
        assert tables.read(path, dtype={"code": str})["code"].tolist() == ["007", "010"]


class TestMetrics:
    def test_is_flat_sorted_json_without_nan(self, tmp_path):
        values = {
            "tre_mm": np.float32(0.5),
            "alpha_deg": np.nan,
            "frames": np.int64(7),
            "ratio": 1 / 3,
            "is_ok": np.bool_(True),
            "method": "classic",
            "range_mm": float("inf"),
            "nothing": None,
        }
        text = tables.write_metrics(values, tmp_path / "m.json").read_text()
        found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        assert list(found) == sorted(values)
        assert found == {
            "alpha_deg": None,
            "frames": 7,
            "is_ok": True,
            "method": "classic",
            "nothing": None,
            "range_mm": None,
            "ratio": 0.333333333,
            "tre_mm": 0.5,
        }

    @pytest.mark.parametrize("value", [{"a": 1}, [1, 2], (1,), np.array([1.0, 2.0])])
    def test_nested_values_are_refused(self, tmp_path, value):
        with pytest.raises(ValueError, match=r"m.json: metrics must be flat, got nested \['x'\]"):
            tables.write_metrics({"x": value}, tmp_path / "m.json")

    @pytest.mark.parametrize(
        ("content", "fault"),
        [(b"{", "is no JSON"), (b"\xff", "is no JSON"), (b"[1]", "must hold names .* got list")],
    )
    def test_a_file_that_is_no_metrics_is_named(self, tmp_path, content, fault):
        (tmp_path / "m.json").write_bytes(content)
        with pytest.raises(ValueError, match=rf"m\.json {fault}"):
            tables.read_metrics(tmp_path / "m.json")
