"""Fixtures for the console's tests."""

from tests.console.databases import empty_database, engine, postgresql, postgresql_engine
from tests.product_topics import kafka

__all__ = ["empty_database", "engine", "kafka", "postgresql", "postgresql_engine"]
