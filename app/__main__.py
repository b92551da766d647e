"""``python -m app``: the ``nobody`` command."""

from app.cli.main import main

main()
