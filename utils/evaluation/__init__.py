"""Errors of poses against labels: MPJPE, the official evaluator's, and further metrics."""
