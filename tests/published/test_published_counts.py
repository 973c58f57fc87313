"""Recomputed numbers of the paper and its companions, worked out by hand."""

import subprocess
import sys

import pytest

from hipus.published.recompute import recomputed_checks

BY_HAND = {
    "A041": ("12.6000", "consistent"),  # (8.92 + 16.28) / 2
    "A042": ("8.0400", "consistent"),  # (2.70 + 13.38) / 2
    # 5.3 / 7.5
    "A046": ("duration ratio proximal-distal / posterior-anterior 0.71", "inconsistent"),
    "A047": ("582", "consistent"),  # 97 * 6
    "A048": ("194", "consistent"),  # 97 * 2
    "A050": ("UMG 582, plus UKSH 366 = 948", "inconsistent"),  # 61 * 6; none is 150
    "A053": ("3.77 training, 4.00 validation", "consistent"),  # 177 / 47, 12 / 3
    "A054": ("50", "consistent"),  # 47 + 3
    "A055": ("611", "consistent"),  # 432 + 108 + 71
    "A056": ("0.800 : 0.200", "consistent"),  # 432 / 540
    "A057": ("57.28", "consistent"),  # 611 * 3 / 32
    "A060": ("48", "consistent"),  # 32 + 8 + 8
    # (4 * 0.76 - 0.70 - 0.86) / 2
    "A065": ("mean of the other two structures must be 0.740", "consistent"),
    "A068": ("16; 34", "consistent"),
    "A069": ("1.6000", "consistent"),
    "A074": ("23.25", "consistent"),  # 23:15
    "A075": ("29.67", "consistent"),  # 29:40
    "A080": ("363.5; 400.0", "consistent"),  # 727 / 2, 800 / 2
    "A086": ("409600", "consistent"),  # 320 * 320 * 4
    "A102": ("126", "inconsistent"),  # 14 * 9, printed 119
    "A110": ("0.92872", "consistent"),  # (.9819 + .9503 + .8505 + .8850 + .9759) / 5
    "A118": ("166 joints, 16 excluded", "consistent"),  # 2 * 83 - 150
    "A142": ("0.8570", "inconsistent"),  # (.882 + .898 + .791) / 3, printed .877
    "A143": ("4.1733", "consistent"),  # (2.61 + 4.98 + 4.93) / 3
    "A152": ("230", "consistent"),  # 147 + 27 + 56
    "A163": ("-1.44; -6.47; 6.50; 14.82", "consistent"),  # 4.6 / 70.8 and so on
    "A168": ("3.0; 1.5; 1.0", "inconsistent"),
    "A185": ("85.5", "inconsistent"),  # 50.4 + 35.1, printed 75.5
    "A186": ("82.1", "consistent"),  # 42.2 + 39.9
}


@pytest.fixture(scope="module")
def recomputed():
    return recomputed_checks().set_index("check_id")


@pytest.mark.parametrize("check_id", BY_HAND)
def test_recomputed_equals_the_number_worked_out_by_hand(recomputed, check_id):
    row = recomputed.loc[check_id]
    assert (row["computed"], row["verdict"]) == BY_HAND[check_id]


@pytest.mark.parametrize(
    ("check_id", "words"),
    [
        ("A034", "2.1 +0.014; 2.2 +0.044; 2.3 +0.084"),
        ("A035", "2.2: lowest is femoral_head"),
        ("A038", "lower bound 0.59; upper bound 0.99"),
        ("A127", "0.9608 (rounding range 0.9512 to 0.9704)"),
        ("A139", "0.9048"),
    ],
)
def test_recomputed_text_shows_what_decides(recomputed, check_id, words):
    assert words in recomputed.loc[check_id, "computed"]


def test_claims_and_plans_are_read_without_importing_torch():
    code = (
        "import sys, hipus.published.networks, hipus.published.recompute\n"
        "import hipus.motion.networks, hipus.segmentation.networks\n"
        "hipus.segmentation.networks.published_plan('2.1')\n"
        "hipus.published.claims()\n"
        "assert not {'torch', 'monai', 'nnunetv2'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
