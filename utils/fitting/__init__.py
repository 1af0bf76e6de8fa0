"""Fitting where a camera is on the head."""
