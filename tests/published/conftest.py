"""A study folder whose transcribed tables a test may spoil."""

import shutil
from pathlib import Path

import pytest

from hipus import paths


class EditedTables:
    """A copy of `data/published` that stands in for the real one, `../claims` beside it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace the first occurrence of a text that must be there."""
        text = (self.folder / file).read_text(encoding="utf-8")
        assert old in text, f"{file} holds no {old!r}"
        (self.folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    def remove(self, file: str) -> None:
        """Delete a file."""
        (self.folder / file).unlink()


@pytest.fixture
def edited(tmp_path, monkeypatch) -> EditedTables:
    """Return editable tables and make hipus read them."""
    folder = tmp_path / "data" / "published"
    shutil.copytree(paths.data_dir() / "published", folder)
    shutil.copytree(paths.data_dir() / "claims", folder.parent / "claims")
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    return EditedTables(folder)
