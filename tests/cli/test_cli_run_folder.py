"""A run's folder: whose it is, what is finished, what is stale."""

import json

import pytest

from hipus.cli.run_folder import RECORD, Made, RunFolder, Step, fingerprints, folder_sha256
from hipus.files import sha256, write_text

INPUTS = {"a.mha": {"bytes": 3, "sha256": "a" * 64}}
OTHER = {"a.mha": {"bytes": 3, "sha256": "b" * 64}}


@pytest.fixture
def told():
    """Return what a person is told."""
    return []


@pytest.fixture
def go(tmp_path, told):
    """Return a function that runs steps, given as name to text, and returns which were made."""

    def call(steps, *, inputs=INPUTS, overwrite=False):
        made, folder = [], tmp_path / "out"

        def make(name, text):
            made.append(name)
            return Made((write_text(folder / f"{name}.txt", text).name,), {"said": text})

        all_steps = [
            Step(name, {"text": text}, lambda name=name, text=text: make(name, text))
            for name, text in steps.items()
        ]
        RunFolder(folder, inputs=inputs, overwrite=overwrite).run(all_steps, tell=told.append)
        return made

    return call


STEPS = {"one": "1", "two": "2", "three": "3"}


class TestSteps:
    def test_each_is_made_once(self, go, told):
        assert go(STEPS) == list(STEPS)
        assert go(STEPS) == []
        assert told[-3:] == ["[1/3] one: kept", "[2/3] two: kept", "[3/3] three: kept"]

    def test_what_changed_is_made_with_all_that_follows(self, go, tmp_path):
        go(STEPS)
        assert go(STEPS | {"two": "zwei"}) == ["two", "three"]
        assert (tmp_path / "out/two.txt").read_text() == "zwei"

    def test_a_file_that_changed_or_went_is_made_anew(self, go, tmp_path):
        go(STEPS)
        (tmp_path / "out/three.txt").write_text("changed")
        assert go(STEPS) == ["three"]
        (tmp_path / "out/two.txt").unlink()
        assert go(STEPS) == ["two", "three"]

    def test_a_step_that_is_no_more_takes_its_files_along(self, go, tmp_path):
        go(STEPS)
        (tmp_path / "out/mine.txt").write_text("mine")
        assert go({"one": "1"}) == []
        assert {path.name for path in (tmp_path / "out").iterdir()} == {
            RECORD, "one.txt", "mine.txt"
        }  # fmt: skip

    def test_stale_files_go_before_anything_is_made(self, tmp_path, go):
        go(STEPS)
        folder, seen = tmp_path / "out", []

        def look():
            seen.extend(sorted(path.name for path in folder.iterdir()))
            raise OSError("stop")

        with pytest.raises(OSError, match="stop"):
            RunFolder(folder, inputs=INPUTS).run(
                [Step("one", {"text": "1"}, look), Step("two", {"text": "b"}, look)],
                tell=lambda line: None,
            )
        assert seen == ["one.txt", RECORD]
        assert list(json.loads((folder / RECORD).read_text())["steps"]) == ["one"]

    def test_the_record_names_files_by_content_with_times_and_facts(self, go, tmp_path):
        go(STEPS)
        step = json.loads((tmp_path / "out" / RECORD).read_text())["steps"]["two"]
        assert step["files"] == {"two.txt": sha256(tmp_path / "out/two.txt")}
        assert step["facts"] == {"said": "2"}
        assert step["seconds"] >= 0


class TestWhoseItIs:
    def test_other_inputs_are_refused_with_both_named(self, go, tmp_path):
        go(STEPS)
        message = (
            r"out holds a run of a.mha \(sha256 aaaaaaaaaaaa\), asked for a.mha "
            r"\(sha256 bbbbbbbbbbbb\): name another folder, or --overwrite"
        )
        with pytest.raises(ValueError, match=message):
            go(STEPS, inputs=OTHER)
        assert go(STEPS) == []
        assert go(STEPS, inputs=OTHER, overwrite=True) == list(STEPS)

    def test_a_folder_that_no_run_made_is_refused(self, go, tmp_path):
        (tmp_path / "out").mkdir()
        for name in "abcd":
            (tmp_path / "out" / name).write_text(name)
        with pytest.raises(ValueError, match=r"no run.json in it\), holds a, b, c, \.\.\.: name"):
            go(STEPS)
        assert go(STEPS, overwrite=True) == list(STEPS)
        assert (tmp_path / "out/a").read_text() == "a"

    def test_an_empty_folder_is_taken(self, go, tmp_path):
        (tmp_path / "out").mkdir()
        assert go(STEPS) == list(STEPS)

    def test_a_run_that_died_in_its_first_step_goes_on(self, tmp_path, go):
        def die():
            write_text(tmp_path / "out/one.txt", "half")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            RunFolder(tmp_path / "out", inputs=INPUTS).run(
                [Step("one", {}, die)], tell=lambda line: None
            )
        assert go(STEPS) == list(STEPS)

    def test_a_file_is_no_folder(self, tmp_path):
        (tmp_path / "out").write_text("file")
        with pytest.raises(NotADirectoryError, match="out must be a folder for results, is a file"):
            RunFolder(tmp_path / "out", inputs=INPUTS)

    @pytest.mark.parametrize(
        "text", ["{", "[]", '{"inputs": {}}', '{"inputs": {}, "steps": {"a": 1}}']
    )
    def test_a_damaged_record_is_named(self, go, tmp_path, text):
        write_text(tmp_path / "out" / RECORD, text)
        with pytest.raises(ValueError, match="run.json is damaged .*: --overwrite begins anew"):
            go(STEPS)
        assert go(STEPS, overwrite=True) == list(STEPS)

    @pytest.mark.parametrize("name", ["/etc/hosts", "../mine.txt"])
    def test_a_record_never_reaches_outside_its_folder(self, go, tmp_path, name):
        step = {"key": "k", "seconds": 1.0, "files": {name: "0"}, "facts": {}}
        (tmp_path / "mine.txt").write_text("mine")
        record = {"inputs": INPUTS, "steps": {"one": step}}
        write_text(tmp_path / "out" / RECORD, json.dumps(record))
        with pytest.raises(ValueError, match="lies outside"):
            go(STEPS)
        go(STEPS, overwrite=True)
        assert (tmp_path / "mine.txt").read_text() == "mine"


class TestFingerprints:
    def test_files_of_one_name_are_told_apart(self, tmp_path):
        files = [write_text(tmp_path / folder / "a.yml", folder) for folder in ("x", "y")]
        found = fingerprints(files)
        assert list(found) == ["a.yml", "y/a.yml"]
        assert found["y/a.yml"] == {"bytes": 1, "sha256": sha256(files[1])}

    def test_a_folder_is_known_by_names_and_contents(self, tmp_path):
        folders = [tmp_path / name for name in "abcd"]
        for folder, name, text in zip(
            folders, ("w", "w", "v", "w"), ("1", "1", "1", "2"), strict=True
        ):
            write_text(folder / name, text)
        first, same, renamed, changed = map(folder_sha256, folders)
        assert first == same
        assert len({first, renamed, changed}) == 3
