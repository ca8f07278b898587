#!/usr/bin/env python3
"""Getting models and looking at them, as a user types it: pull from a hub on this machine, inspect, overrides,
vocab_only, and models that cannot run.

    models_test.py BINARY DEMO_MODEL
"""
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import pty
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import cli_test

COMMIT = "0123456789abcdef0123456789abcdef01234567"
# A refusal reads metadata only. It takes milliseconds; the rest is for a busy machine.
REFUSAL_SECONDS = 5


class Hub(http.server.BaseHTTPRequestHandler):
    """Plays the hub for one repository, org/demo-GGUF; the server has `files`, `pause` (seconds between pieces) and
    `ranges` (what was asked for)."""

    def do_GET(self):
        files = self.server.files
        if self.path.startswith("/api/models/org/demo-GGUF/revision/main"):
            siblings = [{"rfilename": name, "lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}}
                        for name, data in files.items()]
            return self.answer(200, json.dumps({"sha": COMMIT, "siblings": siblings}).encode())
        prefix = f"/org/demo-GGUF/resolve/{COMMIT}/"
        if not self.path.startswith(prefix):
            return self.answer(404, b"", {"X-Error-Code": "RepoNotFound"})
        data = files[self.path[len(prefix):]]
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        if wanted is None:
            return self.answer(200, data)
        first = int(wanted[len("bytes="):-1])
        return self.answer(206, data[first:], {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"})

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the client may leave
            for at in range(0, len(body), 100_000):
                self.wfile.write(body[at:at + 100_000])
                time.sleep(self.server.pause)

    def log_message(self, *args):
        pass


class Models(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.demo = pathlib.Path(cli_test.DEMO).read_bytes()

    def start_hub(self, **files):
        hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
        hub.files = {name.replace("__", "-") + ".gguf": data for name, data in files.items()}
        hub.pause, hub.ranges, hub.daemon_threads = 0, [], True
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        self.addCleanup(hub.server_close)
        self.addCleanup(hub.shutdown)
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("HF_", "HUGGING"))}
        self.env = {**kept, "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}", "HF_HOME": str(self.path / "hf")}
        return hub

    def refuse(self, *args, named, env=None):
        begin = time.monotonic()
        result = cli_test.run(*args, env=env)
        self.assertLess(time.monotonic() - begin, REFUSAL_SECONDS)
        self.assertEqual(result.returncode, 1, result.stderr)
        message = [line for line in result.stderr.splitlines() if line.startswith("chasqui: ")]
        self.assertEqual(len(message), 1, result.stderr)
        self.assertIn(named, message[0])

    def test_pull_and_run(self):
        hub = self.start_hub(demo__Q8_0=self.demo, demo__F16=b"not this one", mmproj__demo__Q8_0=b"nor this")
        first = cli_test.run("pull", "org/demo-GGUF", env=self.env)
        self.assertEqual(first.returncode, 0, first.stderr)
        path = pathlib.Path(first.stdout.strip())
        self.assertEqual(path, self.path / "hf/hub/models--org--demo-GGUF/snapshots" / COMMIT / "demo-Q8_0.gguf")
        self.assertEqual(path.read_bytes(), self.demo)
        again = cli_test.run("pull", "org/demo-GGUF:q8_0", env=self.env)
        self.assertIn("nothing downloaded", again.stderr)
        self.assertEqual(again.stdout, first.stdout)
        self.assertEqual(hub.ranges, [None])
        offline = cli_test.run("pull", "org/demo-GGUF", env={**self.env, "HF_HUB_OFFLINE": "1"})
        self.assertEqual(offline.stdout, first.stdout)
        self.refuse("pull", "org/demo-GGUF:Q4_K_M", named="it has F16, Q8_0", env=self.env)
        self.refuse("pull", "org/other", named="org/other does not exist", env=self.env)
        self.refuse("pull", "../x", named="write ORG/NAME", env=self.env)

    def test_serve_from_the_hub(self):
        self.start_hub(demo__Q8_0=self.demo)
        process, port = cli_test.serve("--hf_model_repo_id", "org/demo-GGUF", model="*Q8_0.gguf", env=self.env)
        with process:
            models = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models"))
            process.terminate()
            self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual([model["id"] for model in models["data"]], ["*Q8_0.gguf"])

    def test_interrupted_and_resumed(self):
        hub = self.start_hub(demo__Q8_0=self.demo)
        hub.pause = 0.1  # three seconds in all
        process = subprocess.Popen([cli_test.BINARY, "pull", "org/demo-GGUF"], env=self.env, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        blobs = self.path / "hf/hub/models--org--demo-GGUF/blobs"
        partial = blobs / (hashlib.sha256(self.demo).hexdigest() + ".incomplete")
        deadline = time.monotonic() + 30
        while not (partial.exists() and partial.stat().st_size > 0):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("kept for the next time", errors)
        self.assertTrue(self.demo.startswith(partial.read_bytes()))
        hub.pause = 0
        result = cli_test.run("pull", "org/demo-GGUF", env=self.env)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(hub.ranges[-1], r"^bytes=[1-9]")
        self.assertEqual(pathlib.Path(result.stdout.strip()).read_bytes(), self.demo)

    def test_progress_on_a_terminal(self):
        self.start_hub(demo__Q8_0=self.demo)
        ours, theirs = pty.openpty()
        process = subprocess.Popen([cli_test.BINARY, "pull", "org/demo-GGUF"], env=self.env, stderr=theirs,
                                   stdout=subprocess.DEVNULL)
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # a terminal whose other side is closed
            while piece := os.read(ours, 4096):
                shown += piece
        os.close(ours)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertIn(b"org/demo-GGUF [", shown)
        self.assertIn(b"100 %", shown)

    def test_inspect_says_what_running_takes(self):
        result = cli_test.run("inspect", cli_test.DEMO)
        for named in ("architecture", "parameters", "tensors", "tokenizer", "chat template  yes", "for 1,024 tokens: f16",
                      "cache tokens in f16/f16"):
            self.assertIn(named, result.stdout)
        facts = json.loads(cli_test.run("inspect", cli_test.DEMO, "--json").stdout)
        plan = facts["plan"]
        self.assertEqual(plan["weight_bytes"], sum(tensor["bytes"] for tensor in facts["tensors"]))
        self.assertEqual(sum(share["tensors"] for share in facts["types"].values()), len(facts["tensors"]))
        by_type = plan["kv_bytes_per_1k_tokens_by_type"]
        self.assertEqual(by_type["f16"], plan["kv_bytes_per_1k_tokens"])
        self.assertEqual(by_type["f32"], 2 * by_type["f16"])
        self.assertLess(by_type["q4_0"], by_type["q8_0"])
        self.assertLessEqual(plan["free_bytes"], plan["machine_bytes"])
        self.assertEqual(plan["requests_that_fit"], plan["kv_tokens_that_fit"] // plan["context"])
        self.assertIn("bos", facts["tokenizer"]["special"])

    def test_overrides(self):
        asked = ("--kv_overrides", "tokenizer.ggml.add_bos_token=bool:true", "general.name=str:a=b:c")
        facts = json.loads(cli_test.run("inspect", cli_test.DEMO, "--json", *asked).stdout)
        self.assertEqual(facts["metadata"]["general.name"], "a=b:c")
        self.assertTrue(facts["tokenizer"]["add_bos"])
        plain = cli_test.run("tokenize", cli_test.DEMO, "hello").stdout.splitlines()
        with_bos, without = (cli_test.run("tokenize", cli_test.DEMO, "hello", "--kv_overrides",
                                          f"tokenizer.ggml.add_bos_token=bool:{flag}").stdout.splitlines()
                             for flag in ("true", "false"))
        self.assertEqual(len(with_bos), len(without) + 1)
        self.assertIn(plain, (with_bos, without))
        for text, named in (("llama.context_length", "expected key=type:value"),
                            ("llama.context_length=u32:5", 'there is no type "u32"'),
                            ("llama.context_length=float:5", "write llama.context_length=int:VALUE"),
                            ("tokenizer.ggml.tokens=str:x", "is an array")):
            with self.subTest(text=text):
                self.refuse("serve", "--model", cli_test.DEMO, "--kv_overrides", text, named=named)
        added = cli_test.run("tokenize", cli_test.DEMO, "x", "--kv_overrides", "no.such.key=int:1")
        self.assertIn("has no no.such.key", added.stderr)

    def test_models_that_cannot_run(self):
        tokens = self.path / "tokens.json"
        tokens.write_text('{"tokens": [1, 2]}')
        for override, named in (("llama.block_count=int:1099511627776", "llama.block_count"),
                                ("llama.embedding_length=int:1099511627776", "llama.embedding_length"),
                                ("llama.block_count=int:100", "lacks the tensor blk."),
                                ("llama.feed_forward_length=int:64", "but the metadata asks for"),
                                ("general.architecture=str:hal9000", "hal9000")):
            for command in (("run", cli_test.DEMO, "x"), ("serve", "--model", cli_test.DEMO),
                            ("eval", cli_test.DEMO, "--input", tokens)):
                with self.subTest(override=override, command=command[0]):
                    self.refuse(*command, "--kv_overrides", override, named=named)

    def test_vocab_only(self):
        process, port = cli_test.serve("--vocab_only", "true")

        def post(path, body):
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(),
                                             {"Content-Type": "application/json"})
            return json.load(urllib.request.urlopen(request, timeout=30))

        with process:
            tokens = post("/extras/tokenize", {"input": "hello"})["tokens"]
            self.assertEqual(post("/extras/tokenize/count", {"input": "hello"})["count"], len(tokens))
            self.assertIn("hello", post("/extras/detokenize", {"tokens": tokens})["text"])
            for path in ("/v1/completions", "/v1/chat/completions", "/v1/embeddings"):
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    post(path, {"prompt": "x"})
                self.assertEqual(refused.exception.code, 400)
                error = json.load(refused.exception)["error"]
                self.assertEqual(error["code"], "vocab_only")
            for path in ("/health", "/v1/models", "/metrics"):
                self.assertEqual(urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30).status, 200)
            process.terminate()
            self.assertEqual(process.wait(timeout=60), 0)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    cli_test.BINARY, cli_test.DEMO = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
