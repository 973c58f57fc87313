"""The printed numbers of the five documents, and the verdict on each."""

from hipus.published.audit import CheckVerdict, ClaimVerdict
from hipus.published.claim_table import claims
from hipus.published.tables import as_printed, load

__all__ = ["CheckVerdict", "ClaimVerdict", "as_printed", "claims", "load"]
