"""What the proofs share. Their counts stand at the end of the run, also of one that passes."""

import pytest

from client.conftest import running  # noqa: F401
from product.conftest import between, opened  # noqa: F401
from prove import plan


def pytest_terminal_summary(terminalreporter):
    for line in plan.counted:
        terminalreporter.write_line(f"proof: {line}")
    plan.counted.clear()


@pytest.fixture(autouse=True)
def seed_of_a_failure():
    """pytest shows it with a failure."""
    print(f"to choose the same again: SLUICE_PROVE_SEED={plan.SEED}")
