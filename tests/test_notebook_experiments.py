"""Every notebook ends in three things to try, which run in the time that they state.

Cells tagged `skip-execution` are left out by papermill, so that nothing else runs them. Here
they run on the results that are kept in git, after the first two code cells of their notebook,
as a reader is told to run them. Time is the processor's: a busy machine fails nothing.
"""

import json
import re
import signal
import time
from contextlib import contextmanager

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from hipus import notebooks, paths

TAG = "skip-execution"
LIMIT_S = 60
PROFILE = "small"
#: Notebooks of published figures and numbers are read, not explored.
ALL = [path for path in notebooks.all_notebooks() if not path.stem.startswith("9")]
HEADING = re.compile(r"^### (\d)\. (.+?) \(about (\d+) s(?:; needs `([^`]+)`)?\)$", re.MULTILINE)


def cells(path) -> list[dict]:
    """Return the cells of a notebook, each with its text."""
    read = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell | {"text": "".join(cell["source"])} for cell in read]


def is_experiment(cell: dict) -> bool:
    """Return whether a cell is left to the reader."""
    return TAG in cell["metadata"].get("tags", [])


def experiments(path) -> list[tuple[re.Match, str]]:
    """Return heading and code of what a notebook proposes to try."""
    pairs = zip(cells(path), cells(path)[1:], strict=False)
    return [
        (HEADING.search(told["text"]), own["text"]) for told, own in pairs if is_experiment(own)
    ]


def preamble(path) -> list[str]:
    """Return the first two code cells, for the profile that is kept in git."""
    parameters, imports = [cell["text"] for cell in cells(path) if cell["cell_type"] == "code"][:2]
    return [parameters.replace('profile = "smoke"', f'profile = "{PROFILE}"'), imports]


@contextmanager
def processor_limit(seconds: int):
    """Stop what takes longer than so much of the processor's time."""

    def stop(signal_number, frame):
        raise TimeoutError(f"took more than {seconds} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.fixture
def shell(monkeypatch):
    """Return a shell that shows what cells show, with live views off."""
    monkeypatch.setenv("HIPUS_STATIC_VIEWS", "1")
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def run_cell(shell, source: str):
    """Run a cell under the limit; return its result, all it showed, and its seconds."""
    begun = time.process_time()
    with processor_limit(LIMIT_S), capture_output() as seen:
        result = shell.run_cell(source)
    return result, seen, time.process_time() - begun


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
class TestThreeThingsToTry:
    def test_there_are_three_at_the_end_each_with_its_run_time(self, path):
        found = experiments(path)
        assert [heading and heading.group(1) for heading, _ in found] == ["1", "2", "3"]
        assert all(int(heading.group(3)) <= LIMIT_S for heading, _ in found)
        last = cells(path)[-6:]
        assert last[0]["text"].startswith("## Three things to try\n")
        assert [is_experiment(cell) for cell in last] == [False, True] * 3

    def test_each_says_what_to_expect(self, path):
        for cell in cells(path)[-6::2]:
            assert "xpect" in cell["text"].split("### ")[1]

    def test_each_runs_in_the_time_that_it_states_and_shows_something_simulated_or_real(
        self, path, shell
    ):
        for source in preamble(path):
            result, _, _ = run_cell(shell, source)
            result.raise_error()
        lacking = []
        for heading, source in experiments(path):
            result, seen, seconds = run_cell(shell, source)
            if heading.group(4) and isinstance(result.error_in_exec, FileNotFoundError):
                lacking.append(f"{heading.group(2)}: run `{heading.group(4)}` first")
                continue
            result.raise_error()
            # Three times, and some seconds of first imports: machines differ.
            assert seconds < 3 * int(heading.group(3)) + 10, heading.group(2)
            assert seen.stdout.strip() or seen.outputs, heading.group(2)
        if lacking:
            pytest.skip("SKIPPED, absent on a fresh clone: " + "; ".join(lacking))


class TestTheTag:
    def test_papermill_leaves_tagged_cells_alone(self):
        from nbclient import NotebookClient

        assert NotebookClient.skip_cells_with_tag.default_value == TAG

    def test_results_of_the_profile_are_kept_in_git(self):
        assert PROFILE in paths.results_dir(PROFILE).parts
        assert "!/results/small/tables/" in (paths.root() / ".gitignore").read_text()

    def test_what_never_ends_is_stopped(self):
        def never_end():
            while True:
                pass

        message = "more than 1 s of processor time"
        with pytest.raises(TimeoutError, match=message), processor_limit(1):
            never_end()
