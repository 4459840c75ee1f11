from pathlib import Path

import pytest

from models.sentiment_model import SentimentModel

SHIPPED = Path(__file__).parents[2] / "models" / "sentiment"


@pytest.fixture(scope="session")
def model() -> SentimentModel:
    return SentimentModel.load(SHIPPED)


@pytest.fixture
def shipped() -> Path:
    return SHIPPED
