"""The figures must be what they say, and a request without its file must not count.

/usr/bin/python3 -m pytest bench/http
"""

import json
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "rig")]

import table
from measure import Cost, Failed
from place import SMALL_FILE_BYTES, Place
from processes import Memory
from rounds import Subject, run_once
from subjects import IDLE_CONNECTIONS, tasks

TASKS = {task.key: task for task in tasks(Path("modules"))}


@pytest.fixture
def place(tmp_path):
    with Place(str(tmp_path), tmp_path, 10**9, 0) as made:
        yield made


def wrk(requests, seconds=2, cpu_s=1.0, errors=0, size=SMALL_FILE_BYTES):
    told = {"requests": requests, "seconds": seconds, "bytes": requests * size, "errors": errors, "p99_ms": 1}
    return Cost(seconds, cpu_s, said=f"Running\n{json.dumps(told)}\n")


def test_the_ratio_is_to_the_best_peer_of_the_same_round(place):
    costs = {
        "sluice": [Cost(2, 1), Cost(1, 1), Cost(4, 1)],
        "nginx": [Cost(2, 1), Cost(2, 1), Cost(2, 1)],
        "lighttpd": [Cost(1, 1), Cost(4, 1), Cost(8, 1)],
        "no HTTP: sendfile, recv": [Cost(0.1, 1)] * 3,
    }
    rows = table.figures(TASKS["get"], costs, place)
    assert rows["sluice"]["ratio"] == 0.5  # of 0.5, 2 and 0.5
    assert rows["sluice"]["figure"] == 0.5 and rows["sluice"]["span"] == (0.25, 1)
    assert rows["nginx"]["ratio"] == 1


def test_what_shows_a_limit_is_no_peer(place):
    costs = {"sluice": [Cost(2, 1)], "@tus/server": [Cost(3, 1)], "no store: dropped": [Cost(1, 1)]}
    rows = table.figures(TASKS["tus"], costs, place)
    assert rows["sluice"]["ratio"] == 1.5 and rows["no store: dropped"]["ratio"] == 3


def test_less_memory_is_a_higher_ratio(place):
    def idle(kib):
        held = Memory(anonymous=kib * 1024 * IDLE_CONNECTIONS)
        return Cost(1, 1, server=held, said='{"kernel_bytes": 1}')

    rows = table.figures(TASKS["idle"], {"sluice": [idle(2)], "nginx": [idle(1)]}, place)
    assert (rows["sluice"]["figure"], rows["sluice"]["ratio"]) == (2, 0.5)


def test_requests_a_second(place):
    rows = table.figures(TASKS["small"], {"sluice": [wrk(4000, cpu_s=3)], "nginx": [wrk(2000)]}, place)
    assert (rows["sluice"]["figure"], rows["sluice"]["ratio"], rows["sluice"]["cpu"]) == (2000, 2, 0.75)


@pytest.mark.parametrize("bad", [wrk(1000, errors=1), wrk(1000, size=SMALL_FILE_BYTES - 1)])
def test_requests_without_their_file_do_not_count(place, bad):
    with pytest.raises(Failed, match="not answered with"):
        TASKS["small"].check(bad)


def test_an_upload_that_did_not_arrive_has_no_figure(place):
    place.file.write_bytes(b"")
    with pytest.raises(Failed, match="missing"):
        run_once(TASKS["tus"], Subject("idle", lambda p, port: ["true"]), place, 60, whole=False)
