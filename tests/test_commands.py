"""The commands that README and docs show: every one runs, is walked elsewhere, or says why not.

The README's commands stand for a study that was reproduced. They are run as a person types them,
by the smoke profile's results in the place of the small one's: `make test` calls this file again
when that profile has run (`-m after_smoke`).
"""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from hipus import paths
from hipus.formats import real_data

ROOT = paths.root()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Pages whose own commands another test walks.
WALKED = {
    "hospital.md": ROOT / "tests" / "cli" / "test_cli_hospital.py",
    "measuring.md": ROOT / "tests" / "cli" / "test_cli_measuring_page.py",
}
_PROGRAMS = r"(?:\.venv/bin/)?(?:hipus|dvc|make|python|papermill|jupyter)"
_BLOCK = re.compile(rf"^    ({_PROGRAMS} .*?)(?:  +#.*)?$", re.MULTILINE)
_INLINE = re.compile(rf"`({_PROGRAMS} [^`]+)`")
#: What is not run here, and why; a start of the command.
NOT_RUN = {
    "make ": "what CI runs, or hours of it; that the target exists is tested",
    "dvc remote add": "needs a remote of one's own",
    "dvc add data": "changes the study's own inputs",
    "dvc push": "needs a remote of one's own",
    "dvc pull": "needs a remote of one's own",
    "jupyter lab": "stays open; tested in a browser by the tests of viewers",
    "python -m hipus.notebooks": "part of `make lint`",
    "papermill notebooks/": "what a notebook's stage does",
    "python -m hipus.published.paper_map": "a test compares the page with the claims",
    "python benchmarks/": "minutes, and a quiet machine; `make benchmark`",
}
#: Models of smoke have hardly been trained: what rests on their labels may refuse, in a line.
MAY_REFUSE = ("run", "measure", "fuse")
#: Exit status 1 says that a sweep has a problem; simulated cohorts hold such sweeps.
MAY_FIND = ("check",)
PLUS = "plus/WaterTankBottomTranslationVideoBuffer.igs.mha"


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it."""

    page: str
    line: str

    @property
    def words(self) -> list[str]:
        """Return its words, the program without its folder."""
        words = shlex.split(self.line)
        return [words[0].removeprefix(".venv/bin/"), *words[1:]]


def shown() -> list[Shown]:
    """Return every command of every page."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [*_BLOCK.findall(text), *_INLINE.findall(text)]
        found += [Shown(page.name, line.strip()) for line in lines]
    return found


def blocks(page: str) -> list[str]:
    """Return the `hipus` commands in a page's blocks."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [line.strip() for line in _BLOCK.findall(text) if line.startswith("hipus ")]


README = blocks("README.md")


def test_the_readme_shows_every_command_of_hipus():
    from typer.main import get_command

    from hipus.cli.app import app

    known = set(get_command(app).commands) - {"import"}  # docs/hospital.md walks through it
    assert known - {line.split()[1] for line in README} == set()


@pytest.mark.parametrize("page", WALKED)
def test_the_walks_of_other_pages_exist(page):
    assert f'"{page}"' in WALKED[page].read_text()


def is_form(command: Shown) -> bool:
    """Return whether a command only says which options there are (`SWEEP`, `[NAME]`, `...`)."""
    return any(re.fullmatch(r"[\[(]?[A-Z][A-Z|_]+.*|.*\.\.\.|\[.*", w) for w in command.words[1:])


def accounted(command: Shown) -> bool:
    """Return whether a command is run, walked through, excused with a reason, or checked here."""
    words = " ".join(command.words)
    if command.page in WALKED and words.startswith("hipus "):
        return True
    if words.startswith("hipus "):
        is_run = any(line.startswith(words) for line in README)
        return is_run or is_form(command) or len(command.words) <= 3
    return words.startswith("dvc repro") or any(words.startswith(start) for start in NOT_RUN)


def test_every_shown_command_is_accounted_for():
    assert len(shown()) > 30
    assert [command for command in shown() if not accounted(command)] == []


def hipus_names() -> list[list[str]]:
    """Return the command and its group, of each `hipus` command that a page only names."""
    named = [c.words[1:] for c in shown() if c.words[0] == "hipus" and c.line not in README]
    return sorted({tuple(w for w in words[:2] if re.fullmatch(r"[a-z]+", w)) for words in named})


@pytest.mark.parametrize("words", hipus_names(), ids=" ".join)
def test_every_named_command_exists(words):
    from typer.main import get_command

    from hipus.cli.app import app

    group = get_command(app)
    for word in words:
        if not hasattr(group, "commands"):
            break  # an argument
        assert word in group.commands
        group = group.commands[word]


@pytest.mark.parametrize("pipeline", ["dvc.yaml", "arms/dvc.yaml"])
def test_every_named_stage_exists(pipeline):
    named = {w for c in shown() if c.words[:2] == ["dvc", "repro"] for w in c.words if "@" in w}
    here = {name.rpartition(":")[2] for name in named if ("arms/" in name) == ("arms/" in pipeline)}
    stages = set(re.findall(r"^  (\w+):$", (ROOT / pipeline).read_text(), re.MULTILINE))
    assert here
    assert {name.split("@")[0] for name in here} - stages - {"*"} == set()


def as_smoke(line: str, folder: Path) -> list[str]:
    """Return a README's command for the smoke profile, its outputs in a folder of its own."""
    words = shlex.split(line)
    models = ROOT / "results" / "smoke" / "models"
    replaced = {"3.2": models / "segmentation" / "3.2", "sweep_context": models / "motion"}
    replaced["sweep_context"] = replaced["sweep_context"] / "sweep_context"
    if words[1] in ("run", "fuse"):
        words += ["--model", "3.2"]
        words += ["--motion-model", "sweep_context"]
    if words[1] == "evaluate":
        words += ["--profile", "smoke"]
    for place, word in enumerate(words):
        word = word.replace("results/small/", "results/smoke/")
        words[place] = "smoke" if word == "small" else re.sub(r"^work/", f"{folder}/", word)
        if word in replaced and words[place - 1].endswith("model"):
            words[place] = str(replaced[word])
    return words


def call(words: list[str]) -> subprocess.CompletedProcess:
    """Run a command as a person does, in the repository."""
    program = str(Path(sys.executable).with_name(words[0]))
    return subprocess.run(
        [program, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False, timeout=240
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return the folder in which the commands leave what they write, one after another."""
    if not (ROOT / "results" / "smoke" / "cohort" / "sweeps.csv").is_file():
        if os.environ.get("HIPUS_REQUIRE_SMOKE", "") not in ("", "0"):
            pytest.fail("the smoke profile has no cohort, though it is said to have run")
        pytest.skip("the smoke profile has not run here: `make smoke`")
    return tmp_path_factory.mktemp("commands")


@pytest.mark.after_smoke
@pytest.mark.timeout(300)
@pytest.mark.parametrize("line", README)
def test_a_command_of_the_readme_runs(line, folder):
    if "$PLUS" in line:
        video = real_data.local_path(PLUS)
        if video is None:
            pytest.skip("real open data are absent: `hipus fetch plus`, or set HIPUS_MIRROR")
        line = line.replace("$PLUS", str(video.parent))
    words = as_smoke(line, folder)
    if words[1] == "fetch" and real_data.local_path(PLUS) is None:
        pytest.skip("real open data are absent, and tests use no network")
    done = call(words)
    if done.returncode == 1 and words[1] in MAY_REFUSE:
        said = [text for text in done.stderr.splitlines() if text.startswith("hipus: error: ")]
        assert said or '"refused' in done.stdout or "refused" in done.stdout, done
        return
    assert done.returncode in ((0, 1) if words[1] in MAY_FIND else (0,)), done
    assert isinstance(json.loads(done.stdout), dict)
    named = [words[k + 1] for k, word in enumerate(words[:-1]) if word in ("-o", "--figure")]
    assert [name for name in named if not Path(name).exists()] == []
