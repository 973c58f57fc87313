"""A pipeline runs a notebook with every viewer to its end, and each cell keeps its picture."""

import os
import subprocess
import sys

import nbformat
from nbformat import v4
from test_viewers_in_jupyterlab import SHOWN, SWEEP

MADE = """
import numpy as np
from hipus import images, viewers
grey, masks = np.zeros((2, 12, 30, 40), np.uint8)
grey[:, 3:9, 4:12], masks[:, 21:27, 28:36] = 255, 2
volume, labels = (images.Volume(one, (2.0, 1.0, 1.0)) for one in (grey, masks))
"""
CELLS = [
    SHOWN,
    "viewers.show_volume(volume)",
    'viewers.show_volume(volume, viewer="itkwidgets")',
    'viewers.show_volume(volume, labels, viewer="itkwidgets")',
    'viewers.show_volume(volume, viewer="none")',
    SWEEP,
    "from hipus.hip_explorer import explore_hip\nexplored = explore_hip(volume, caption='Made')",
]
LIMIT_S = 150


def test_every_viewer_leaves_a_picture_and_holds_nothing_back(tmp_path):
    cells = [v4.new_code_cell(text) for text in (MADE, *CELLS)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    source, target = tmp_path / "made.ipynb", tmp_path / "executed.ipynb"
    nbformat.write(v4.new_notebook(cells=cells, metadata=kernel), source)
    subprocess.run(
        [sys.executable, "-m", "papermill", source, target, "--no-progress-bar"],
        env=os.environ | {"HIPUS_STATIC_VIEWS": "1"},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=LIMIT_S,
    )
    executed = nbformat.read(target, as_version=4).cells
    shown = [[kind for out in cell.outputs for kind in out.get("data", ())] for cell in executed]
    assert shown[0] == []
    for text, kinds in zip(CELLS, shown[1:], strict=True):
        assert kinds.count("image/png") == 1, text
        assert "application/vnd.jupyter.widget-view+json" not in kinds, text
