"""What one stage of dvc.yaml does: `python -m hipus.stages.<stage> <profile>`.

A stage loads its profile and inputs, calls the package, and writes tables, figure inputs,
metrics and provenance. `python -m hipus.stages <profile>` runs all stages of a profile.
"""
