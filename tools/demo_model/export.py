"""Trained weights and tokenizer to a GGUF file with llama.cpp's key and tensor names."""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch

import gguf_writer
from bpe import ENDOFTEXT, IM_END, SPECIALS, Tokenizer
from chatml import TEMPLATE
from model import Config

_NORMAL, _CONTROL = 1, 3
_Q8_0_FILE_TYPE = 7


def metadata(config: Config, tokenizer: Tokenizer) -> dict[str, Any]:
    """All keys an engine needs to run the file, and who made it."""
    types = [_CONTROL if token in SPECIALS else _NORMAL for token in tokenizer.tokens]
    return {
        "general.architecture": "llama",
        "general.name": "Chasqui Demo",
        "general.basename": "chasqui-demo",
        "general.description": "A tiny chat model bundled with the chasqui server to show that it works.",
        "general.author": "the chasqui project",
        "general.license": "apache-2.0",
        "general.languages": ["en"],
        "general.alignment": gguf_writer.ALIGNMENT,
        "general.file_type": _Q8_0_FILE_TYPE,
        "general.quantization_version": 2,
        "llama.context_length": config.context,
        "llama.embedding_length": config.dim,
        "llama.block_count": config.layers,
        "llama.feed_forward_length": config.ffn,
        "llama.attention.head_count": config.heads,
        "llama.attention.head_count_kv": config.kv_heads,
        "llama.attention.key_length": config.head_dim,
        "llama.attention.value_length": config.head_dim,
        "llama.attention.layer_norm_rms_epsilon": config.eps,
        "llama.rope.dimension_count": config.head_dim,
        "llama.rope.freq_base": config.rope_base,
        "llama.vocab_size": config.vocab,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": tokenizer.tokens,
        "tokenizer.ggml.token_type": gguf_writer.Int32Array(types),
        "tokenizer.ggml.merges": [f"{a} {b}" for a, b in tokenizer.merges],
        "tokenizer.ggml.bos_token_id": tokenizer.ids[ENDOFTEXT],
        "tokenizer.ggml.eos_token_id": tokenizer.ids[IM_END],
        "tokenizer.ggml.padding_token_id": tokenizer.ids[ENDOFTEXT],
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": TEMPLATE,
    }


def tensors(state: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """State entries under their GGUF names, embedding first."""
    named = {f"{name}.weight": value.detach().float().numpy() for name, value in state.items()}
    return dict(sorted(named.items(), key=lambda item: (not item[0].startswith("token"), item[0])))


def export(path: Path, state: dict[str, torch.Tensor], config: Config, tokenizer: Tokenizer) -> None:
    """Write the model file; an untied output matrix is not stored (it is the embedding)."""
    assert len(tokenizer.tokens) == config.vocab
    gguf_writer.write(path, metadata(config, tokenizer), tensors(state))


def main() -> None:
    """Export a checkpoint of a training run that is still going on."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the data-*.pickle of the work folder")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    tokenizer = pickle.loads(args.data.read_bytes())[0]
    export(args.out, torch.load(args.checkpoint), Config(), tokenizer)
    print(f"wrote {args.out.name}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
