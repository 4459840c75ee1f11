"""Fixtures for the tests of the command line."""

from tests.product_topics import kafka

__all__ = ["kafka"]
