"""What mutations.py takes out is still there: it takes half an hour, so nobody runs it with every change."""

import pathlib

import pytest

from prove.mutation_list import MUTATIONS

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_stands_once_in_its_file(mutation):
    assert (ROOT / mutation.file).read_text().count(mutation.text) == 1
