"""The training process: the only part of the jobs that knows the networks, in a process of its own."""
