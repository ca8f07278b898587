"""What the inner loops of the AVX-512 products are made of, read from their object files by objdump.

Each kernel is one straight loop: how many instructions it takes for one `vpdpbusd` (64 multiply-adds) is its
speed where memory does not limit it, and a vector register stored to the stack inside it means that registers
ran out. A function's loop is its innermost one with the most `vpdpbusd`; loops without any are not looked at.
"""
import re
import subprocess

UNIT = "Instructions of a function's loop for one vpdpbusd."
OBJECTS = "src/backend/cpu/CMakeFiles/chasqui_cpu_kernels_avx512.dir/linear*.o"

USEFUL = "vpdpbusd"
FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
STACK = re.compile(r"^%[xyz]mm\d+,.*\(%r[bs]p\)")  # the operands of a store to it
SCOPE = re.compile(r"^.*?chasqui::backend::cpu::avx512::|chasqui::backend::cpu::avx512::")


def measure(build):
    """(compiler, {function: instructions for one useful one}, complaints)."""
    found, spoiled, compiler = {}, [], ""
    for path in sorted(build.glob(OBJECTS)):
        compiler = compiler_of(path)
        for name, body in functions(path):
            loop = max(innermost_loops(body), key=count_useful, default=[])
            if count_useful(loop) == 0:
                continue
            name = "loop " + SCOPE.sub("", name).split("(")[0]
            found[name] = len(loop) / count_useful(loop)
            spills = sum(m.startswith("vmov") and bool(STACK.match(operands)) for _, m, operands in loop)
            if spills:
                spoiled.append(f"SPILLS  {name}: {spills} vector registers go to the stack")
    return compiler, found, spoiled


def objdump(*args):
    return subprocess.run(["objdump", *args], check=True, text=True, capture_output=True, errors="replace").stdout


def compiler_of(path):
    """"12.2" from the comment that GCC and Clang leave."""
    text = "".join(line[43:59] for line in objdump("-s", "-j", ".comment", path).splitlines()[4:])
    version = re.search(r"(\d+\.\d+)\.\d+", text)
    return version.group(1) if version else "unknown"


def functions(path):
    """(name, [(address, mnemonic, operands)]) for each function of an object file."""
    name, body = None, []
    for line in objdump("-dC", "--no-show-raw-insn", path).splitlines():
        head, instruction = FUNCTION.match(line), INSTRUCTION.match(line)
        if head:
            if name:
                yield name, body
            name, body = head.group(1), []
        elif instruction:
            body.append((int(instruction.group(1), 16), instruction.group(2), instruction.group(3)))
    if name:
        yield name, body


def innermost_loops(body):
    """Runs of instructions that end in a jump back to their first and hold no such run."""
    index = {address: i for i, (address, _, _) in enumerate(body)}
    loops = []
    for i, (_, mnemonic, operands) in enumerate(body):
        target = re.match(r"[0-9a-f]+\b", operands) if mnemonic.startswith("j") else None
        start = index.get(int(target.group(0), 16)) if target else None
        if start is not None and start <= i:
            loops.append((start, i))
    return [body[a:b + 1] for a, b in loops
            if not any((c, d) != (a, b) and a <= c and d <= b for c, d in loops)]


def count_useful(loop):
    return sum(mnemonic == USEFUL for _, mnemonic, _ in loop)
