"""Minimal GGUF (version 3) writer: metadata, F32 and Q8_0 tensors.  numpy only."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

ALIGNMENT = 32
F32, Q8_0 = 0, 8
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9


class Int32Array(list):
    """Marks a list that is written as an array of INT32."""


def quantise_q8_0(values: np.ndarray) -> bytes:
    """Q8_0 as ggml does it: per 32 values a half scale and 32 signed bytes."""
    blocks = np.ascontiguousarray(values, dtype=np.float32).reshape(-1, 32)
    scale = np.abs(blocks).max(axis=1) / np.float32(127)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    scaled = blocks * inverse[:, None]
    rounded = np.copysign(np.floor(np.abs(scaled) + np.float32(0.5)), scaled)  # half away from zero
    out = np.empty(len(blocks), dtype=np.dtype([("d", "<f2"), ("q", "i1", 32)]))
    out["d"], out["q"] = scale, rounded
    return out.tobytes()


def _string(text: str) -> bytes:
    """Length-prefixed UTF-8."""
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def _value(value: Any) -> bytes:
    """Type tag and value of one metadata entry."""
    if isinstance(value, bool):
        return struct.pack("<IB", _BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", _FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _string(value)
    if isinstance(value, Int32Array):
        return struct.pack("<IIQ", _ARRAY, _INT32, len(value)) + struct.pack(f"<{len(value)}i", *value)
    if isinstance(value, list):
        return struct.pack("<IIQ", _ARRAY, _STRING, len(value)) + b"".join(map(_string, value))
    raise TypeError(f"no GGUF type for {type(value)}")


def write(path: Path, metadata: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
    """Write the file: matrices as Q8_0, vectors (norms) as F32.

    Tensor data starts at a multiple of ALIGNMENT, and so does every tensor.
    """
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(metadata))]
    head.extend(_string(key) + _value(value) for key, value in metadata.items())
    body, offset = [], 0
    for name, values in tensors.items():
        kind = Q8_0 if values.ndim == 2 else F32
        data = quantise_q8_0(values) if kind == Q8_0 else values.astype("<f4").tobytes()
        dims = values.shape[::-1]  # GGUF lists the fastest axis first
        head.append(_string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset))
        data += b"\0" * (-len(data) % ALIGNMENT)
        body.append(data)
        offset += len(data)
    header = b"".join(head)
    header += b"\0" * (-len(header) % ALIGNMENT)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + b"".join(body))
