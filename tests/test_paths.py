"""Where things are, and the environment variables that move them."""

from pathlib import Path

import pytest

from hipus import paths


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """Run every test without the machine's own settings."""
    for name in ("HIPUS_ROOT", "HIPUS_MIRROR", "HIPUS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


class TestRoot:
    def test_is_the_checkout_whatever_the_working_directory(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        assert (paths.root() / "hipus" / "paths.py").is_file()
        assert paths.root().is_absolute()

    def test_follows_the_environment(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        assert paths.root() == tmp_path.resolve()
        assert paths.params_file() == tmp_path.resolve() / "params.yaml"

    def test_is_absolute_even_if_the_environment_is_relative(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HIPUS_ROOT", "study")
        assert paths.root() == tmp_path.resolve() / "study"


class TestPlaces:
    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            (lambda: paths.data_dir(), "data"),
            (lambda: paths.results_dir("smoke"), "results/smoke"),
            (lambda: paths.table_file("smoke", "t"), "results/smoke/tables/t.csv"),
            (lambda: paths.figure_input_file("smoke", "f"), "results/smoke/figure_inputs/f.npz"),
            (lambda: paths.metrics_file("smoke", "m"), "results/smoke/metrics/m.json"),
            (lambda: paths.provenance_file("smoke", "p"), "results/smoke/provenance/p.json"),
            (lambda: paths.figures_dir("small"), "figures/small"),
            (lambda: paths.work_dir("small"), "work/small"),
        ],
    )
    def test_lie_in_the_study_folder_and_are_not_created(
        self, monkeypatch, tmp_path, found, expected
    ):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        assert found() == tmp_path.resolve() / expected
        assert list(tmp_path.iterdir()) == []


class TestRealData:
    def test_no_mirror_is_none(self):
        assert paths.mirror_dir() is None

    def test_mirror_is_the_named_folder(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HIPUS_MIRROR", str(tmp_path))
        assert paths.mirror_dir() == tmp_path

    def test_mistyped_mirror_is_an_error_not_an_absence(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HIPUS_MIRROR", str(tmp_path / "nowhere"))
        with pytest.raises(NotADirectoryError, match="HIPUS_MIRROR must name a folder, got .*nowh"):
            paths.mirror_dir()

    def test_downloads_go_to_the_configured_cache_first(self, monkeypatch, tmp_path):
        assert paths.download_dir() == Path.home() / ".cache" / "hipus"
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert paths.download_dir() == tmp_path / "xdg" / "hipus"
        monkeypatch.setenv("HIPUS_CACHE", str(tmp_path / "own"))
        assert paths.download_dir() == tmp_path / "own"
