"""Plots of a job with matplotlib, as a program of its own; :mod:`app.jobs.service.pictures` runs it.

Importing matplotlib takes about 0.3 s and 40 MiB, so the web process does not.
"""
