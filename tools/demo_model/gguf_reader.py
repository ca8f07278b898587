"""Minimal GGUF reader for the demo model's own file: F32 and Q8_0.  numpy only."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_F32, _Q8_0 = 0, 8


class _Cursor:
    """A position in the file's bytes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def scalar(self, code: str) -> Any:
        """The next little-endian value of a struct code."""
        value = struct.unpack_from("<" + code, self.data, self.at)[0]
        self.at += struct.calcsize("<" + code)
        return value

    def string(self) -> str:
        """The next length-prefixed text."""
        size = self.scalar("Q")
        self.at += size
        return self.data[self.at - size:self.at].decode("utf-8")

    def value(self, kind: int) -> Any:
        """The next metadata value of a given type."""
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            inner, count = self.scalar("I"), self.scalar("Q")
            return [self.value(inner) for _ in range(count)]
        return self.scalar(_SCALARS[kind])


def _tensor(data: bytes, offset: int, shape: tuple[int, ...], kind: int) -> np.ndarray:
    """Tensor values as float32 (Q8_0 is dequantised)."""
    count = int(np.prod(shape))
    if kind == _F32:
        return np.frombuffer(data, "<f4", count, offset).reshape(shape)
    assert kind == _Q8_0, f"tensor type {kind} is not supported"
    blocks = np.frombuffer(data, np.dtype([("d", "<f2"), ("q", "i1", 32)]), count // 32, offset)
    return (blocks["d"].astype(np.float32)[:, None] * blocks["q"]).reshape(shape)


def read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Metadata and dequantised tensors (shape: slowest axis first)."""
    cursor = _Cursor(path.read_bytes())
    assert cursor.data[:4] == b"GGUF", "not a GGUF file"
    cursor.at = 4
    assert cursor.scalar("I") == 3, "not version 3"
    tensor_count, entry_count = cursor.scalar("Q"), cursor.scalar("Q")
    metadata = {}
    for _ in range(entry_count):
        key = cursor.string()
        metadata[key] = cursor.value(cursor.scalar("I"))
    infos = []
    for _ in range(tensor_count):
        name = cursor.string()
        dims = [cursor.scalar("Q") for _ in range(cursor.scalar("I"))]
        infos.append((name, tuple(reversed(dims)), cursor.scalar("I"), cursor.scalar("Q")))
    alignment = metadata.get("general.alignment", 32)
    base = -(-cursor.at // alignment) * alignment
    return metadata, {name: _tensor(cursor.data, base + offset, shape, kind) for name, shape, kind, offset in infos}
