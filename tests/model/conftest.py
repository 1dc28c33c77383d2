import pytest

from model.engine import Engine
from tests.tiny import build_engine


@pytest.fixture(scope="session")
def tiny_engine() -> Engine:
    return build_engine()
