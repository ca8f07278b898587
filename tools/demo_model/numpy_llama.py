"""Runs the GGUF file with numpy: float32 over the dequantised weights, KV cache.

It is the independent check that file and training agree, small enough to read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import gguf_reader
from bpe import IM_END, Tokenizer
from chatml import render


def _rms_norm(x: np.ndarray, weight: np.ndarray, eps: float) -> np.ndarray:
    """Root-mean-square norm over the last axis."""
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


def _softmax(x: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class NumpyLlama:
    """One model with one growing context (`reset` empties it)."""

    def __init__(self, path: Path) -> None:
        """Read weights, sizes and the tokenizer from the file."""
        meta, self.w = gguf_reader.read(path)
        self.tokenizer = Tokenizer([tuple(m.split(" ")) for m in meta["tokenizer.ggml.merges"]])
        assert self.tokenizer.tokens == meta["tokenizer.ggml.tokens"]
        self.layers = meta["llama.block_count"]
        self.heads = meta["llama.attention.head_count"]
        self.kv_heads = meta["llama.attention.head_count_kv"]
        self.head_dim = meta["llama.rope.dimension_count"]
        self.eps = meta["llama.attention.layer_norm_rms_epsilon"]
        self.context = meta["llama.context_length"]
        half = np.arange(0, self.head_dim, 2) / self.head_dim
        angles = np.outer(np.arange(self.context), meta["llama.rope.freq_base"] ** -half)
        self.cos, self.sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        shape = (self.layers, self.kv_heads, self.context, self.head_dim)
        self.k_cache, self.v_cache = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.past = 0

    def reset(self) -> None:
        """Forget the context."""
        self.past = 0

    def _rotate(self, x: np.ndarray) -> np.ndarray:
        """Rotary embedding on neighbour pairs; x is (time, heads, head_dim)."""
        cos = self.cos[self.past:self.past + len(x), None]
        sin = self.sin[self.past:self.past + len(x), None]
        out = np.empty_like(x)
        out[..., 0::2] = x[..., 0::2] * cos - x[..., 1::2] * sin
        out[..., 1::2] = x[..., 0::2] * sin + x[..., 1::2] * cos
        return out

    def _attention(self, layer: int, h: np.ndarray) -> np.ndarray:
        """Grouped-query attention over the cache and the new tokens."""
        time, end, w = len(h), self.past + len(h), f"blk.{layer}.attn_"
        q = self._rotate((h @ self.w[w + "q.weight"].T).reshape(time, self.heads, self.head_dim))
        k = self._rotate((h @ self.w[w + "k.weight"].T).reshape(time, self.kv_heads, self.head_dim))
        v = (h @ self.w[w + "v.weight"].T).reshape(time, self.kv_heads, self.head_dim)
        self.k_cache[layer, :, self.past:end] = k.transpose(1, 0, 2)
        self.v_cache[layer, :, self.past:end] = v.transpose(1, 0, 2)
        hidden = np.arange(end)[None, :] > np.arange(self.past, end)[:, None]
        mixed = np.empty((time, self.heads, self.head_dim), np.float32)
        for head in range(self.heads):
            source = head // (self.heads // self.kv_heads)
            scores = q[:, head] @ self.k_cache[layer, source, :end].T * self.head_dim ** -0.5
            scores[hidden] = -np.inf
            mixed[:, head] = _softmax(scores) @ self.v_cache[layer, source, :end]
        return mixed.reshape(time, -1) @ self.w[w + "output.weight"].T

    def forward(self, ids: list[int]) -> np.ndarray:
        """Append tokens to the context; logits after the last one."""
        x = self.w["token_embd.weight"][ids]
        for layer in range(self.layers):
            blk = f"blk.{layer}."
            x = x + self._attention(layer, _rms_norm(x, self.w[blk + "attn_norm.weight"], self.eps))
            h = _rms_norm(x, self.w[blk + "ffn_norm.weight"], self.eps)
            gate = h @ self.w[blk + "ffn_gate.weight"].T
            gate = gate / (1 + np.exp(-gate)) * (h @ self.w[blk + "ffn_up.weight"].T)
            x = x + gate @ self.w[blk + "ffn_down.weight"].T
        self.past += len(ids)
        return self.w["token_embd.weight"] @ _rms_norm(x[-1], self.w["output_norm.weight"], self.eps)

    def chat(self, messages: list[dict[str, str]], limit: int = 64) -> str:
        """The greedy answer to a conversation."""
        self.reset()
        stop = self.tokenizer.ids[IM_END]
        ids = self.tokenizer.encode(render(messages))
        answer: list[int] = []
        while len(answer) < limit and self.past + len(ids) <= self.context:
            token = int(self.forward(ids).argmax())
            if token == stop:
                break
            answer.append(token)
            ids = [token]
        return self.tokenizer.decode(answer)
