"""A parametric neonatal hip: named clinical parameters to signed distances, with its truth.

Decides what fills space around one hip (`parameters`, `shape`, `surfaces`, `hip`), what its
angles and coverage are (`truth`, constructed from the final surfaces) and what a mask of it is
(`masks`). Deliberately knows nothing of probes, images or shadows.
"""
