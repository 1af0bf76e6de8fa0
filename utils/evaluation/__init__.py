"""Errors of poses against labels: the official protocol, and what lies beyond it."""
