"""Servers that a benchmark starts and watches; no program of its own.

`running(command)` starts any HTTP server whose command says `{port}` where a free port belongs. It counts as ready when
/health (or, where there is none, /v1/models) answers 200.
"""
import contextlib
import http.client
import os
import pathlib
import re
import shlex
import socket
import subprocess
import tempfile
import time


class Server:
    """A process and its URL. `log` is the file that has its output."""

    def __init__(self, process, port, log):
        self.process, self.port, self.log = process, port, log
        self.url = f"http://127.0.0.1:{port}"

    def status(self):
        """VmHWM, VmRSS, RssAnon and RssFile in MiB."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return {name: round(int(kib) / 1024, 1)
                for name, kib in re.findall(r"^(VmHWM|VmRSS|RssAnon|RssFile):\s+(\d+) kB", text, re.MULTILINE)}

    def is_ready(self):
        for path in ("/health", "/v1/models"):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                connection.request("GET", path)
                code = connection.getresponse().status
            except OSError:
                return False
            finally:
                connection.close()
            if code != 404:
                return code == 200
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(server, seconds):
    limit = time.monotonic() + seconds
    while not server.is_ready():
        if server.process.poll() is not None or time.monotonic() > limit:
            raise RuntimeError(f"the server did not start:\n{pathlib.Path(server.log).read_text()[-2000:]}")
        time.sleep(0.005)


@contextlib.contextmanager
def running(command, ready_seconds=300):
    """Yields the Server when it is ready and ends it afterwards."""
    port = free_port()
    words = [word.replace("{port}", str(port)) for word in shlex.split(command)]
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        with open(log, "wb") as out:
            process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT)
        try:
            server = Server(process, port, log)
            wait_until_ready(server, ready_seconds)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def given(target):
    """`target` is a URL (yields a URL and no server) or a command (yields the URL and the Server)."""
    if re.match(r"https?://", target):
        yield target, None
        return
    with running(target) as server:
        yield server.url, server
