"""Errors of poses against labels: MPJPE, also as the official evaluator has it, and further metrics."""
