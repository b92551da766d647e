"""Operations for migrations that do nothing where an interrupted try has done them already."""

from typing import Any

import sqlalchemy as sa
from alembic import op


def create_table(name: str, *columns: sa.Column[Any], **options: Any) -> None:
    """Create a table with its indexes, unless it is there."""
    if not sa.inspect(op.get_bind()).has_table(name):
        op.create_table(name, *columns, **options)


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column to a table, unless it is there."""
    if column.name not in {known["name"] for known in sa.inspect(op.get_bind()).get_columns(table)}:
        op.add_column(table, column)


def create_index(name: str, table: str, columns: list[str]) -> None:
    """Create an index, unless it is there."""
    if name not in {known["name"] for known in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, columns)
