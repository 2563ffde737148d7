from pathlib import Path

import pytest

HEARTS = Path(__file__).resolve().parents[2] / "shared" / "hearts"


@pytest.fixture(scope="session")
def real_hearts() -> Path:
    if not HEARTS.is_dir():
        pytest.skip("the two real hearts are not beside this checkout (../shared/hearts)")
    return HEARTS
