"""Runs a command that may hang, with a limit of time.

A test that waits for ever would take the whole run with it and say nothing. Past its limit a command
is ended together with its children, and what it was doing is shown: its last output, and the stacks of its threads
where gdb is installed.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile

LIMIT_EXIT = 124  # what coreutils' timeout answers


def stacks(pid):
    """Every thread's stack, or "" without gdb."""
    if shutil.which("gdb") is None:
        return ""
    command = ["gdb", "-p", str(pid), "-batch", "-nx", "-ex", "set pagination off", "-ex", "thread apply all bt 24"]
    with contextlib.suppress(subprocess.TimeoutExpired):
        shown = subprocess.run(command, stdin=subprocess.DEVNULL, text=True, errors="replace",
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return shown.stdout[-12000:]
    return ""


def run(command, limit_s, **options):
    """Like subprocess.run() with both outputs together in `stdout`; no standard input. A command that
    reached its limit has LIMIT_EXIT as its returncode and says so at the end of `stdout`."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                   start_new_session=True, **options)
        note = ""
        try:
            code = process.wait(timeout=limit_s)
        except subprocess.TimeoutExpired:
            note = f"\n{stacks(process.pid)}\nENDED: still running after {limit_s} s\n"
            code = LIMIT_EXIT
        finally:
            # Its group and no other process; children that it left behind would keep ports and files.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return subprocess.CompletedProcess(command, code, output.read() + note)
