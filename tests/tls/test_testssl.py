"""testssl.sh (Debian's) finds nothing above LOW."""

import json
import shutil
import subprocess

import pytest

SEVERE = {"MEDIUM", "HIGH", "CRITICAL", "FATAL"}


@pytest.mark.skipif(not shutil.which("testssl"), reason="there is no testssl.sh")
def test_nothing_is_found(certified, authority, tmp_path):
    server = certified("--listen", "127.0.0.1:0")
    report = tmp_path / "report.json"
    subprocess.run(
        ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--add-ca",
         str(authority.file), "--jsonfile", str(report), f"localhost:{server.port}"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=300, cwd=tmp_path)
    found = json.loads(report.read_text())
    assert len(found) > 100, "it looked at nothing"
    severe = [f"{each['severity']} {each['id']}: {each['finding']}" for each in found if each["severity"] in SEVERE]
    assert not severe, "\n".join(severe)
