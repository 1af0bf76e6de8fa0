"""Errors of poses against labels: the official protocol, and further metrics."""
