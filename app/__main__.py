"""``python -m app``: the ``nobody`` command."""

from app.cli import main

main()
