"""Fitting what a headset file holds: where a camera is on the head, and lenses."""
