"""Thin routes: validate, call one service, return."""
