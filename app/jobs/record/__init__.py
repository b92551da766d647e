"""The record of the jobs in the database. Only this package writes SQL."""
