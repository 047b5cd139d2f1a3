"""A Chromium as people have it, driven by its own protocol over two pipes.

No library beside it, and nothing of the protocol is switched on that looks at requests: a driver that records them
(Playwright does) costs uploads several times what they cost themselves.
"""

import json
import os
import shutil
import subprocess
import tempfile


class Chromium:
    """One window. `flags` are only such as do not change how it works."""

    def __init__(self, program="chromium"):
        self._home = tempfile.mkdtemp(prefix="sluice-chromium-")
        asked, self._ask = os.pipe()
        self._answers, answer = os.pipe()
        argv = [program, "--headless", "--no-sandbox", "--no-first-run", f"--user-data-dir={self._home}",
                "--remote-debugging-pipe", "about:blank"]  # fmt: skip
        self.process = subprocess.Popen(  # it reads descriptor 3 and writes 4
            ["bash", "-c", f'exec "$@" 3<&{asked} 4>&{answer}', "chromium", *argv], pass_fds=(asked, answer),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        os.close(asked)
        os.close(answer)
        self._number, self._unread, self._session = 0, b"", None
        target = next(each for each in self._do("Target.getTargets")["targetInfos"] if each["type"] == "page")
        self._session = self._do("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        os.close(self._ask)
        os.close(self._answers)
        shutil.rmtree(self._home, ignore_errors=True)

    def open(self, url):
        self._do("Page.navigate", url=url)

    def run(self, script):
        """The value of an expression; of a promise, once it has one."""
        told = self._do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise RuntimeError(f"in the page: {told['exceptionDetails']}")
        return told["result"].get("value")

    def choose(self, selector, file):
        """As whoever picks that file; its whole path."""
        root = self._do("DOM.getDocument")["root"]["nodeId"]
        input_node = self._do("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self._do("DOM.setFileInputFiles", nodeId=input_node, files=[str(file)])

    def _do(self, method, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._ask, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") != self._number:
                continue
            if "error" in told:
                raise RuntimeError(f"{method}: {told['error']}")
            return told["result"]

    def _next(self):
        while b"\0" not in self._unread:
            got = os.read(self._answers, 1 << 16)
            if not got:
                raise RuntimeError("Chromium ended")
            self._unread += got
        told, _, self._unread = self._unread.partition(b"\0")
        return json.loads(told)
