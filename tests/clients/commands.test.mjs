// The binary as a user starts it: exit codes, sentences on errors, signals, settings. Needs no
// running server: it starts its own, on free ports. CHASQUI_BIN names another binary.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { binary, binary_skip as skip, demo_model as model, serve } from './servers.mjs';
import { sleep, sse_data } from './support.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'chasqui-commands-'));
after(() => fs.rmSync(folder, { recursive: true }));
const file = (name, content) => {
  const full = path.join(folder, name);
  fs.writeFileSync(full, content);
  return full;
};

function run(args, { input = '', env = {}, stdout = 'pipe' } = {}) {
  const t0 = performance.now();
  const result = spawnSync(binary, args, { input, env: { ...process.env, ...env }, encoding: 'utf8', timeout: 20_000, stdio: ['pipe', stdout, 'pipe'] });
  return { ...result, ms: performance.now() - t0 };
}

// Exit code 1, soon, and one sentence that matches.
function refused(args, pattern, options) {
  const { status, stderr, ms } = run(args, options);
  const said = stderr.trim().split('\n');
  assert.equal(status, 1, `${args.join(' ')}: ${stderr}`);
  assert.match(said.at(-1), /^chasqui: /);
  assert.match(said.at(-1), pattern);
  assert.ok(ms < 5000, `took ${ms.toFixed(0)} ms`);
}

// Posts and resolves to {status, headers, text}; `on_data` is called for each part that arrives.
function post(url, where, body, on_data = () => {}) {
  return new Promise((resolve, reject) => {
    const req = http.request(url + where, { method: 'POST', agent: false, headers: { 'content-type': 'application/json' } }, (res) => {
      let text = '';
      res.on('data', (part) => { text += part; on_data(text); });
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, text }));
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(JSON.stringify(body));
  });
}

const long = { prompt: 'x', max_tokens: 900, ignore_eos: true };

describe('bad input on the command line', { skip }, () => {
  const files = {};
  before(() => {
    const whole = fs.readFileSync(model);
    files.truncated = file('truncated.gguf', whole.subarray(0, whole.length / 3));
    files.other = file('other.gguf', Buffer.alloc(5000, 'no GGUF'));
    files.empty = file('empty.gguf', '');
  });

  for (const command of [['serve', '--port', '0', '--model'], ['run'], ['inspect'], ['tokenize'], ['eval', '--input', '-']]) {
    test(`${command[0]}: models that are none`, () => {
      const input = command[0] === 'eval' ? '{"tokens": [1]}' : '';
      const missing = path.join(folder, 'missing.gguf');
      refused([...command, missing], /missing\.gguf/, { input });
      refused([...command, files.truncated], /truncated\.gguf.*damaged or was not copied completely/, { input });
      refused([...command, files.other], /not a GGUF file/, { input });
      refused([...command, files.empty], /empty\.gguf/, { input });
      refused([...command, folder], /not a regular file/, { input });
    });
  }

  test('serve says that the path does not exist', () => refused(['serve', '--model', '/no/model.gguf'], /Model path does not exist: \/no\/model\.gguf/));

  test('inputs that are no JSON, or another', () => {
    for (const command of ['tokenize', 'detokenize', 'eval']) {
      refused([command, model, '--input', '-'], /not JSON/, { input: '{bad' });
      refused([command, model, '--input', path.join(folder, 'missing.json')], /cannot read .*missing\.json/);
      refused([command, model, '--input', '-'], /./, { input: '[1]' });
    }
    refused(['detokenize', model, '--input', '-'], /ids\[0\] must be a token id from 0 to 1791/, { input: '[{"ids": [99999]}]' });
    refused(['eval', model, '--input', '-'], /positions\[1\] must be a position from 0 to 1$/, { input: '{"tokens": [1, 2], "positions": [0, 5]}' });
  });

  test('places that cannot be written', () => {
    refused(['make-random', '/no/folder/x.gguf', '--shape', 'tiny'], /\/no\/folder\/x\.gguf/);
    refused(['inspect', model, '--tensor', 'output_norm.weight', '--dump', '/no/folder/x'], /cannot write/);
    refused(['make-random', folder, '--shape', 'tiny', '--overwrite'], /not a regular file/);
    const full = fs.openSync('/dev/full', 'w');
    for (const args of [['inspect', model, '--json'], ['tokenize', model, 'hello']]) refused(args, /./, { stdout: full });
    fs.closeSync(full);
  });

  test('a wrong command is named', () => {
    const { status, stderr } = run(['srve']);
    assert.notEqual(status, 0);
    assert.match(stderr, /srve/);
  });

  test('run without a question', () => refused(['run', model], /no question/));
});

describe('settings', { skip }, () => {
  test('bad ones name the setting and what is allowed', () => {
    const start = ['serve', '--model', model, '--port', '0'];
    refused([...start, '--n-ctx', 'many'], /n_ctx is "many"; allowed is an integer from 0 to /);
    refused(start, /CHASQUI_N_CTX in the environment: n_ctx is "-1"/, { env: { CHASQUI_N_CTX: '-1' } });
    refused([...start, '--config_file', file('c.json', '{"nctx": 1}')], /there is no setting "nctx"/);
    refused([...start, '--config_file', file('c.json', '{"n_ctx": "x"}')], /c\.json: n_ctx is "x"/);
    refused([...start, '--chat_format', 'nope'], /known are .*chatml/);
    refused([...start, '--n_ctx', '16777216', '--kv_tokens', '1073741824'], /takes .* but this machine has/);
  });

  test('come from flags, the environment and a file, in this order', async () => {
    const config = file('good.json', '{"n_ctx": 100, "model_alias": "from-file", "n_queue": 3}');
    const server = await serve(['--config-file', config, '--n-ctx', '300'], { N_CTX: '200', MODEL_ALIAS: 'from-environment' });
    assert.match(server.log(), /context 300,/);
    const reply = await post(server.url, '/v1/completions', { prompt: 'x', max_tokens: 1 });
    assert.equal(JSON.parse(reply.text).model, 'from-environment');
    server.child.kill();
    assert.equal(await server.exit, 0);
  });

  test('a long context takes no memory until it is used', async () => {
    // 400,000 scores of 1792 tokens would be 2.9 GB.
    const server = await serve(['--n_ctx', '400000', '--kv_tokens', '400000']);
    const reply = await post(server.url, '/v1/completions', { prompt: 'x', max_tokens: 3, logprobs: 2 });
    assert.equal(reply.status, 200);
    const kib = Number(fs.readFileSync(`/proc/${server.child.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]);
    server.child.kill();
    assert.equal(await server.exit, 0);
    assert.ok(kib < 300 * 1024, `${kib} KiB are in memory`);
  });

  test('pin_threads binds every thread that computes, and no other', async () => {
    const server = await serve(['--pin_threads', '--n_threads', '2']);
    const tasks = `/proc/${server.child.pid}/task`;
    const threads = fs.readdirSync(tasks).map((id) => ({ name: fs.readFileSync(`${tasks}/${id}/comm`, 'utf8').trim(), processors: fs.readFileSync(`${tasks}/${id}/status`, 'utf8').match(/Cpus_allowed_list:\s+(\S+)/)[1] }));
    server.child.kill();
    assert.equal(await server.exit, 0);
    const computing = threads.filter(({ name }) => name === 'engine' || name.startsWith('team-'));
    assert.equal(computing.length, 2);
    for (const { name, processors } of computing) assert.match(processors, /^\d+$/, name);
    if (os.cpus().length < 2) return;
    assert.equal(new Set(computing.map(({ processors }) => processors)).size, 2);
    assert.ok(threads.some(({ name, processors }) => !computing.some((one) => one.name === name) && !/^\d+$/.test(processors)));
  });

  test('a port in use', async () => {
    const holder = net.createServer();
    await new Promise((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address();
    refused(['serve', '--model', model, '--host', '127.0.0.1', '--port', String(port)], new RegExp(`cannot listen on 127\\.0\\.0\\.1 port ${port}: Address already in use`));
    holder.close();
  });

  test('few open files: fewer connections, and a clear refusal', async () => {
    const { status, stderr } = spawnSync('bash', ['-c', `ulimit -n 16; exec "$0" serve --model "$1" --port 0`, binary, model], { encoding: 'utf8' });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /only 16 open files are allowed/);
  });
});

describe('signals', { skip, concurrency: false }, () => {
  test('SIGTERM lets a stream end, refuses new ones, exits 0', async () => {
    const server = await serve();
    let killed = false;
    const reply = await post(server.url, '/v1/completions', { ...long, stream: true }, () => {
      if (!killed) server.child.kill('SIGTERM');
      killed = true;
    });
    assert.equal(sse_data(reply.text).at(-1), '[DONE]');
    assert.match(reply.text, /"finish_reason":"length"/);
    assert.equal(await server.exit, 0);
  });

  test('a second one exits at once', async () => {
    const server = await serve(['--n_threads', '1']);
    const crowd = Array.from({ length: 40 }, () => post(server.url, '/v1/completions', long).catch(() => null));
    await sleep(150);
    server.child.kill('SIGTERM');
    await sleep(100);
    const t0 = performance.now();
    server.child.kill('SIGTERM');
    await server.exit;
    assert.ok(performance.now() - t0 < 1000);
    await Promise.all(crowd);
  });

  test('when the time to drain is over, clients are told', async () => {
    const server = await serve(['--drain_seconds', '0', '--n_threads', '1']);
    const body = { ...long, n: 64 };
    const whole = post(server.url, '/v1/completions', body);
    let killed = false;
    const stream = post(server.url, '/v1/completions', { ...body, stream: true }, () => {
      if (!killed) server.child.kill('SIGTERM');
      killed = true;
    });
    assert.equal((await whole).status, 503);
    const events = sse_data((await stream).text);
    assert.equal(events.at(-1), '[DONE]');
    assert.match(JSON.parse(events.at(-2)).error.message, /shutting down/);
    assert.equal(await server.exit, 0);
  });
});

describe('one server', { skip, concurrency: false }, () => {
  let server;
  before(async () => { server = await serve(['--n_parallel', '1', '--n_queue', '1']); });
  after(() => server?.child.kill());

  test('a stream has a chunk for each token', async () => {
    const messages = [{ role: 'user', content: 'What is the capital of Peru?' }];
    const ask = async (stream) => (await post(server.url, '/v1/chat/completions', { messages, temperature: 0, stream })).text;
    const { usage, choices } = JSON.parse(await ask(false));
    const parts = sse_data(await ask(true)).slice(0, -1).map((data) => JSON.parse(data).choices[0].delta.content).filter(Boolean);
    assert.equal(parts.join(''), choices[0].message.content);
    assert.equal(parts.length, usage.completion_tokens);
  });

  test('beyond the queue: 503 and Retry-After', async () => {
    const replies = await Promise.all(Array.from({ length: 6 }, () => post(server.url, '/v1/completions', long)));
    const full = replies.filter((reply) => reply.status === 503);
    assert.ok(full.length >= 1 && full.length <= 4, `${full.length} of 6 were refused`);
    for (const reply of full) {
      assert.ok(Number(reply.headers['retry-after']) >= 1);
      assert.equal(JSON.parse(reply.text).error.type, 'overloaded_error');
    }
  });

  test('a batch of 2048 inputs passes a queue of one', async () => {
    const input = Array.from({ length: 2048 }, (_, i) => `text ${i}`);
    const reply = await post(server.url, '/v1/embeddings', { input, dimensions: 4 });
    assert.equal(reply.status, 200, reply.text.slice(0, 300));
    assert.deepEqual(JSON.parse(reply.text).data.map((item) => item.index), input.map((_, i) => i));
  });
});
