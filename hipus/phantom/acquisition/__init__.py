"""How a digital hip is swept: protocol, hands, tracker, inertial sensor, a restless infant.

Decides where the probe is at every moment (truth, `_vs_hip`) and what the devices say about it
(`_vs_tracker`, stamped late, noisy, with gaps). Deliberately knows no anatomy and renders no
image: one scalar, the depth of the femoral head, is all that it takes from the hip.
"""
