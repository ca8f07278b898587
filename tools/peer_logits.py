#!/usr/bin/env python3
"""Computes expected logits of tiny random models with llama.cpp, for tests/peer/expected.

    ninja -C build/release chasqui_peer_model
    tools/peer_logits.py --lib FOLDER tests/peer/cases/NAME.json ...

FOLDER (or $LLAMA_LIB_DIR) holds llama.cpp's shared libraries, release v0.5.0: the npm package
node-llama-cpp 3.22.1 carries them. For each case the model is made (chasqui_peer_model), run on one thread with
keys and values in float32 and without flash attention, and the logits after some tokens and a greedy
continuation are written to tests/peer/expected/NAME.json. Needs nothing but Python.
"""
import argparse
import ctypes as C
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = "v0.5.0"
GREEDY = 16
NO_FLASH_ATTENTION = 0
TYPE_F32 = 0


def struct(name, layout):
    """A structure from "type field field, type field"; layouts are those of llama.h of the release."""
    kinds = {"p": C.c_void_p, "i": C.c_int32, "u": C.c_uint32, "f": C.c_float, "b": C.c_bool, "z": C.c_size_t}
    fields = []
    for group in layout.split(","):
        kind, *names = group.split()
        fields += [(field, kinds[kind]) for field in names]
    return type(name, (C.Structure,), {"_fields_": fields})


ModelParams = struct("ModelParams", (
    "p devices overrides, i n_gpu_layers split_mode load_mode lazy_mode main_gpu,"
    "p tensor_split progress progress_data kv_overrides,"
    "b vocab_only check_tensors use_extra_bufts no_host no_alloc load_mtp"))
ContextParams = struct("ContextParams", (
    "u n_ctx n_batch n_ubatch n_seq_max n_rs_seq n_outputs n_outputs_seq, i n_threads n_threads_batch,"
    "i ctx_type rope_scaling pooling attention flash_attn, f rope_base rope_scale yarn_ext yarn_attn yarn_fast yarn_slow,"
    "u yarn_ctx, f defrag, p eval eval_data, i type_k type_v, p abort abort_data,"
    "b embeddings offload_kqv no_perf op_offload swa_full kv_unified, p samplers, z n_samplers, p other"))


class Batch(C.Structure):
    _fields_ = [("n_tokens", C.c_int32), ("token", C.POINTER(C.c_int32)), ("embd", C.c_void_p),
                ("pos", C.POINTER(C.c_int32)), ("n_seq_id", C.POINTER(C.c_int32)),
                ("seq_id", C.POINTER(C.POINTER(C.c_int32))), ("logits", C.POINTER(C.c_int8))]


class Library:
    SIGNATURES = {
        "llama_backend_init": (None,),
        "llama_log_set": (None, C.c_void_p, C.c_void_p),
        "llama_model_default_params": (ModelParams,),
        "llama_context_default_params": (ContextParams,),
        "llama_model_load_from_file": (C.c_void_p, C.c_char_p, ModelParams),
        "llama_init_from_model": (C.c_void_p, C.c_void_p, ContextParams),
        "llama_batch_init": (Batch, C.c_int32, C.c_int32, C.c_int32),
        "llama_decode": (C.c_int32, C.c_void_p, Batch),
        "llama_get_logits_ith": (C.POINTER(C.c_float), C.c_void_p, C.c_int32),
        "llama_free": (None, C.c_void_p),
        "llama_model_free": (None, C.c_void_p),
    }

    def __init__(self, folder, verbose):
        load = lambda name: C.CDLL(os.path.join(folder, name), mode=C.RTLD_GLOBAL)
        load("libggml-base.so")
        ggml = load(f"libggml.{RELEASE}.so")
        self.llama = load(f"libllama.{RELEASE}.so")
        for name, (result, *arguments) in self.SIGNATURES.items():
            function = getattr(self.llama, name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name.removeprefix("llama_"), function)
        self.errors = []
        self.log = C.CFUNCTYPE(None, C.c_int, C.c_char_p, C.c_void_p)(self.take_log)
        self.verbose = verbose
        self.log_set(C.cast(self.log, C.c_void_p), None)
        ggml.ggml_backend_load_all_from_path(folder.encode())
        self.backend_init()
        check = self.context_default_params()
        if (check.n_ctx, check.n_batch, check.type_k, check.type_v, check.rope_scaling) != (512, 2048, 1, 1, -1):
            sys.exit(f"{folder}: its structures are not those of {RELEASE}")

    def take_log(self, level, text, _data):
        line = (text or b"").decode("utf-8", "replace")
        if level >= 3:
            self.errors.append(line)
        if self.verbose:
            sys.stderr.write(line)


class Sequence:
    """One sequence of tokens on a model."""

    def __init__(self, library, path, n_ctx, vocab):
        self.lib, self.n_ctx, self.vocab, self.length = library, n_ctx, vocab, 0
        params = library.model_default_params()
        params.use_extra_bufts, params.n_gpu_layers = False, 0
        self.model = library.model_load_from_file(path.encode(), params)
        if not self.model:
            sys.exit("the peer refuses the model: " + "".join(library.errors))
        params = library.context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = n_ctx
        params.n_threads = params.n_threads_batch = 1
        params.type_k = params.type_v = TYPE_F32
        params.flash_attn = NO_FLASH_ATTENTION
        self.context = library.init_from_model(self.model, params)
        if not self.context:
            sys.exit("the peer makes no context: " + "".join(library.errors))
        self.batch = library.batch_init(n_ctx, 0, 1)

    def feed(self, tokens, wanted):
        """The logits after each of the wanted offsets."""
        batch = self.batch
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, self.length + i, 1
            batch.seq_id[i][0], batch.logits[i] = 0, int(i in wanted)
        if self.lib.decode(self.context, batch) != 0:
            sys.exit("the peer fails: " + "".join(self.lib.errors))
        self.length += len(tokens)
        return [list(self.lib.get_logits_ith(self.context, i)[: self.vocab]) for i in wanted]

    def close(self):
        self.lib.free(self.context)
        self.lib.model_free(self.model)


def digits(values):
    return [float(f"{value:.6g}") for value in values]


def compute(library, case, path):
    rng = random.Random(case["seed"])
    vocab, n_ctx = case["vocab"], case.get("n_ctx", 64)
    tokens = [rng.randrange(vocab) for _ in range(case.get("prompt", 40))]
    positions = sorted({0, len(tokens) // 2, len(tokens) - 1})
    sequence = Sequence(library, path, n_ctx, vocab)
    rows = sequence.feed(tokens, positions)
    last, greedy, margins = rows[-1], [], []
    for _ in range(GREEDY):
        best, second = sorted(last, reverse=True)[:2]
        greedy.append(last.index(best))
        margins.append(best - second)
        last = sequence.feed([greedy[-1]], [0])[0]
    sequence.close()
    return {"source": f"llama.cpp {RELEASE}", "n_ctx": n_ctx, "tokens": tokens, "positions": positions,
            "greedy": greedy, "greedy_margins": digits(margins), "logits": [digits(row) for row in rows],
            "logits_after_greedy": digits(last)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", type=pathlib.Path)
    parser.add_argument("--lib", default=os.environ.get("LLAMA_LIB_DIR"), help="folder of llama.cpp's libraries")
    parser.add_argument("--maker", default=ROOT / "build/release/bin/chasqui_peer_model", help="chasqui_peer_model")
    parser.add_argument("--verbose", action="store_true", help="print what llama.cpp logs")
    options = parser.parse_args()
    if not options.lib:
        parser.error("--lib or $LLAMA_LIB_DIR: where are llama.cpp's libraries?")
    library = Library(options.lib, options.verbose)
    for path in options.cases:
        library.errors.clear()
        with tempfile.NamedTemporaryFile(suffix=".gguf") as model:
            subprocess.run([options.maker, path, model.name], check=True)
            results = compute(library, json.loads(path.read_text()), model.name)
        spread = results["logits"][-1]
        mean = sum(spread) / len(spread)
        deviation = (sum((x - mean) ** 2 for x in spread) / len(spread)) ** 0.5
        out = path.parent.parent / "expected" / path.name
        lines = ",\n".join(f' "{key}": {json.dumps(value)}' for key, value in results.items())
        out.write_text("{\n" + lines + "\n}\n")
        print(f"{path.stem}: logits deviate by {deviation:.2f}")


if __name__ == "__main__":
    main()
