#!/usr/bin/env python3
"""Writes the seed corpus of gguf_fuzz: small files that together use every part of the format.

usage: gguf_seeds.py tests/fuzz/corpus/gguf

Files there with other names were found by the fuzzer and are kept as regression tests.
"""

import pathlib
import struct
import sys

U8, I8, U16, I16, U32, I32, F32, BOOL, STR, ARR, U64, I64, F64 = range(13)
FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "B",
           U64: "Q", I64: "q", F64: "d"}


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def payload(kind: int, value) -> bytes:
    return text(value) if kind == STR else struct.pack("<" + FORMATS[kind], value)


def scalar(name: bytes, kind: int, value) -> bytes:
    return text(name) + struct.pack("<I", kind) + payload(kind, value)


def array(name: bytes, kind: int, values) -> bytes:
    head = text(name) + struct.pack("<IIQ", ARR, kind, len(values))
    return head + b"".join(payload(kind, value) for value in values)


def tensor(name: bytes, dims, kind: int, offset: int) -> bytes:
    shape = struct.pack(f"<I{len(dims)}Q", len(dims), *dims)
    return text(name) + shape + struct.pack("<IQ", kind, offset)


def file(keys, tensors=(), data=b"", version=3, alignment=32) -> bytes:
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    out += b"".join(keys) + b"".join(tensors)
    return out + b"\0" * (-len(out) % alignment) + data


def seeds():
    scalars = [scalar(b"k%d" % kind, kind, 1) for kind in FORMATS]
    arrays = [array(b"a%d" % kind, kind, [0, 1, 1]) for kind in FORMATS]
    strings = [scalar(b"general.architecture", STR, b"llama"), scalar(b"empty", STR, b""),
               array(b"tokenizer.ggml.tokens", STR, [b"<s>", b"", b"\xff\x00"])]
    yield "empty", file([])
    yield "version2", file(scalars[:2], version=2)
    yield "scalars", file(scalars)
    yield "arrays", file(arrays)
    yield "strings", file(strings)
    yield "nested", file([text(b"n") + struct.pack("<IIQ", ARR, ARR, 1) + struct.pack("<IQ", U8, 0)])
    yield "aligned64", file([scalar(b"general.alignment", U32, 64)],
                            [tensor(b"a", [3], 0, 0), tensor(b"b", [3], 0, 64)], b"\1" * 76,
                            alignment=64)
    yield "shapes", file(strings, [tensor(b"scalar", [], 0, 0), tensor(b"cube", [2, 3, 2], 1, 32),
                                   tensor(b"four", [1, 1, 1, 8], 24, 64)], b"\2" * 72)
    yield "blocks", file([], [tensor(b"q4_0", [32, 2], 2, 0), tensor(b"q8_0", [32], 8, 64),
                              tensor(b"q4_k", [256], 12, 128)], b"\3" * 272)
    yield "split", file([scalar(b"split.no", U16, 0), scalar(b"split.count", U16, 1),
                         scalar(b"split.tensors.count", I32, 1)], [tensor(b"t", [1], 0, 0)], b"\0" * 4)
    yield "split_of_two", file([scalar(b"split.no", U16, 0), scalar(b"split.count", U16, 2)])


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    for name, image in seeds():
        (folder / f"seed_{name}.gguf").write_bytes(image)


main()
