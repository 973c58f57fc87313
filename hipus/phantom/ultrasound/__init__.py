"""Ultrasound of a scene: B-mode frames of any plane, and what was truly insonified in them.

Decides how a linear probe sees tissue: speckle, attenuation, reflection, shadow, clutter and
the picture a scanner makes of them. Reads a `hipus.phantom.scene.Scene` and knows nothing of
how a hip is shaped, nor how a probe is moved. All pictures made here are simulated.
"""
