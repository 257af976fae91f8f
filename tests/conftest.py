"""What every Python test may ask for."""
import pytest

from programs import program


@pytest.fixture(scope="session")
def trainer():
    return program("ocellus-trainer")
