"""How much each proof does, from which seed, and what it counted.

Without a word every proof runs its quick form. `./dev prove` says the full counts:
SLUICE_PROVE_POWER_LOSSES=1000 and so on; SLUICE_PROVE_SEED repeats the choices of an earlier run
(when exactly the kernel runs whom is not among them).
"""

import os
import random
import secrets

SEED = os.environ.get("SLUICE_PROVE_SEED") or secrets.token_hex(4)
counted = []  # lines for the end of the run, see conftest.py


def amount(name, quick):
    """What SLUICE_PROVE_NAME says, or the quick form's."""
    return type(quick)(os.environ.get(f"SLUICE_PROVE_{name}", quick))


def choices(*what):
    """Random choices of one round of one proof: the same for the same seed."""
    return random.Random("/".join(map(str, (SEED, *what))))


def report(text):
    counted.append(f"{text} (SLUICE_PROVE_SEED={SEED})")
