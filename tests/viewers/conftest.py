"""JupyterLab in a real browser, for tests of what a person sees in a notebook.

Needs Chromium (`HIPUS_CHROMIUM`, or on the PATH). Without one the tests are skipped;
`HIPUS_REQUIRE_BROWSER=1` makes that a failure. See `lab_browser` for how to use `lab`.
"""

import os
from collections.abc import Iterator

import pytest
from devtools_page import find_chromium
from lab_browser import Lab, running_lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Lab]:
    """Return JupyterLab in a browser, or skip."""
    chromium = find_chromium()
    if chromium is None:
        if os.environ.get("HIPUS_REQUIRE_BROWSER"):
            pytest.fail("HIPUS_REQUIRE_BROWSER is set, but there is no Chromium")
        pytest.skip("no Chromium: set HIPUS_CHROMIUM or put one on the PATH")
    with running_lab(chromium, tmp_path_factory.mktemp("lab")) as found:
        yield found
