"""Live viewers: what they are given, and what is said where one cannot be loaded."""

import contextlib
import sys
import threading
import urllib.error
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hipus import images, live_volumes


@pytest.fixture
def volume(rng) -> images.Volume:
    """Return a small volume with different sides and spacings, off the origin."""
    array = rng.integers(0, 255, (4, 5, 7), dtype=np.uint8)
    return images.Volume(array, (0.3, 0.7, 1.1), (-2.0, 3.0, 5.0))


@pytest.fixture
def labels(volume) -> images.Volume:
    """Return labels of two structures on the volume's grid."""
    array = np.zeros(volume.array.shape, np.uint8)
    array[1:3, 1:4, 2:5], array[3, 4, 6] = 2, 4
    return images.Volume(array, volume.spacing_zyx_mm, volume.origin_xyz_mm)


class TestNiivue:
    def test_volume_and_labels_are_loaded_from_files_that_hold_them(self, volume, labels):
        pytest.importorskip("ipyniivue")
        widget = live_volumes.niivue_widget(volume, labels)
        assert [Path(one.path).name for one in widget.volumes] == ["volume.nii.gz", "labels.nii.gz"]
        for one, given in zip(widget.volumes, (volume, labels), strict=True):
            back = images.read(one.path)
            np.testing.assert_array_equal(back.array, given.array)
            np.testing.assert_allclose(back.origin_xyz_mm, given.origin_xyz_mm, atol=1e-5)

    def test_x_runs_to_the_right_and_no_letter_names_a_side(self, volume):
        pytest.importorskip("ipyniivue")
        widget = live_volumes.niivue_widget(volume)
        assert widget.opts.is_radiological_convention
        assert not widget.opts.is_orientation_text_visible
        assert len(widget.volumes) == 1

    def test_labels_have_the_studys_colours_and_nothing_has_none(self, volume, labels):
        pytest.importorskip("ipyniivue")
        widget = live_volumes.niivue_widget(volume, labels)
        colours = np.reshape(list(widget.volumes[1].colormap_label.lut), (-1, 4))
        assert colours[0, 3] == 0
        assert colours[2].tolist() == [0x56, 0xB4, 0xE9, 255]
        assert [one.opacity for one in widget.volumes] == [1.0, live_volumes.LABEL_OPACITY]
        assert live_volumes.label_colours()["I"] == [0, 1, 2, 3, 4, 5]


class TestItkwidgets:
    @pytest.fixture
    def view(self, monkeypatch):
        """Replace itkwidgets by a record of what it is given."""
        monkeypatch.setattr(live_volumes, "check_itkwidgets", lambda: None)
        monkeypatch.setitem(sys.modules, "itkwidgets", SimpleNamespace(view=lambda **given: given))

    def test_it_is_given_images_in_mm(self, view, volume, labels):
        given = live_volumes.itkwidgets_view(volume, labels)
        assert list(given) == ["image", "label_image"]
        image = given["image"]
        np.testing.assert_array_equal(np.asarray(image.data), volume.array)
        assert image.dims == ("z", "y", "x")
        assert image.scale == {"z": 0.3, "y": 0.7, "x": 1.1}
        assert image.translation == {"x": -2.0, "y": 3.0, "z": 5.0}

    def test_without_labels_it_is_given_the_image_alone(self, view, volume):
        assert list(live_volumes.itkwidgets_view(volume)) == ["image"]

    def test_offline_it_says_what_helps_and_is_not_imported(self, monkeypatch, volume):
        monkeypatch.setenv("HIPUS_OFFLINE", "1")
        monkeypatch.setitem(sys.modules, "itkwidgets.viewer", None)
        with pytest.raises(ConnectionError, match='does not answer here.*viewer="niivue" needs no'):
            live_volumes.itkwidgets_view(volume)

    @pytest.mark.parametrize(("reached", "expected"), [(True, True), (False, False)])
    def test_the_server_is_asked_once_and_in_limits(self, monkeypatch, reached, expected):
        monkeypatch.delenv("HIPUS_OFFLINE", raising=False)
        asked = []

        def opened(request, timeout):
            asked.append((request.get_method(), timeout))
            if not reached:
                raise urllib.error.URLError("no route")
            return contextlib.nullcontext()

        monkeypatch.setattr(live_volumes.urllib.request, "urlopen", opened)
        assert live_volumes._answers("https://viewer.example/") is expected
        assert asked == [("HEAD", live_volumes.PATIENCE_S)]

    def test_a_server_that_never_answers_is_not_waited_for(self, monkeypatch):
        monkeypatch.delenv("HIPUS_OFFLINE", raising=False)
        monkeypatch.setattr(live_volumes, "PATIENCE_S", 0.05)
        ended = threading.Event()

        def silent(*_, **__):
            ended.wait(9)
            raise urllib.error.URLError("too late")

        monkeypatch.setattr(live_volumes.urllib.request, "urlopen", silent)
        assert not live_volumes._answers("https://viewer.example/")
        ended.set()

    def test_where_it_is_not_installed_the_command_is_named(self, monkeypatch):
        monkeypatch.setattr(live_volumes.importlib.util, "find_spec", lambda name: None)
        with pytest.raises(ImportError, match="not installed: `make setup`"):
            live_volumes.check_itkwidgets()
