"""The transcribed audit and its links."""

import pytest

from hipus.published import audit
from hipus.published.audit import ClaimVerdict


class TestVerdict:
    def test_one_contradiction_outweighs_agreement(self):
        found = ["consistent", "inconsistent", "consistent"]
        assert audit.verdict(found) == ClaimVerdict.INCONSISTENT

    def test_agreement_outweighs_an_undecided_check(self):
        assert audit.verdict(["not checkable", "consistent"]) == ClaimVerdict.CONFIRMED

    def test_only_undecided_checks_leave_it_undecided(self):
        assert audit.verdict(["not checkable"]) == ClaimVerdict.NOT_CHECKABLE

    def test_no_check_is_not_audited(self):
        assert audit.verdict([]) == ClaimVerdict.NOT_AUDITED


class TestChecks:
    def test_all_199_are_there_in_order(self):
        ids = audit.checks()["check_id"]
        assert list(ids) == [f"A{number:03d}" for number in range(1, 200)]

    def test_a_repeated_id_is_refused(self, edited):
        edited.replace("audit.csv", "\nA002,", "\nA001,")
        with pytest.raises(ValueError, match=r"check_id must be unique, got \['A001'\]"):
            audit.checks()

    def test_an_unknown_verdict_is_refused(self, edited):
        edited.replace("audit.csv", "0.63075,0.631,consistent", "0.63075,0.631,fine")
        with pytest.raises(ValueError, match=r"verdict must be one of .* got \['fine'\]"):
            audit.checks()

    def test_other_columns_are_refused(self, edited):
        edited.replace("audit.csv", "check_id,source", "check,source")
        with pytest.raises(ValueError, match="audit.csv: columns must be"):
            audit.checks()


class TestLinks:
    def test_a_check_without_link_is_refused(self, edited):
        edited.replace("audit_links.csv", "A107,", "A108,")
        with pytest.raises(ValueError, match=r"audit_links.csv: no row for check_id \['A107'\]"):
            audit.links()

    def test_an_unknown_check_is_refused(self, edited):
        edited.replace("audit_links.csv", "A107,", "A900,")
        with pytest.raises(ValueError, match=r"check_id \['A900'\] is not in audit.csv"):
            audit.links()

    def test_an_unlinked_check_must_say_why(self, edited):
        reason = "a definition worded backwards; definitions are not transcribed"
        edited.replace("audit_links.csv", reason, "")
        with pytest.raises(ValueError, match="A135 needs a table or a reason"):
            audit.links()

    def test_an_unknown_role_is_refused(self, edited):
        edited.replace("audit_links.csv", "model_id=2.1,,tested", "model_id=2.1,,maybe")
        with pytest.raises(ValueError, match=r"role must be one of .* got \['maybe'\]"):
            audit.links()
