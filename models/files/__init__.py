"""Weights files: reading, writing, layouts, pixel ranges."""
