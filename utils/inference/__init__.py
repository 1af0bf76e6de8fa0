"""Poses of anybody's pictures: sources of frames, the predictor, and what is written."""
