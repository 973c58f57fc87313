"""Figures: `draw_*(table, figure inputs) -> Figure`, and how they are saved.

Decides how results look. Reads saved tables and figure inputs only; nothing here computes a
result, and no numeric constant touches data.
"""
