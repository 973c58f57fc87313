"""What the repository holds: no real data, nothing large, no trace of one machine.

Asks git for the tracked files; skipped where the folder is no checkout.
"""

import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from hipus import paths
from hipus.files import sha256

LARGEST_BYTES = 5_000_000
#: Folders of one machine. Spelled in pieces, so that this file passes its own test.
MACHINE_PATH = re.compile(
    r"(?<![\w.}>~-])/"
    r"(?:home/\w|root/\w|Users/\w|work/\w|tmp/\w|mnt/\w|private/var)"
    r"|\b[A-Z]:\\Users"
)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Return all tracked files that are there."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z"], cwd=paths.root(), capture_output=True, check=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("no git checkout: which files are tracked is not known")
    files = [paths.root() / name for name in done.stdout.decode().split("\0") if name]
    return [file for file in files if file.is_file()]


def text_of(file: Path) -> str | None:
    """Return a text file's content, None for a binary file."""
    content = file.read_bytes()
    if b"\0" in content[:8192] or file.suffix in {".pdf", ".png", ".npz"}:
        return None
    return content.decode("utf-8", errors="replace")


def named(files) -> list[str]:
    """Return paths for a message."""
    return sorted(str(file.relative_to(paths.root())) for file in files)


def test_git_tracks_the_package_and_its_tests(tracked):
    assert {"hipus/__init__.py", "params.yaml", "data.dvc"} <= set(named(tracked))


def test_no_tracked_file_is_a_copy_of_the_real_data(tracked):
    manifest = pd.read_csv(paths.data_dir() / "real" / "manifest.csv")
    assert len(manifest) > 50
    sizes, real = set(manifest["bytes"]), set(manifest["sha256"])
    copies = [file for file in tracked if file.stat().st_size in sizes and sha256(file) in real]
    assert named(copies) == []


def test_no_tracked_file_is_large(tracked):
    large = [file for file in tracked if file.stat().st_size > LARGEST_BYTES]
    assert named(large) == []


def test_nothing_names_a_folder_of_one_machine(tracked):
    found = {}
    for file in tracked:
        text = text_of(file)
        match = MACHINE_PATH.search(text) if text else None
        if match:
            found[named([file])[0]] = text[max(0, match.start() - 40) : match.end() + 20]
    assert found == {}


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("open('/" + "home/ann/a.mha')", True),
        ("/" + "root/x", True),
        ("see /" + "Users/ann", True),
        ("C:" + "\\Users\\ann", True),
        ('"/' + 'work/main"', True),
        ("results/work/a", False),
        ("https://example.org/" + "home/ann", False),
        ("$(HOME)/" + "work/x", True),
        ("work/<profile>/a", False),
    ],
)
def test_the_rule_itself_on_hand_worked_texts(text, is_found):
    assert bool(MACHINE_PATH.search(text)) is is_found


def test_no_notebook_holds_outputs(tracked):
    notebooks = [file for file in tracked if file.suffix == ".ipynb"]
    assert notebooks
    assert named(file for file in notebooks if '"output_type"' in file.read_text()) == []


def test_no_tracked_name_differs_from_another_in_case_only(tracked):
    names = [name.lower() for name in named(tracked)]
    assert len(names) == len(set(names))
