"""What the shell runs: the commands of ``nobody``."""
