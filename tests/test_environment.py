"""environment.yml, requirements.lock and the installed packages say the same."""

import re
from importlib import metadata

import pytest
import yaml

from hipus import paths


def locked() -> dict[str, str]:
    """Return package -> version of requirements.lock."""
    lines = (paths.root() / "requirements.lock").read_text().splitlines()
    pins = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return dict(pin.split("==") for pin in pins)


@pytest.fixture(scope="module")
def conda() -> dict:
    """Return the parsed environment.yml."""
    return yaml.safe_load((paths.root() / "environment.yml").read_text())


class TestLock:
    def test_every_line_is_an_exact_pin(self):
        lines = (paths.root() / "requirements.lock").read_text().splitlines()
        pins = [line for line in lines if line.strip() and not line.startswith("#")]
        assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin) for pin in pins)
        assert len(pins) > 100

    def test_no_package_is_pinned_twice(self):
        lines = (paths.root() / "requirements.lock").read_text().splitlines()
        names = [line.split("==")[0].lower() for line in lines if "==" in line and line[0] != "#"]
        assert len(names) == len(set(names))

    def test_no_cuda_package_is_pinned(self):
        assert not [name for name in locked() if name.startswith(("nvidia", "triton", "cuda"))]

    @pytest.mark.parametrize(
        "name",
        ["jupyterlab", "papermill", "torch", "nnunetv2", "SimpleITK", "numpy", "pandas"]
        + ["seaborn", "scipy", "itkwidgets", "dvc"],
    )
    def test_the_study_s_packages_are_pinned(self, name):
        assert name.lower() in {key.lower() for key in locked()}

    def test_installed_versions_are_the_locked_ones(self):
        wrong = {
            name: (version, metadata.version(name))
            for name, version in locked().items()
            if metadata.version(name).partition("+")[0] != version
        }
        assert not wrong


class TestCondaFile:
    def test_pip_list_equals_the_lock(self, conda):
        pip = next(item["pip"] for item in conda["dependencies"] if isinstance(item, dict))
        assert dict(pin.split("==") for pin in pip) == locked()

    def test_torch_comes_first(self, conda):
        pip = next(item["pip"] for item in conda["dependencies"] if isinstance(item, dict))
        assert pip[0].startswith("torch==")

    def test_python_is_the_one_the_package_asks_for(self, conda):
        assert "python=3.11" in conda["dependencies"]
