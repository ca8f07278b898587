"""Instructions of fixed work (chasqui_guards), counted by callgrind."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

UNIT = "Instructions for one unit of work (MAC, logit, mask, ...: see the guards' sources)."


def measure(build):
    """(compiler, {guard: instructions a unit}, complaints)."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}",
                   build / "bin/chasqui_guards"]
        try:
            result = subprocess.run(command, text=True, capture_output=True)
        except FileNotFoundError:
            sys.exit("valgrind is missing; ./dev deps installs it")
        if result.returncode != 0:
            sys.exit(f"chasqui_guards failed under callgrind:\n{result.stdout[-1000:]}{result.stderr[-3000:]}")
        totals = dict(map(read_dump, pathlib.Path(folder).glob("out.*")))
    compiler, *guards = map(json.loads, result.stdout.splitlines())
    return compiler["compiler"], {g["name"]: totals[g["name"]] / g["units"] for g in guards}, []


def read_dump(path):
    """(the guard's name, instructions); None for the dump at the program's end."""
    text = path.read_text()
    name = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.M)
    total = re.search(r"^totals: (\d+)", text, re.M)
    return (name.group(1), int(total.group(1))) if name and total else (None, 0)
