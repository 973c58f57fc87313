"""Measuring the hip: Graf's angles, coverage and what carries them, from label masks alone.

Decides definitions and refusals. Deliberately knows nothing of how a mask was made and never
imports `phantom`: the same functions measure truth, raters and networks.
"""
