"""Figure of verdicts beside ours: shares that add up, numbers that are told, nothing left out."""

import pandas as pd
import pytest

from hipus.figures import published, style
from hipus.published.verdicts import Verdict


@pytest.fixture
def counts() -> pd.DataFrame:
    """Return two documents: 100 claims with three verdicts, and 4 with one."""
    rows = [
        ("the paper", "differs", 20),
        ("the paper", "same direction", 78),
        ("the paper", "undecided here", 2),
        ("a report of a very long name that must be broken", "quoted, not tested", 4),
    ]
    return pd.DataFrame(rows, columns=["document", "verdict", "claims"])


@pytest.fixture
def axes(counts):
    """Return the axes of the drawn figure."""
    return published.draw_claim_verdicts(counts).axes[0]


def test_shares_of_each_document_add_up_to_all_of_it(axes):
    widths: dict[float, float] = {}
    for bar in axes.patches:
        middle = round(bar.get_y() + bar.get_height() / 2, 6)
        widths[middle] = widths.get(middle, 0) + bar.get_width()
    assert widths == {0.0: pytest.approx(100), 1.0: pytest.approx(100)}


def test_numbers_stand_where_there_is_room_and_totals_beside(axes):
    told = {text.get_text() for text in axes.texts}
    assert told == {"20", "78", "4", "n = 100", "n = 4"}


def test_the_largest_document_is_on_top_and_long_names_are_broken(axes):
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[-1] == "the paper"
    assert "\n" in names[0]


def test_every_verdict_has_a_look_of_its_own():
    assert set(published._LOOKS) == set(Verdict)
    looks = [(colour, hatch) for colour, hatch, _ in published._LOOKS.values()]
    assert len(set(looks)) == len(Verdict)


def test_an_unknown_verdict_is_never_left_out_in_silence(counts):
    counts.loc[0, "verdict"] = "perhaps"
    with pytest.raises(ValueError, match=r"unknown verdict \['perhaps'\]"):
        published.draw_claim_verdicts(counts)


def test_the_figure_is_drawn_at_text_width(counts):
    assert published.draw_claim_verdicts(counts).get_figwidth() == style.TEXT_WIDTH_IN
