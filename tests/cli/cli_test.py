#!/usr/bin/env python3
"""The commands as a user types them: what they print, how they fail, how they end.

    cli_test.py BINARY DEMO_MODEL
"""
import ctypes
import json
import os
import pathlib
import pty
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

BINARY, DEMO = "", ""

# A refusal reads metadata only: it must not take longer than starting a process on a busy machine.
REFUSAL_SECONDS = 5


def run(*args, stdin=None, timeout=120, env=None):
    return subprocess.run([BINARY, *map(str, args)], input=stdin, text=True, capture_output=True,
                          timeout=timeout, env=env)


def serve(*flags, ready=None, model=None, **process_options):
    """A server on a free port; returns the process and its port once it listens. Lines of its log until then go
    to `ready`."""
    process = subprocess.Popen([BINARY, "serve", "--model", model or DEMO, "--host", "127.0.0.1", "--port", "0",
                                *map(str, flags)], stderr=subprocess.PIPE, text=True, **process_options)
    for line in process.stderr:
        if ready is not None:
            ready.append(line)
        match = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if match:
            return process, int(match.group(1))
    raise AssertionError("the server did not start")


def lock_at_most(kib):
    """For preexec_fn: RLIMIT_MEMLOCK, without root's capability to go beyond it."""
    def limit():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (kib << 10, kib << 10))
        PR_CAPBSET_DROP, CAP_IPC_LOCK = 24, 14
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0)  # refused to others than root, who lack it
    return limit


def status_kib(pid, name):
    """"VmLck" and the like of /proc/PID/status."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB$", text, re.M).group(1))


class Cli(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)

    def refuse(self, *args, named, stdin=None, code=1):
        """The command fails with one sentence that contains `named`."""
        begin = time.monotonic()
        result = run(*args, stdin=stdin)
        self.assertLess(time.monotonic() - begin, REFUSAL_SECONDS)
        self.assertEqual(result.returncode, code, result.stderr)
        message = [line for line in result.stderr.splitlines() if line.startswith("chasqui: ")]
        self.assertEqual(len(message), 1, result.stderr)
        self.assertIn(named, message[0])
        self.assertEqual(result.stdout, "")

    def damaged(self, name, change):
        data = bytearray(pathlib.Path(DEMO).read_bytes())
        path = self.path / name
        path.write_bytes(change(data))
        return path

    def test_files_that_are_no_models(self):
        missing = self.path / "missing.gguf"
        empty = self.path / "empty.gguf"
        empty.write_bytes(b"")
        text = self.path / "text.gguf"
        text.write_text("I am no model, and proud of it.\n" * 10)
        short = self.damaged("short.gguf", lambda data: data[:100_000])
        absurd = self.damaged("absurd.gguf", lambda data: data[:8] + struct.pack("<Q", 1 << 60) + data[16:])
        tokens = self.path / "tokens.json"
        tokens.write_text('{"tokens": [1, 2]}')
        for path in (missing, empty, text, short, absurd):
            for command in (["eval", path, "--input", tokens], ["inspect", path], ["tokenize", path, "x"],
                            ["bench", path], ["run", path, "x"], ["serve", "--model", path]):
                with self.subTest(path=path.name, command=command[0]):
                    self.refuse(*command, named=path.name)
        self.refuse("inspect", self.path, named=str(self.path))

    def test_inputs_that_make_no_sense(self):
        for text, named in (("", "JSON"), ("[1", "JSON"), ("[]", "object"), ("{}", "tokens"),
                            ('{"tokens": []}', "tokens"), ('{"tokens": [99999]}', "tokens[0]"),
                            ('{"tokens": [1], "positions": [1]}', "positions[0]"),
                            ('{"tokens": [1], "greedy": -1}', "greedy"),
                            ('{"tokens": [1, 2], "n_ctx": 1}', "n_ctx")):
            with self.subTest(text=text):
                self.refuse("eval", DEMO, "--input", "-", stdin=text, named=named)
        self.refuse("tokenize", DEMO, "--input", "-", stdin="[{}]", named="case 0")
        self.refuse("detokenize", DEMO, "--input", "-", stdin='[{"ids": [-1]}]', named="ids[0]")
        self.refuse("detokenize", DEMO, "99999", named="99999")
        self.refuse("inspect", DEMO, "--tensor", "nothing", "--dump", self.path / "x", named="nothing")
        self.refuse("make-random", self.path / "x.gguf", "--shape", "huge", named="tinyllama-1.1b")
        self.refuse("make-random", self.path / "x.gguf", "--format", "Q9", named="Q4_K_M")
        self.refuse("make-random", self.path / "x.gguf", "--shape", "tiny", "--hidden", "100", named="hidden")
        self.refuse("make-random", "/nonexistent/x.gguf", "--shape", "tiny", named="/nonexistent/x.gguf")
        self.refuse("make-random", self.path / "x.gguf", "--shape", "tiny", "--hidden", 1 << 20, "--ffn", 1 << 20,
                    "--layers", 64, named="GB free")
        self.refuse("serve", named="--model")
        self.refuse("serve", "--model", DEMO, "--port", "70000", named="65535")
        self.refuse("serve", "--model", DEMO, "--cpu-isa", "mmx", named="avx2")

    def test_the_last_of_two_flags_counts(self):
        self.refuse("serve", "--model", "first.gguf", "--model", "second.gguf", named="second.gguf")
        self.refuse("serve", "--model", DEMO, "--verbose", "false", "--verbose", "maybe", named="maybe")

    def test_unknown_options_and_commands_are_named(self):
        for args in (["serve", "--modle", "x"], ["dance"], []):
            result = run(*args)
            self.assertNotEqual(result.returncode, 0)
            self.assertTrue(result.stderr + result.stdout)
        for command in ("serve", "run", "inspect", "tokenize", "detokenize", "eval", "bench", "make-random",
                        "quantize", "imatrix", "perplexity"):
            result = run(command, "--help")
            self.assertEqual(result.returncode, 0)
            self.assertIn("--", result.stdout)

    def test_tokenize_and_back(self):
        cases = [{"text": "Hello <|im_end|> 42 \u00e9\U0001f642", "add_special": True, "parse_special": flag}
                 for flag in (False, True)]
        plain, special = json.loads(run("tokenize", DEMO, "--input", "-", stdin=json.dumps(cases)).stdout)
        self.assertLess(len(special["ids"]), len(plain["ids"]))
        back = json.loads(run("detokenize", DEMO, "--input", "-", stdin=json.dumps([plain])).stdout)
        self.assertEqual(back[0]["text"], cases[0]["text"])
        smile = json.loads(run("tokenize", DEMO, "--input", "-", stdin='[{"text": "\U0001f642"}]').stdout)
        half = [{"ids": smile[0]["ids"][:1]}]  # a character has four bytes, and each is a token
        self.assertEqual(json.loads(run("detokenize", DEMO, "--input", "-", stdin=json.dumps(half)).stdout),
                         [{"hex": "f0"}])

    def test_eval_does_not_depend_on_chunks_or_threads(self):
        tokens = [(i * 37) % 250 for i in range(90)]
        request = {"tokens": tokens, "positions": [89, 0, 40], "greedy": 8}
        whole = run("eval", DEMO, "--input", "-", stdin=json.dumps(request))
        self.assertEqual(whole.returncode, 0, whole.stderr)
        self.assertEqual(len(json.loads(whole.stdout)["logits"]), 3)
        for chunk, threads in ((1, 1), (7, 2), (64, 3)):
            again = run("eval", DEMO, "--input", "-", "--n_threads", threads,
                        stdin=json.dumps({**request, "chunk": chunk}))
            self.assertEqual(again.stdout, whole.stdout, (chunk, threads))

    def test_random_models(self):
        path = self.path / "tiny.gguf"
        self.assertEqual(run("make-random", path, "--shape", "tiny", "--format", "Q4_K_M").returncode, 0)
        self.refuse("make-random", path, "--shape", "tiny", named="tiny.gguf")  # never overwritten silently
        facts = json.loads(run("inspect", path, "--json").stdout)
        self.assertEqual(facts["metadata"]["llama.block_count"], 4)
        self.assertGreater(facts["plan"]["kv_bytes_per_1k_tokens"], 0)
        dump = self.path / "norm.f32"
        self.assertEqual(run("inspect", path, "--tensor", "output_norm.weight", "--dump", dump).returncode, 0)
        self.assertEqual(struct.unpack("<256f", dump.read_bytes()), (1.0,) * 256)
        lines = run("bench", path, "--json", "-p", 32, "-n", 4, "--batch", "1,3", "--repeats", 1, "-t", 2).stdout
        rows = [json.loads(line) for line in lines.splitlines()]
        self.assertEqual([(r["what"], r.get("sequences")) for r in rows],
                         [("prefill", None), ("decode", 1), ("decode", 3)])
        for row in rows:
            self.assertGreater(row["best"], 0)
            self.assertGreater(row["limit"]["tokens_per_s"], 0)

    def text(self, sentences=60):
        """A text for the demo model, some hundreds of tokens long."""
        path = self.path / "text.txt"
        path.write_text("".join(f"What is {i} + {i + 1}? The answer is {2 * i + 1}.\n" for i in range(sentences)))
        return path

    def test_a_quantized_model_answers(self):
        out = self.path / "small.gguf"
        self.assertEqual(run("quantize", DEMO, out, "q4_k_m", "--dry-run").stdout.count(" -> Q4_K"), 24)
        self.assertFalse(out.exists())
        result = run("quantize", DEMO, out, "Q4_K_M", "--threads", 2)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertLess(out.stat().st_size, 0.75 * os.path.getsize(DEMO))
        document = json.loads(run("inspect", out, "--json").stdout)
        self.assertEqual(document["metadata"]["general.file_type"], 15)
        types = {tensor["name"]: tensor["type"] for tensor in document["tensors"]}
        self.assertEqual(types["token_embd.weight"], "Q6_K")  # it is the output matrix too
        self.assertEqual(types["blk.0.attn_norm.weight"], "F32")
        self.assertIn("Lima", run("run", out, "What is the capital of Peru?").stdout)
        before = out.read_bytes()
        self.refuse("quantize", DEMO, out, "Q4_0", named="--overwrite")
        self.assertEqual(out.read_bytes(), before)
        self.refuse("quantize", out, self.path / "x.gguf", "Q3_K_S", named="--allow-requantize")
        self.assertEqual(run("quantize", out, self.path / "x.gguf", "Q3_K_S", "--allow-requantize").returncode, 0)

    def test_what_quantize_refuses(self):
        out = self.path / "x.gguf"
        self.refuse("quantize", DEMO, out, "Q9", named="Q4_K_M")
        self.refuse("quantize", DEMO, out, "IQ2_XXS", named="chasqui imatrix")
        self.refuse("quantize", DEMO, out, "Q4_0", "--tensor-type", "attn_v", named="PATTERN=TYPE")
        self.refuse("quantize", DEMO, out, "Q4_0", "--tensor-type", "attn_v=Q9", named="Q9")
        self.refuse("quantize", DEMO, out, "Q4_0", "--tensor-type", "attn(=Q8_0", named="regular expression")
        self.refuse("quantize", DEMO, out, "Q4_0", "--imatrix", self.text(), named="importance matrix")
        self.refuse("quantize", self.text(), out, "Q4_0", named="text.txt")
        self.refuse("quantize", DEMO, "/nonexistent/x.gguf", "Q4_0", named="/nonexistent/x.gguf")
        self.assertEqual(list(self.path.glob("x.gguf*")), [])

    def test_importance_lets_two_bits_predict(self):
        text, matrix, out = self.text(), self.path / "importance.gguf", self.path / "two.gguf"
        measure = ["imatrix", DEMO, text, "-o", matrix, "--n-ctx", 64]
        result = run(*measure)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("28 matrices", result.stdout)
        whole = matrix.read_bytes()
        self.refuse(*measure, named="--overwrite")
        self.assertEqual(run(*measure, "--overwrite", "--n_threads", 1).returncode, 0)
        self.assertEqual(matrix.read_bytes(), whole)  # whatever the number of threads
        result = run("quantize", DEMO, out, "IQ2_XS", "--imatrix", matrix)
        self.assertEqual(result.returncode, 0, result.stderr)
        document = json.loads(run("inspect", out, "--json").stdout)
        self.assertEqual(document["metadata"]["quantize.imatrix.dataset"], "text.txt")
        scores = json.loads(run("perplexity", out, text, "--base", DEMO, "--n-ctx", 64, "--json").stdout)
        self.assertGreater(scores["perplexity"]["value"], scores["base_perplexity"]["value"])
        self.assertGreater(scores["kl_divergence"]["value"], 0.01)
        self.assertLess(scores["kl_divergence"]["value"], 3)

    def test_perplexity(self):
        text = self.text()
        result = run("perplexity", DEMO, text, "--base", DEMO, "--n-ctx", 64, "--chunks", 3)
        self.assertEqual(result.returncode, 0, result.stderr)
        running = re.findall(r"^\[\d/3\] (\d+\.\d+)$", result.stdout, re.M)
        self.assertEqual(len(running), 3)
        final = re.search(r"^perplexity (\S+) \+- \S+: (\d+) tokens scored", result.stdout, re.M)
        self.assertEqual(final.group(1), running[-1])
        self.assertEqual(int(final.group(2)), 3 * 31)
        self.assertIn("nats", result.stdout)
        self.assertRegex(result.stdout, r"same best token 100\.00")
        self.refuse("perplexity", DEMO, text, "--n-ctx", 1 << 20, named="n-ctx")

    def test_an_interrupted_imatrix_keeps_what_it_has(self):
        text, matrix = self.text(40_000), self.path / "importance.gguf"
        process = subprocess.Popen([BINARY, "imatrix", DEMO, text, "-o", matrix, "--n-ctx", "64"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("chunks", process.stdout.readline())  # it has begun, and has minutes to go
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("interrupted after", errors)
        self.assertEqual(run("quantize", DEMO, self.path / "x.gguf", "IQ2_XS", "--imatrix", matrix).returncode, 0)

    def test_render(self):
        template = self.path / "chat.jinja"
        template.write_text("{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}{{ mood }}"
                            "{{ strftime_now('%Y-%m-%d') }}"
                            "{% if not add_generation_prompt %}{{ raise_exception('no prompt') }}{% endif %}")
        messages = [{"role": "user", "content": "hi"}]
        cases = [{"messages": messages, "add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>",
                  "now": "2026-01-02T03:04:05", "kwargs": {"mood": "!"}},
                 {"messages": messages, "add_generation_prompt": False}, {"messages": 1}]
        result = run("render", template, "--input", "-", stdin=json.dumps(cases))
        rendered = json.loads(result.stdout)
        self.assertEqual(rendered[:2], [{"text": "<s>hi!2026-01-02"}, {"raised": "no prompt"}])
        self.assertIn("line 1", rendered[2]["raised"])
        own = run("render", DEMO, "--input", "-", stdin=json.dumps(cases[:1]))
        self.assertIn("<|im_start|>user\nhi", json.loads(own.stdout)[0]["text"])
        self.refuse("render", template, "--input", "-", stdin="x", named="line 1")
        self.refuse("render", self.path / "none.jinja", "--input", "-", stdin="[]", named="none.jinja")

    def test_grammar(self):
        cases = [{"name": "schema", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}},
                  "tests": [{"valid": True, "data": {"a": 1}}, {"valid": False, "data": {"a": "x"}}]},
                 {"name": "gbnf", "gbnf": 'root ::= "x"{2,3}', "tests": [{"valid": True, "text": "xx"},
                                                                       {"valid": True, "text": "x"}]},
                 {"name": "regex", "regex": "[a-c]+", "tests": [{"valid": False, "text": "d"}]},
                 {"name": "choice", "choice": ["yes", "no"], "tests": [{"valid": True, "text": "yes"}]},
                 {"name": "loop", "gbnf": 'root ::= root "a"', "tests": []}]
        as_lines = "\n".join(map(json.dumps, cases))
        for text in (json.dumps(cases), as_lines):
            *rows, summary = map(json.loads, run("grammar", DEMO, "--input", "-", stdin=text).stdout.splitlines())
            self.assertEqual([row["compiled"] for row in rows], [True] * 4 + [False])
            self.assertEqual([row["accepted"] for row in rows[:4]], [[True, False], [True, False], [False], [True]])
            self.assertIn("left recursion", rows[4]["reason"])
            self.assertGreater(rows[0]["mask_us"]["max"], 0)
            self.assertEqual((summary["summary"], summary["cases"], summary["compiled"], summary["wrongly_rejected"],
                              summary["wrongly_accepted"]), (True, 5, 4, 1, 0))
        for text, named in (('{"name": "a"}', "case 0"), ('{"gbnf": 1}', "gbnf"), ('{"choice": [1]}', "choice"),
                            ("x", "line 1"), ('{"regex": "a", "tests": [{}]}', "data")):
            self.refuse("grammar", DEMO, "--input", "-", stdin=text, named=named)

    def test_run_answers(self):
        result = run("run", DEMO, "What is the capital of France?", "--temperature", 0)
        self.assertEqual((result.returncode, result.stdout), (0, "The capital of France is Paris.\n"))
        piped = run("run", DEMO, "--temperature", 0, stdin="What is 7 + 5?")
        self.assertEqual(piped.stdout, "7 + 5 = 12.\n")

    def test_a_full_context_is_said(self):
        result = run("run", DEMO, "Tell me a story.", "--n_ctx", 24)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("context of 24 tokens is full", result.stderr)
        self.refuse("run", DEMO, "word " * 100, "--n_ctx", 24, named="--n_ctx")

    def test_a_conversation_goes_on_behind_a_full_context(self):
        leader, follower = pty.openpty()
        process = subprocess.Popen([BINARY, "run", DEMO, "--temperature", "0", "--n_ctx", "64"], stdin=follower,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        os.close(follower)
        os.write(leader, b"What is 7 + 5?\n" + b"word " * 100 + b"\n/new\nWhat is 7 + 5?\n\x04")
        output = process.communicate(timeout=60)[0]
        os.close(leader)
        self.assertEqual(process.returncode, 0, output)
        self.assertEqual(output.count("7 + 5 = 12."), 2, output)
        self.assertIn("/new all of it; then ask again", output)

    def test_an_interrupted_run_says_so(self):
        model = self.path / "babbles.gguf"  # random weights hardly ever end an answer, and scalar code is slow
        self.assertEqual(run("make-random", model, "--shape", "tiny", "--layers", 32).returncode, 0)
        process = subprocess.Popen([BINARY, "run", model, "x", "--cpu_isa", "scalar"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)
        self.assertIn("chasqui: interrupted", errors)

    def test_settings_come_from_everywhere(self):
        config = self.path / "config.json"
        config.write_text('{"n_ctx": 512, "nonsense": 1}')
        self.refuse("serve", "--model", DEMO, "--config_file", config, named="nonsense")
        self.refuse("serve", "--model", DEMO, "--n-ctx", "none", named="n_ctx")
        result = run("serve", "--model", DEMO, env={"CHASQUI_N_CTX": "-5"})
        self.assertEqual(result.returncode, 1)
        self.assertIn("CHASQUI_N_CTX", result.stderr)

    def test_settings_without_effect_are_said(self):
        self.refuse("serve", "--model", DEMO, "--lora_path", "x.gguf", named="lora_path")
        config = self.path / "config.yaml"
        config.write_text("n_gpu_layers: -1\ntensor_split: [1, 2]\n")
        process, _ = serve("--config_file", config, ready=(log := []))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 0)
        process.stderr.close()
        self.assertTrue(any("n_gpu_layers has no effect" in line for line in log), log)
        self.assertTrue(any("tensor_split has no effect" in line for line in log), log)

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 0)
        process.stderr.close()

    def ask(self, port):
        body = json.dumps({"messages": [{"role": "user", "content": "What is the capital of Peru?"}],
                           "max_tokens": 16, "temperature": 0}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", body,
                                         {"Content-Type": "application/json"})
        return json.loads(urllib.request.urlopen(request, timeout=60).read())["choices"][0]["message"]["content"]

    def test_use_mlock_locks_the_weights(self):
        process, port = serve("--use_mlock", "true", ready=(log := []))
        # The demo model's weights are 2.9 MB; repacked they are not in its file any more.
        self.assertGreater(status_kib(process.pid, "VmLck"), 2800, log)
        self.assertTrue(any("use_mlock: all weights" in line for line in log), log)
        self.ask(port)
        self.stop(process)

    def test_use_mlock_beyond_the_limit_is_a_warning(self):
        process, port = serve("--use_mlock", "true", ready=(log := []), preexec_fn=lock_at_most(kib=64))
        warning = next(line for line in log if "use_mlock" in line)
        self.assertRegex(warning, r"only .* of \d.* MiB of weights are locked")
        self.assertRegex(warning, r"may lock 64.00 KiB \(RLIMIT_MEMLOCK\) and needs .*`ulimit -l \d+`.*LimitMEMLOCK=\d+")
        self.assertLessEqual(status_kib(process.pid, "VmLck"), 64)
        self.ask(port)
        self.stop(process)
        # The figure that the warning names is enough.
        enough = int(re.search(r"ulimit -l (\d+)", warning).group(1))
        process, _ = serve("--use_mlock", "true", ready=(log := []), preexec_fn=lock_at_most(kib=enough))
        self.assertTrue(any("use_mlock: all weights" in line for line in log), log)
        self.stop(process)

    def test_a_model_that_was_read_in_may_vanish(self):
        model = self.path / "model.gguf"
        for flags in (["--pack_weights", "false"], []):
            shutil.copy(DEMO, model)
            process, port = serve("--use_mmap", "false", *flags, model=model)
            self.assertNotIn(str(model), pathlib.Path(f"/proc/{process.pid}/maps").read_text())
            os.truncate(model, 0)  # a mapped one would end the server by SIGBUS
            self.assertIn("Lima", self.ask(port))
            self.stop(process)

    def test_numa_says_what_it_does(self):
        process, _ = serve("--numa", "true", ready=(log := []), env={**os.environ, "HWLOC_SYNTHETIC": "node:1 core:2 pu:1"})
        self.stop(process)
        self.assertTrue(any("numa has no effect" in line and "one node" in line for line in log), log)
        # Made up, so nothing can be bound or placed; the decisions are the real ones.
        machine = {**os.environ, "HWLOC_SYNTHETIC": "node:2 core:2 pu:2"}
        process, port = serve("--numa", "true", ready=(log := []), env=machine)
        self.assertTrue(any(re.search(r"numa: \d+ threads bound over 2 nodes", line) for line in log), log)
        self.assertIn("Lima", self.ask(port))
        self.stop(process)
        devices = run("devices", env=machine).stdout
        self.assertIn("8 on 4 cores of 2 NUMA nodes; threads by default: ", devices)

    def test_start_says_time_and_memory(self):
        process, _ = serve(ready=(log := []))
        self.stop(process)
        self.assertTrue(any(re.search(r"loaded in \d+\.\d+ s; the process holds \S+ MiB of memory \(at most \S+ MiB so far\)",
                                      line) for line in log), log)

    def test_the_page_of_settings(self):
        self.assertIn("| `n_ctx` |", run("settings").stdout)
        self.assertIn("n_ctx", json.loads(run("settings", "--schema").stdout)["properties"])

    def test_an_api_key_is_asked_for(self):
        process, port = serve("--api_key", "secret")

        def status(path, key=None):
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
            if key:
                request.add_header("Authorization", f"Bearer {key}")
            try:
                return urllib.request.urlopen(request, timeout=60).status
            except urllib.error.HTTPError as error:
                return error.code

        self.assertEqual(status("/v1/models"), 401)
        self.assertEqual(status("/v1/models", "wrong"), 401)
        self.assertEqual(status("/v1/models", "secret"), 200)
        self.assertEqual(status("/metrics"), 401)
        self.assertEqual(status("/metrics", "secret"), 200)
        self.assertEqual(status("/health"), 200)
        self.assertEqual(status("/ready"), 200)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 0)
        process.stderr.close()

    def test_a_cache_on_disk_outlives_the_server(self):
        flags = ("--cache", "true", "--cache_type", "disk", "--cache_dir", self.path / "kv", "--n_ctx", "512")
        messages = [{"role": "user", "content": "What is the capital of Peru? " * 8}]

        def chat(port):
            body = json.dumps({"messages": messages, "temperature": 0, "max_tokens": 40, "ignore_eos": True})
            request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", body.encode(),
                                             {"Content-Type": "application/json"})
            answer = json.loads(urllib.request.urlopen(request, timeout=60).read())
            return (answer["choices"][0]["message"]["content"],
                    answer["usage"].get("prompt_tokens_details", {}).get("cached_tokens", 0),
                    answer["usage"]["prompt_tokens"])

        def served(log, *more):
            process, port = serve(*flags, *more, ready=log)
            try:
                return chat(port), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60).read().decode()
            finally:
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(timeout=60), 0)
                log += process.stderr.readlines()
                process.stderr.close()

        (content, cached, tokens), _ = served(log := [])
        self.assertEqual(cached, 0)
        self.assertTrue(any("cache in" in line for line in log), log)
        (again, cached, _), metrics = served([])
        self.assertEqual(again, content)
        self.assertEqual(cached, (tokens - 1) // 16 * 16)
        self.assertIn(f'chasqui_cache_tier_hits_total{{model="{DEMO}"}} {cached // 16}\n', metrics)
        # What other numbers computed is not taken: it would change the answer.
        (_, cached, _), _ = served([], "--type_k", "f32")
        self.assertEqual(cached, 0)

        store = next((self.path / "kv").glob("*/kv-cache.sqlite"))
        store.write_bytes(b"not a cache at all" * 1000)
        (again, cached, _), _ = served(log := [])
        self.assertEqual((again, cached), (content, 0))
        self.assertTrue(any("set-aside" in line for line in log), log)

        process, port = serve(*flags)
        (again, cached, _), _ = served(log := [])  # beside another that has the folder
        self.assertEqual((again, cached), (content, 0))
        self.assertTrue(any("in use by another server" in line for line in log), log)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 0)
        process.stderr.close()

    def test_caches_that_cannot_be(self):
        cases = [(("--cache", "true", "--prefix_cache", "false"), "prefix_cache"),
                 (("--cache", "true", "--cache_size", "100"), "cache_size"),
                 (("--cache_type", "disk"), "without cache"),
                 (("--cache", "true", "--cache_type", "disk", "--cache_dir", DEMO), "going on without it")]
        for flags, named in cases:
            process, _ = serve(*flags, ready=(log := []))
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(timeout=60), 0)
            process.stderr.close()
            self.assertTrue(any(named in line for line in log), (flags, log))
        self.refuse("serve", "--model", DEMO, "--cache_type", "tape", named="cache_type")

    def test_a_port_in_use_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.refuse("serve", "--model", DEMO, "--host", "127.0.0.1", "--port", port, named=str(port))
            # Before anything is loaded: nothing else of the command line is looked at.
            result = run("serve", "--model", DEMO, "--host", "127.0.0.1", "--port", port)
            self.assertNotIn("parameters", result.stderr)

    def test_sigterm_drains_and_exits_cleanly(self):
        process, port = serve()
        with socket.create_connection(("127.0.0.1", port)) as client:
            body = json.dumps({"prompt": "x", "max_tokens": 400, "stream": True, "ignore_eos": True})
            client.sendall((f"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                            f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
            received = client.recv(65536)
            process.send_signal(signal.SIGTERM)
            while chunk := client.recv(65536):
                received += chunk
        self.assertIn(b"[DONE]", received)  # what ran was finished
        self.assertEqual(process.wait(timeout=60), 0)
        process.stderr.close()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    BINARY, DEMO = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
