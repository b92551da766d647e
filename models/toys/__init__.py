"""Toy data sets, known-good settings for them, metrics and a report."""
