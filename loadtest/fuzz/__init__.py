"""Nonsense for the hub, reproducible by its seed: `noise` spoils, `frames` says the right things at the wrong time, `wire` is a
WebSocket by hand, `sessions` are whole connections, `decoder` and `siege` are the two places where it is aimed at.
"""
