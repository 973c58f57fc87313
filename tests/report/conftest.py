"""A study folder that holds what the report reads."""

import made_results
import pytest


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Return a study folder with all results of a small profile."""
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    made_results.write_all()
    return tmp_path
