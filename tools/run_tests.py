#!/usr/bin/env python3
"""Runs every test there is and ends with one line that counts them.

Stages, in order (name some to run only those):
  checks   house numbers and include directions
  unit     the unit tests, optimised build
  guards   instructions of kernels and text code, counted by callgrind and read from object files
  asan     the same under AddressSanitizer and UBSan
  tsan     those that start threads under ThreadSanitizer
  golden   the parity commands against expected results of the reference implementation
  cli      the commands as a user types them, and how they fail
  demo     the demo model on questions that it was not trained on, through a running server
  clients  official client libraries and hostile clients against a running server
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import limited

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/bin/chasqui"
DEMO_MODEL = ROOT / "models/demo/chasqui-demo.gguf"
CLIENTS = ROOT / "tests/clients"
STAGES = ["checks", "unit", "guards", "asan", "tsan", "golden", "cli", "demo", "clients"]

# Seconds after which a step counts as hung; each is several times what the slowest machine seen needed.
BUILD_LIMIT, TEST_LIMIT, START_LIMIT = 2400, 1500, 120

# Rooms whose code runs on several threads; the others gain nothing from ThreadSanitizer.
THREADED = ["base", "backend_cpu", "engine", "http", "api", "whole"]


class Tally:
    """Counts of single tests; prints what failed as it happens."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed=0, failed=0, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def line(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def say(text):
    print(f"\n== {text}", flush=True)


def build(preset, tally, rooms=None):
    """Configures and compiles everything, or the tests of some rooms; a failure is one failed test."""
    say(f"build {preset}")
    begin = time.monotonic()
    targets = ["--target", *(f"chasqui_{room}_test" for room in rooms)] if rooms else []
    commands = [["cmake", "--build", "--preset", preset, *targets]]
    if not (ROOT / "build" / preset / "build.ninja").exists():
        commands.insert(0, ["cmake", "--preset", preset])
    for command in commands:
        # Ninja's progress is noise in a log.
        result = limited.run(command, BUILD_LIMIT, cwd=ROOT)
        if result.returncode != 0:
            print(result.stdout[-8000:])
            tally.add(failed=1)
            return False
    print(f"built in {time.monotonic() - begin:.0f} s", flush=True)
    return True


def run_checks(tally):
    for script in ("check_house_numbers.py", "check_includes.py"):
        code = subprocess.run([sys.executable, ROOT / "tools" / script], cwd=ROOT).returncode
        tally.add(passed=code == 0, failed=code != 0)


def count_gtest(report, tally):
    """Adds the counts of one GoogleTest JSON report; returns the reasons of skipped tests."""
    reasons = set()
    for suite in json.loads(report.read_text())["testsuites"]:
        for test in suite["testsuite"]:
            if test.get("failures"):
                tally.add(failed=1)
            elif test.get("result") == "SKIPPED":
                tally.add(skipped=1)
                reasons.update(s.get("message", "").strip() for s in test.get("skipped", []))
            elif test.get("status") == "RUN":
                tally.add(passed=1)
    return reasons


def run_gtest(binary, tally, environment):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        begin = time.monotonic()
        result = limited.run([binary, f"--gtest_output=json:{report}"], TEST_LIMIT, cwd=ROOT,
                             env={**os.environ, **environment})
        seconds = time.monotonic() - begin
        before = tally.failed
        reasons = count_gtest(report, tally) if report.exists() else set()
        if result.returncode != 0 and tally.failed == before:
            tally.add(failed=1)  # crashed, or a sanitizer spoke
        word = "ok" if result.returncode == 0 else f"FAILED (exit {result.returncode})"
        print(f"{binary.name:<32} {word} {seconds:6.1f} s", flush=True)
        for reason in sorted(reasons):
            print(f"    skipped: {reason.splitlines()[-1]}")
        if result.returncode != 0:
            print(result.stdout[-6000:], flush=True)


def run_other_ctests(preset, tally):
    """What CTest knows and is no GoogleTest program: replayed fuzz corpora, symbols of ISA objects."""
    result = limited.run(["ctest", "--test-dir", ROOT / "build" / preset, "--output-on-failure",
                          "-R", "^weak_symbols|_fuzz_corpus$"], TEST_LIMIT)
    passed = len(re.findall(r"\bPassed\b", result.stdout))
    failed = len(re.findall(r"\*\*\*(?:Failed|Exception|Timeout|Not Run)", result.stdout))
    tally.add(passed=passed, failed=max(failed, int(result.returncode != 0 and failed == 0)))
    print(f"{'fuzz corpora, weak symbols':<32} {'ok' if result.returncode == 0 else 'FAILED'}")
    if result.returncode != 0:
        print(result.stdout[-6000:])


def run_unit_tests(preset, tally, rooms=None):
    if not build(preset, tally, rooms):
        return
    say(f"unit tests, {preset}")
    environment = {
        # GCC before 13.3 puts 64-byte vectors of the fake stack at 32-byte borders, where AVX-512 code
        # faults (GCC bug 110027), so the real stack is used.
        "ASAN_OPTIONS": "detect_stack_use_after_return=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": "halt_on_error=1",
    }
    for binary in sorted((ROOT / "build" / preset / "bin").glob("chasqui_*_test")):
        room = binary.name.removeprefix("chasqui_").removesuffix("_test")
        if rooms is None or room in rooms:
            run_gtest(binary, tally, environment)
    if rooms is None:
        run_other_ctests(preset, tally)


def run_guards(tally):
    say("instruction counts")
    begin = time.monotonic()
    result = limited.run([sys.executable, ROOT / "tests/guards/run.py", ROOT / "build/release"], TEST_LIMIT)
    counts = re.search(r"^(\d+) passed, (\d+) failed$", result.stdout, re.M)
    tally.add(*map(int, counts.groups()) if counts else (0, 1))
    print(f"{result.stdout[-6000:].rstrip()} ({time.monotonic() - begin:.0f} s)")


@contextlib.contextmanager
def running_server(*flags):
    """The server on the demo model and a free port; yields (base URL, process)."""
    process = subprocess.Popen(
        [BINARY, "serve", "--model", DEMO_MODEL, "--host", "127.0.0.1", "--port", "0", *flags],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    url, log = None, []
    too_late = threading.Timer(START_LIMIT, process.kill)
    too_late.start()
    for line in process.stderr:
        log.append(line)
        match = re.search(r"http://127\.0\.0\.1:\d+", line)
        if match:
            url = match.group(0)
            break
    too_late.cancel()
    if url is None:
        process.wait()
        raise RuntimeError("the server did not start:\n" + "".join(log))
    # Somebody must read the log, or the server would block on a full pipe.
    with tempfile.TemporaryFile("w") as sink:
        pump = subprocess.Popen(["cat"], stdin=process.stderr, stdout=sink)
        try:
            yield url, process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            pump.wait()


def run_golden(tally):
    say("parity commands against golden data")
    golden = pathlib.Path(os.environ.get("CHASQUI_GOLDEN_DIR", ROOT / "../shared/golden"))
    if not golden.is_dir():
        print(f"skipped: neither $CHASQUI_GOLDEN_DIR nor {golden} is a folder")
        tally.add(skipped=1)
        return
    result = limited.run([sys.executable, ROOT / "tests/golden/compare.py", BINARY, golden], TEST_LIMIT)
    counts = re.search(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", result.stdout, re.M)
    if counts is None:
        print(result.stdout[-4000:])
        tally.add(failed=1)
        return
    passed, failed, skipped = map(int, counts.groups())
    tally.add(passed, failed, skipped)
    print("\n".join(line for line in result.stdout.splitlines() if line.startswith("WRONG")))
    print(f"{counts.group(0)} (skipped: architectures and types that are not supported yet)")


def run_cli(tally):
    say("the commands")
    for program in ("cli_test.py", "models_test.py"):
        result = limited.run([sys.executable, ROOT / "tests/cli" / program, BINARY, DEMO_MODEL], TEST_LIMIT)
        total = re.search(r"^Ran (\d+) tests", result.stdout, re.M)
        bad = re.search(r"^FAILED \((.*)\)$", result.stdout, re.M)
        failed = sum(map(int, re.findall(r"\d+", bad.group(1)))) if bad else int(total is None)
        tally.add(passed=max(0, int(total.group(1)) - failed) if total else 0, failed=failed)
        print(result.stdout[-4000:] if failed else f"{total.group(1)} tests of {program} passed")


def run_workshop_tests(tally):
    """The parts that make the demo model; they need NumPy, which nothing else does."""
    if subprocess.run([sys.executable, "-c", "import numpy"], capture_output=True).returncode != 0:
        print("skipped: the workshop's own tests need python3-numpy")
        tally.add(skipped=1)
        return
    result = limited.run([sys.executable, "selftest.py"], TEST_LIMIT, cwd=ROOT / "tools/demo_model")
    print(result.stdout[-4000:])
    tally.add(passed=result.returncode == 0, failed=result.returncode != 0)


def run_demo(tally):
    say("demo model, questions that it was not trained on")
    run_workshop_tests(tally)
    with running_server() as (url, _):
        result = limited.run([sys.executable, ROOT / "tools/demo_model/evaluate.py", "--url", url], TEST_LIMIT,
                             cwd=ROOT)
    print(result.stdout[-4000:])
    tally.add(passed=result.returncode == 0, failed=result.returncode != 0)


def install_clients(tally):
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    result = limited.run(command, TEST_LIMIT, cwd=CLIENTS)
    if result.returncode != 0:
        print(result.stdout[-4000:])
        tally.add(failed=1)
    return result.returncode == 0


def failed_parts(output):
    """What Node's reporter says of tests that failed, instead of the many that did not."""
    parts = re.findall(r"^ *(?:not ok |\u2716).*(?:\n(?! *(?:ok |not ok |# Subtest)).*)*", output, re.M)
    return "\n".join(parts)[-8000:] or output[-8000:]


def run_clients(tally):
    say("real clients")
    if shutil.which("node") is None:
        print("node is missing; ./dev deps installs it")
        tally.add(failed=1)
        return
    if not install_clients(tally):
        return
    with running_server() as (url, process):
        environment = {**os.environ, "CHASQUI_URL": url, "CHASQUI_PID": str(process.pid)}
        # One file after another: some watch the server's memory while others fill it.
        result = limited.run(["node", "--test", "--test-concurrency=1", *sorted(CLIENTS.glob("*.test.mjs"))], TEST_LIMIT, cwd=CLIENTS,
                             env=environment)
        if result.returncode == limited.LIMIT_EXIT:
            print(limited.stacks(process.pid))  # the server may be what they waited for
        exited = process.poll()
    counts = {word: int(number) for word, number in
              re.findall(r"^[#\u2139] (pass|fail|skipped|cancelled) (\d+)", result.stdout, re.M)}
    tally.add(passed=counts.get("pass", 0), skipped=counts.get("skipped", 0),
              failed=counts.get("fail", 0) + counts.get("cancelled", 0))
    if result.returncode != 0 and not counts.get("fail"):
        tally.add(failed=1)
    print(failed_parts(result.stdout) if result.returncode != 0 else
          f"{counts.get('pass', 0)} tests of client libraries passed")
    if exited is not None or process.returncode != 0:
        print(f"the server ended by itself or not cleanly (exit {process.returncode})")
        tally.add(failed=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {' '.join(STAGES)}")
    chosen = parser.parse_args().stages or STAGES
    unknown = set(chosen) - set(STAGES)
    if unknown:
        parser.error(f"no stage {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}")

    # So that limited.run() ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    tally = Tally()
    begin = time.monotonic()
    built = build("release", tally)
    if "checks" in chosen:
        say("checks")
        run_checks(tally)
    if "unit" in chosen and built:
        run_unit_tests("release", tally)
    if "guards" in chosen and built:
        run_guards(tally)
    if "asan" in chosen:
        run_unit_tests("asan", tally)
    if "tsan" in chosen:
        run_unit_tests("tsan", tally, THREADED)
    if "golden" in chosen and built:
        run_golden(tally)
    if "cli" in chosen and built:
        run_cli(tally)
    if "demo" in chosen and built:
        run_demo(tally)
    if "clients" in chosen and built:
        run_clients(tally)
    say(f"all stages took {time.monotonic() - begin:.0f} s")
    print(tally.line())
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
