"""Bounds on what was measured."""
