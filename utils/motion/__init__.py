"""Poses as motion: joint rotations of a skeleton with constant bones, and its place in the room."""
