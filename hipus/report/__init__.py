"""The static report: what ran, on what, with which numbers, and where each comes from.

Decides the pages and their order. Reads tables, figures, provenance and executed notebooks of
one profile; computes nothing. The pages open from disk and ask nothing of a network.
"""
