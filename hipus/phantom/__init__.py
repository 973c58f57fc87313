"""The digital hip: a simulated world with known truth.

Everything made here is simulated and is called so wherever it is shown. Decides what the
world is (anatomy), what a probe sees of it (ultrasound), how it is swept (acquisition), how
raters label it (annotator) and who is in the cohort. Never imports `morphometry`, which
measures hips: truth is constructed here, from the surfaces themselves.
"""
