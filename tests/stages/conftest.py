"""A study folder of its own: the real settings and inputs, and nowhere to get real data."""

import pytest
from study_folders import make_study_folder, without_real_data

from hipus import config


@pytest.fixture
def study(tmp_path, monkeypatch) -> config.Study:
    """Return the smoke profile in a study folder of its own."""
    without_real_data(monkeypatch, make_study_folder(tmp_path))
    return config.load("smoke")
