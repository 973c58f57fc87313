"""Freehand 3D ultrasound of the neonatal hip: an open, runnable study."""

__version__ = "0.1.0"
