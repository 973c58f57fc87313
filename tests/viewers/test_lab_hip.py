"""The explored hip in JupyterLab: its slider moves the plane, and what is seen follows."""

MAKE = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
from made_hips import MadeHip, put_in_volume
from hipus.hip_explorer import explore_hip
from hipus.images import Volume
made = put_in_volume(MadeHip(alpha_deg=60.0), np.eye(3))
grey = Volume(np.where(made.labels > 0, 180, 60).astype(np.uint8), made.spacing_zyx_mm)
explored = explore_hip(grey, Volume(made.labels, made.spacing_zyx_mm), side="left",
                       caption="A made hip.")
"""
SEEN = "[...document.querySelectorAll('img')].map(one => one.src).join()"
SAID = "[...document.querySelectorAll('.widget-html b')].map(one => one.textContent).join()"
HANDLE = "document.querySelector('.noUi-handle')"


def test_the_slider_moves_the_plane_and_alpha_follows(lab, tmp_path, pytestconfig):
    cell = MAKE.format(folder=str(pytestconfig.rootpath / "tests" / "morphometry"))
    with lab.open([cell]) as page:
        page.wait_for(f"{SAID}.startsWith('alpha ')")
        page.wait_for("document.body.textContent.includes('Standard plane; alpha')")
        before = page.evaluate(SAID), page.evaluate(SEEN)
        page.evaluate(f"{HANDLE}.focus()")
        for _ in range(6):
            page.press("ArrowRight")
        page.wait_for(f"{SAID} !== {before[0]!r}")
        assert page.evaluate(SEEN) != before[1]
        assert page.screenshot(tmp_path / "hip.png").stat().st_size > 20_000
