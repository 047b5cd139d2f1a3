"""The benchmark must notice a wrong copy, and its figures must be what they say.

/usr/bin/python3 -m pytest bench/transfer
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "rig")]

import processes
import table
from measure import Cost, Failed, run_client
from place import Place
from rounds import Subject, Task, measure_task
from subjects import TASKS

SIZE_BYTES = (1 << 20) + 1
FILES = 101


@pytest.fixture
def place(tmp_path):
    with Place(str(tmp_path), tmp_path, SIZE_BYTES, FILES) as made:
        made.make_content()
        made.make_ready(made.site)
        yield made


def test_an_equal_file_has_no_difference(place):
    shutil.copy(place.file, place.here)
    assert place.difference_of_file(place.here / "file.bin", whole=True) is None


def test_a_missing_file_is_noticed(place):
    assert "missing" in place.difference_of_file(place.here / "file.bin", whole=False)


def test_a_short_file_is_noticed(place):
    shutil.copy(place.file, place.here)
    os.truncate(place.here / "file.bin", SIZE_BYTES - 1)
    assert "bytes instead of" in place.difference_of_file(place.here / "file.bin", whole=False)


def flip_last_byte(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_one_wrong_bit_in_the_file_is_noticed(place):
    shutil.copy(place.file, place.here)
    flip_last_byte(place.here / "file.bin")
    assert "other content" in place.difference_of_file(place.here / "file.bin", whole=True)


@pytest.mark.parametrize("below", ["", "tree"])
def test_an_equal_tree_has_no_difference(place, below):
    shutil.copytree(place.tree, place.here / below, dirs_exist_ok=True)
    assert place.difference_of_tree(place.here, whole=True) is None


def test_a_wrong_tree_is_noticed(place):
    last = place.here / "tree" / "0001" / "00"
    shutil.copytree(place.tree, place.here / "tree")
    flip_last_byte(last)
    assert "other content" in place.difference_of_tree(place.here, whole=True)
    last.unlink()
    assert "100 of the 101" in place.difference_of_tree(place.here, whole=False)


def test_targets_are_emptied_before_a_run(place):
    (place.up / "old").write_text("old")
    place.make_ready(place.file)
    assert not list(place.up.iterdir()) and not list(place.here.iterdir())


def test_the_cost_is_the_clients(place):
    memory_bytes = 64 << 20
    busy = f"import time; held = b'x' * {memory_bytes}\nwhile time.process_time() < 0.5: pass"
    cost = run_client([sys.executable, "-c", busy], None, place.etc / "log", deadline_s=60)
    assert 0.5 <= cost.client_cpu_s < 1.5 and cost.wall_s >= 0.5
    assert memory_bytes < cost.client.anonymous < 2 * memory_bytes
    assert cost.client.resident >= cost.client.anonymous


def test_the_cpu_time_of_a_reaped_child_counts():
    before_s = processes.cpu_seconds(os.getpid())
    os.system(f"{sys.executable} -c 'import time\nwhile time.process_time() < 0.3: pass'")
    assert processes.cpu_seconds(os.getpid()) - before_s >= 0.28


def test_a_client_that_fails_or_hangs_is_a_failure(place):
    with pytest.raises(Failed, match="ended with 3: why"):
        run_client(["sh", "-c", "echo why >&2; exit 3"], None, place.etc / "log", deadline_s=60)
    with pytest.raises(Failed, match="ended with -9"):
        run_client(["sleep", "600"], None, place.etc / "log", deadline_s=0.05)


def test_a_subject_that_copies_nothing_has_no_figures(place):
    honest = Subject("honest", lambda p, port: ["cp", str(p.file), str(p.here)])
    idle = Subject("idle", lambda p, port: ["true"])
    download = TASKS[0]
    task = Task(download.key, download.title, download.source, download.difference, [honest, idle])
    costs, missing = measure_task(task, task.subjects, place, runs=1, deadline_s=60)
    assert list(costs) == ["honest"] and len(costs["honest"]) == 1
    assert "missing" in missing["idle"]


def test_ratios_are_of_the_same_round():
    limit = [Cost(1, 0), Cost(10, 0), Cost(2, 0)]
    costs = [Cost(2, 1, 3), Cost(20, 1, 3), Cost(8, 1, 3)]
    figures = table.figures(TASKS[0], costs, limit, size_bytes=2 * 10**9, files=0)
    assert (figures["ratio"], figures["cpu"]) == (0.5, 2)
    assert (figures["rate"], figures["slowest"], figures["fastest"]) == (0.25, 0.1, 1)
    assert table.figures(TASKS[0], costs, [], 2 * 10**9, 0)["ratio"] is None
