"""A simulated cohort with known truth, in the layout that a hospital's own cohort would have.

Decides who is in it (`settings`, `infants`, `plan`), which of them train, validate and test
(`assignment`), what is asked of their hips (`hips`), and how one subject's sweeps and truth
reach the disk (`simulate`, `outputs`). Ids are S001...: the printed ids of real infants occur
nowhere. Everything here is simulated.
"""
