#!/usr/bin/env python3
"""A peer for run.py: times llama.cpp's library on a GGUF file, also deep in a context.

    npm install node-llama-cpp@3.22.1 --ignore-scripts
    LLAMA_LIB_DIR=node_modules/@node-llama-cpp/linux-x64/bins/linux-x64 python3 bench/llama_cpp.py MODEL.gguf ...

Written for llama.cpp v0.5.0, whose structs it mirrors; another version is refused where a default of theirs looks
wrong. Usual settings: flash attention and weight repacking as the library chooses, batches of 512.

To stand at a depth, the first 512 tokens are computed and their part of the saved state is repeated up to the
depth, as `chasqui bench` does it: attention reads as much memory and multiplies as much as with any other text.
"""
import argparse
import ctypes as C
import json
import os
import pathlib
import statistics
import struct
import time

TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 8, "bf16": 30}
COMPUTED = 512  # tokens that fill the cache by computing
U32, I32, F32, BOOL, PTR = C.c_uint32, C.c_int32, C.c_float, C.c_bool, C.c_void_p


def record(name, *fields):
    return type(name, (C.Structure,), {"_fields_": [(f, kind) for kind, names in fields for f in names.split()]})


ModelParams = record(
    "ModelParams", (PTR, "devices overrides"), (I32, "n_gpu_layers split_mode load_mode lazy_mode main_gpu"),
    (PTR, "tensor_split progress progress_data kv_overrides"),
    (BOOL, "vocab_only check_tensors use_extra_bufts no_host no_alloc load_mtp"))
ContextParams = record(
    "ContextParams", (U32, "n_ctx n_batch n_ubatch n_seq_max n_rs_seq n_outputs_max n_outputs_max_per_seq"),
    (I32, "n_threads n_threads_batch ctx_type rope_scaling pooling attention_type flash_attn"),
    (F32, "rope_base rope_scale yarn_ext yarn_attn yarn_fast yarn_slow"), (U32, "yarn_orig_ctx"), (F32, "defrag"),
    (PTR, "eval_callback eval_data"), (I32, "type_k type_v"), (PTR, "abort_callback abort_data"),
    (BOOL, "embeddings offload_kqv no_perf op_offload swa_full kv_unified"), (PTR, "samplers"), (C.c_size_t, "n_samplers"),
    (PTR, "other"))
Batch = record("Batch", (I32, "n_tokens"), (C.POINTER(I32), "token"), (PTR, "embd"), (C.POINTER(I32), "pos n_seq_id"),
               (C.POINTER(C.POINTER(I32)), "seq_id"), (C.POINTER(C.c_int8), "logits"))

SIGNATURES = {
    "llama_model_default_params": (ModelParams,), "llama_context_default_params": (ContextParams,),
    "llama_log_set": (None, PTR, PTR), "llama_backend_init": (None,),
    "llama_model_load_from_file": (PTR, C.c_char_p, ModelParams), "llama_model_get_vocab": (PTR, PTR),
    "llama_vocab_n_tokens": (I32, PTR), "llama_init_from_model": (PTR, PTR, ContextParams), "llama_free": (None, PTR),
    "llama_batch_init": (Batch, I32, I32, I32), "llama_decode": (I32, PTR, Batch),
    "llama_get_logits_ith": (PTR, PTR, I32), "llama_state_seq_get_size": (C.c_size_t, PTR, I32),
    "llama_state_seq_get_data": (C.c_size_t, PTR, PTR, C.c_size_t, I32),
    "llama_state_seq_set_data": (C.c_size_t, PTR, C.c_char_p, C.c_size_t, I32),
}
SILENT = C.CFUNCTYPE(None, C.c_int, C.c_char_p, PTR)(lambda level, text, data: None)


def load_library():
    folder = pathlib.Path(os.environ["LLAMA_LIB_DIR"])
    for part in ("libggml-base.so", "libggml.v0.5.0.so"):
        ggml = C.CDLL(str(folder / part), mode=C.RTLD_GLOBAL)
    ggml.ggml_backend_load_all_from_path(str(folder).encode())
    lib = C.CDLL(str(folder / "libllama.v0.5.0.so"), mode=C.RTLD_GLOBAL)
    for name, (result, *arguments) in SIGNATURES.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    if not os.environ.get("LLAMA_VERBOSE"):
        lib.llama_log_set(SILENT, None)
    lib.llama_backend_init()
    defaults = lib.llama_context_default_params()
    if (defaults.n_batch, defaults.type_k, defaults.flash_attn) != (2048, TYPES["f16"], -1):
        raise SystemExit("this is not llama.cpp v0.5.0: its context parameters lie elsewhere")
    return lib


class Reader:
    """Walks over the saved state of a sequence."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        piece = self.data[self.at:self.at + count]
        self.at += count
        return piece

    def number(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize(code)))[0]


def repeated_state(data, depth):
    """The state of one sequence of `depth` tokens, made of one of fewer: its cells over and over, positions counting on.

    Layout: a mark; the sequence; streams; cells; (position, number of sequences, these) of each cell; whether values
    are transposed; layers; then for keys and for values, layer by layer: type, bytes of a cell, the cells.
    """
    state = Reader(data)
    mark, sequence, streams, cells = (state.number("I") for _ in range(4))
    expected = b"".join(struct.pack("<iIi", position, 1, sequence) for position in range(cells))
    if streams != 1 or cells == 0 or state.take(12 * cells) != expected:
        raise SystemExit(f"a saved state of {streams} streams and {cells} cells that is not understood")
    transposed, layers = state.number("I"), state.number("I")
    if transposed:
        raise SystemExit("values are transposed (no flash attention): not understood")
    out = [struct.pack("<4I", mark, sequence, streams, depth),
           b"".join(struct.pack("<iIi", position, 1, sequence) for position in range(depth)),
           struct.pack("<II", transposed, layers)]
    for _ in range(2 * layers):
        kind, row = state.number("i"), state.number("Q")
        rows = state.take(cells * row)
        out += [struct.pack("<iQ", kind, row), (rows * (depth // cells + 1))[:depth * row]]
    if state.at != len(data):
        raise SystemExit("the saved state has more than was expected")
    return b"".join(out)


class Bench:
    def __init__(self, args):
        self.args = args
        self.lib = load_library()
        params = self.lib.llama_model_default_params()
        params.use_extra_bufts = True
        self.model = self.lib.llama_model_load_from_file(args.model.encode(), params)
        if not self.model:
            raise SystemExit(f"cannot load {args.model}")
        self.vocab = self.lib.llama_vocab_n_tokens(self.lib.llama_model_get_vocab(self.model))
        self.batch = self.lib.llama_batch_init(512, 0, 1)

    def context(self, tokens, sequences):
        params = self.lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch, params.n_seq_max = tokens, 512, 512, sequences
        params.n_threads = params.n_threads_batch = self.args.threads
        params.kv_unified, params.no_perf = sequences > 1, True
        params.type_k, params.type_v = TYPES[self.args.type_k], TYPES[self.args.type_v]
        context = self.lib.llama_init_from_model(self.model, params)
        if not context:
            raise SystemExit("no context of this size and these types")
        return context

    def step(self, context, rows):
        """rows: (position, sequence, whether logits are wanted) of each token."""
        batch = self.batch
        batch.n_tokens = len(rows)
        for i, (position, sequence, wanted) in enumerate(rows):
            batch.token[i] = (position * 7919 + sequence * 31) % (self.vocab - 300) + 260
            batch.pos[i], batch.n_seq_id[i], batch.logits[i] = position, 1, wanted
            batch.seq_id[i][0] = sequence
        if self.lib.llama_decode(context, batch) != 0:
            raise SystemExit("llama_decode failed")
        if any(wanted for _, _, wanted in rows):
            self.lib.llama_get_logits_ith(context, -1)

    def feed(self, context, begin, end, sequence=0):
        for at in range(begin, end, 512):
            self.step(context, [(p, sequence, p == end - 1) for p in range(at, min(end, at + 512))])

    def fill(self, context, depth, sequences):
        for sequence in range(sequences):
            self.feed(context, 0, min(depth, COMPUTED), sequence)
            if depth <= COMPUTED:
                continue
            size = self.lib.llama_state_seq_get_size(context, sequence)
            buffer = C.create_string_buffer(size)
            size = self.lib.llama_state_seq_get_data(context, buffer, size, sequence)
            state = repeated_state(buffer.raw[:size], depth)
            if self.lib.llama_state_seq_set_data(context, state, len(state), sequence) != len(state):
                raise SystemExit("the library does not take the repeated state")

    def prefill(self, depth, tokens):
        context = self.context(depth + tokens + 16, 1)
        self.fill(context, depth, 1)
        begin = time.perf_counter()
        self.feed(context, depth, depth + tokens)
        seconds = time.perf_counter() - begin
        self.lib.llama_free(context)
        return tokens / seconds

    def decode(self, depth, tokens, sequences):
        context = self.context(sequences * (depth + tokens + 16), sequences)
        self.fill(context, depth, sequences)
        self.step(context, [(depth, s, True) for s in range(sequences)])
        begin = time.perf_counter()
        for position in range(depth + 1, depth + 1 + tokens):
            self.step(context, [(position, s, True) for s in range(sequences)])
        seconds = time.perf_counter() - begin
        self.lib.llama_free(context)
        return sequences * tokens / seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prefill", type=int, default=512)
    parser.add_argument("--decode", type=int, default=32)
    parser.add_argument("--batch", default="")
    parser.add_argument("--depth", type=int, default=0)
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--type_k", choices=TYPES, default="f16")
    parser.add_argument("--type_v", choices=TYPES, default="f16")
    args = parser.parse_args()
    bench = Bench(args)

    def report(what, rates, **more):
        print(json.dumps({"engine": "llama.cpp v0.5.0", "what": what, "depth": args.depth, "threads": args.threads,
                          "type_k": args.type_k, "type_v": args.type_v, **more, "best": round(max(rates), 2),
                          "median": round(statistics.median(rates), 2)}), flush=True)

    if args.prefill > 0:
        bench.prefill(0, min(args.prefill, 64))  # warms caches and page tables
        report("prefill", [bench.prefill(args.depth, args.prefill) for _ in range(args.reps)], tokens=args.prefill)
    for sequences in [1] + [int(text) for text in args.batch.split(",") if text]:
        if args.decode > 0:
            report("decode", [bench.decode(args.depth, args.decode, sequences) for _ in range(args.reps)],
                   sequences=sequences)


if __name__ == "__main__":
    main()
