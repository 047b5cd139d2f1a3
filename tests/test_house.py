"""The arrows between the rooms (docs/design.md)."""

import house


def test_no_room_uses_a_room_that_it_may_not():
    assert house.violations() == []


def test_every_room_has_a_row():
    rooms = {p.name for p in (house.ROOT / "src").iterdir() if p.is_dir()}
    assert rooms | {"cli"} == set(house.ALLOWED)
