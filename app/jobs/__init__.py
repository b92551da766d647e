"""Training jobs: their specification, their record, the queue, the worker and its training processes.

Only :mod:`app.jobs.trainer`, which runs in a process of its own, knows the networks.
"""
