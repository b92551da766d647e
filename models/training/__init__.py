"""The compiled training loop, its random numbers, and its two entries: ``train`` and ``fit``."""
