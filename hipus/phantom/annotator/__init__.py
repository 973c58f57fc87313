"""Simulated raters: who draws the labels that networks learn from and are judged by.

Decides how people err: they displace boundaries, miss thin parts, guess in shadow, and follow
what the picture shows. A rater sees the picture, a prior mask where there is one, and its own
noisy idea of the anatomy (`idea`); the exact truth reaches nothing but that idea. All masks
made here are simulated annotations.
"""
