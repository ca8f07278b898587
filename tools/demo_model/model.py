"""The llama architecture in torch, as small as it gets, for training only.

Differences to a textbook version: rotary embedding in the NORM convention
(neighbours 2i and 2i+1 form a pair, what GGUF files of arch "llama" use), matrix
products in bfloat16 on float32 master weights (the CPU library is much faster
there), and logits only at the positions that carry a loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """Sizes of the model; defaults are those of the shipped file."""

    vocab: int = 1792
    dim: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    ffn: int = 512
    context: int = 1024
    rope_base: float = 10000.0
    eps: float = 1e-5


def rope_tables(config: Config, length: int) -> tuple[Tensor, Tensor]:
    """cos and sin, shape (length, head_dim / 2)."""
    half = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
    angles = torch.outer(torch.arange(length, dtype=torch.float32), config.rope_base ** -half)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate neighbour pairs of the last axis; x is (batch, time, heads, head_dim)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = cos[:, None, :], sin[:, None, :]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


def matmul(x: Tensor, weight: Tensor) -> Tensor:
    """x @ weight.T in bfloat16."""
    return x @ weight.to(torch.bfloat16).t()


class Block(nn.Module):
    """Attention with grouped key/value heads, then the gated feed-forward part."""

    def __init__(self, c: Config) -> None:
        """Weights drawn small; the two that write to the residual are scaled down."""
        super().__init__()
        self.c = c
        out_std = 0.06 / math.sqrt(2 * c.layers)

        def weight(rows: int, cols: int, std: float = 0.06) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, cols) * std)

        self.attn_norm = nn.Parameter(torch.ones(c.dim))
        self.ffn_norm = nn.Parameter(torch.ones(c.dim))
        self.attn_q = weight(c.heads * c.head_dim, c.dim)
        self.attn_k = weight(c.kv_heads * c.head_dim, c.dim)
        self.attn_v = weight(c.kv_heads * c.head_dim, c.dim)
        self.attn_output = weight(c.dim, c.heads * c.head_dim, out_std)
        self.ffn_gate = weight(c.ffn, c.dim)
        self.ffn_up = weight(c.ffn, c.dim)
        self.ffn_down = weight(c.dim, c.ffn, out_std)

    def attention(self, x: Tensor, mask: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x is (batch, time, dim) in bfloat16; mask is added to the scores."""
        c, (batch, time, _) = self.c, x.shape
        q = rotate(matmul(x, self.attn_q).view(batch, time, c.heads, c.head_dim).float(), cos, sin)
        k = rotate(matmul(x, self.attn_k).view(batch, time, c.kv_heads, c.head_dim).float(), cos, sin)
        v = matmul(x, self.attn_v).view(batch, time, c.kv_heads, c.head_dim).permute(0, 2, 1, 3)
        group = c.heads // c.kv_heads
        q = (q * c.head_dim ** -0.5).bfloat16().view(batch, time, c.kv_heads, group, c.head_dim)
        q = q.permute(0, 2, 3, 1, 4).reshape(batch * c.kv_heads, group * time, c.head_dim)
        k = k.bfloat16().permute(0, 2, 3, 1).reshape(batch * c.kv_heads, c.head_dim, time)
        scores = torch.bmm(q, k).view(batch, c.heads, time, time).float() + mask
        probs = torch.softmax(scores, -1).bfloat16().view(batch * c.kv_heads, group * time, time)
        mixed = torch.bmm(probs, v.reshape(batch * c.kv_heads, time, c.head_dim))
        mixed = mixed.view(batch, c.heads, time, c.head_dim).permute(0, 2, 1, 3)
        return matmul(mixed.reshape(batch, time, c.heads * c.head_dim), self.attn_output)

    def forward(self, x: Tensor, mask: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """The residual stream x stays float32."""
        x = x + self.attention(rms_norm(x, self.attn_norm, self.c.eps), mask, cos, sin)
        h = rms_norm(x, self.ffn_norm, self.c.eps)
        return x + matmul(F.silu(matmul(h, self.ffn_gate)) * matmul(h, self.ffn_up), self.ffn_down)


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Root-mean-square norm in float32, result in bfloat16."""
    return (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight).bfloat16()


class Llama(nn.Module):
    """Embedding, blocks, final norm; the output matrix is the embedding (tied)."""

    def __init__(self, config: Config) -> None:
        """Create all weights; seed torch before for the same start."""
        super().__init__()
        self.config = config
        self.token_embd = nn.Parameter(torch.randn(config.vocab, config.dim) * 0.05)
        self.blk = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.output_norm = nn.Parameter(torch.ones(config.dim))

    def forward(self, tokens: Tensor, docs: Tensor, positions: Tensor) -> Tensor:
        """Logits at the flat `positions` (batch * time order) that carry a loss.

        `docs` numbers the conversations of each row: a token sees only earlier
        tokens of its own conversation.
        """
        time = tokens.shape[1]
        causal = torch.ones(time, time, dtype=torch.bool).tril()
        visible = (docs[:, :, None] == docs[:, None, :]) & causal
        mask = torch.zeros(visible.shape).masked_fill_(~visible, -1e9)[:, None]
        cos, sin = rope_tables(self.config, time)
        x = F.embedding(tokens, self.token_embd)
        for block in self.blk:
            x = block(x, mask, cos, sin)
        x = x.reshape(-1, self.config.dim).index_select(0, positions)
        return matmul(rms_norm(x, self.output_norm, self.config.eps), self.token_embd).float()
