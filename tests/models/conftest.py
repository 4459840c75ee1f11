from pathlib import Path

import pytest

from models.mention_model import MentionModel

SHIPPED = Path(__file__).parents[2] / "models" / "mentions"


@pytest.fixture(scope="session")
def model() -> MentionModel:
    return MentionModel.load(SHIPPED)


@pytest.fixture
def shipped() -> Path:
    return SHIPPED
