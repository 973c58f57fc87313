"""JSON that scripts read, and the bar that people see."""

import json
from pathlib import Path

import numpy as np
import pytest

from hipus.cli.output import emit, plain
from hipus.cli.progress import Watched


class TestPlain:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (np.float64(0.5), 0.5),
            (np.int32(7), 7),
            (np.bool_(True), True),
            (np.array([[1.0, np.nan], [np.inf, 2.0]]), [[1.0, None], [None, 2.0]]),
            (float("-inf"), None),
            ((1, (2.0, float("nan"))), [1, [2.0, None]]),
            ({"a": np.array([3]), "b": {"c": Path("x/y")}}, {"a": [3], "b": {"c": "x/y"}}),
            (None, None),
            ("text", "text"),
        ],
    )
    def test_every_kind_of_value_becomes_json(self, value, expected):
        found = plain(value)
        assert found == expected
        assert json.loads(json.dumps(found, allow_nan=False)) == expected


class TestEmit:
    def test_file_and_screen_say_the_same(self, tmp_path, capsys):
        emit({"lag_s": -0.0648, "poses": np.eye(2)}, tmp_path / "new" / "lag.json")
        written = (tmp_path / "new" / "lag.json").read_text()
        assert written == capsys.readouterr().out
        assert json.loads(written) == {"lag_s": -0.0648, "poses": [[1.0, 0.0], [0.0, 1.0]]}

    def test_nothing_is_printed_when_the_file_cannot_be_written(self, tmp_path, capsys):
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(OSError, match="cannot write .*lag.json"):
            emit({"lag_s": 1.0}, tmp_path / "file" / "lag.json")
        assert capsys.readouterr().out == ""


class TestWatched:
    def test_frames_pass_through_unchanged(self, rng):
        frames = rng.integers(0, 256, (9, 3, 4), dtype=np.uint8)
        watched = Watched(frames, "frames")
        assert (watched.shape, watched.dtype) == (frames.shape, np.uint8)
        blocks = [watched[start : start + 4] for start in range(0, 9, 4)]
        np.testing.assert_array_equal(np.concatenate(blocks), frames)

    def test_bar_follows_the_furthest_frame_and_closes_at_the_end(self, rng, monkeypatch):
        steps = []

        class Bar:
            n = 0

            def __init__(self, **options):
                steps.append(options["total"])

            def update(self, by):
                self.n += by
                steps.append(self.n)

            def close(self):
                steps.append("closed")

        monkeypatch.setattr("tqdm.tqdm", Bar)
        watched = Watched(np.zeros((10, 2, 2), np.uint8))
        for part in (slice(0, 4), slice(2, 3), slice(4, 10)):
            watched[part]
        assert steps == [10, 4, 4, 10, "closed"]

    def test_nothing_is_drawn_where_nobody_watches(self, capsys):
        watched = Watched(np.zeros((10, 2, 2), np.uint8), "frames")
        watched[0:10]
        assert capsys.readouterr() == ("", "")
