"""Fixtures for the console's tests."""

from tests.product_topics import kafka

__all__ = ["kafka"]
