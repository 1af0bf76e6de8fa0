"""Benchmarks that measure the project beside a plain reference in the same run."""
