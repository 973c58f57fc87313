"""Study folders with the real settings and inputs, and nowhere to get real data."""

import shutil
from pathlib import Path

import pytest

from hipus import paths

#: The checkout, before any test names another study folder.
CHECKOUT = paths.root()


def make_study_folder(folder: Path) -> Path:
    """Return a folder with the checkout's settings, lock and inputs."""
    for name in ("params.yaml", "requirements.lock"):
        shutil.copy(CHECKOUT / name, folder)
    (folder / "data").symlink_to(CHECKOUT / "data", target_is_directory=True)
    return folder


def without_real_data(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Point the study to a folder, and leave neither mirror nor downloads nor network."""
    patch.setenv("HIPUS_ROOT", str(folder))
    patch.setenv("HIPUS_CACHE", str(folder / "cache"))
    patch.setenv("HIPUS_OFFLINE", "1")
    patch.delenv("HIPUS_MIRROR", raising=False)
