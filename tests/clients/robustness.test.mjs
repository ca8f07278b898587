// What a hostile or unlucky internet does to a server: crowds, clients that vanish or do not read,
// and bodies that are no requests. After each, the server must answer as if nothing had happened.
// With CHASQUI_PID its threads and memory are watched too.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, describe, test } from 'node:test';
import { base, model, post_bytes, raw, request, skip, sleep, sse_data } from './support.mjs';

const pid = process.env.CHASQUI_PID;
const proc = (field) => Number(fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))[1]);
const watched = pid !== undefined && fs.existsSync(`/proc/${pid}/status`);

// The server is well: it is healthy and completes a small request.
async function assert_alive() {
  const health = await request('GET', '/health');
  assert.equal(health.status, 200);
  const reply = await request('POST', '/v1/completions', { model, prompt: 'alive', max_tokens: 1 });
  assert.equal(reply.status, 200, reply.text);
}

// Opens a stream; resolves to {text, done} when it ends, or after `vanish_after` events.
function stream(body, vanish_after = Infinity) {
  return new Promise((resolve, reject) => {
    const payload = JSON.stringify({ model, stream: true, ...body });
    const req = http.request(`${base}/v1/completions`, { method: 'POST', agent: false, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) } }, (res) => {
      if (res.statusCode !== 200) { res.resume(); return reject(new Error(`status ${res.statusCode}`)); }
      res.setEncoding('utf8');
      let text = '', events = 0;
      res.on('data', (part) => {
        text += part;
        events = text.split('data: ').length - 1;
        if (events < vanish_after) return;
        req.destroy();
        resolve({ text, vanished: true });
      });
      res.on('end', () => resolve({ text, vanished: false }));
      res.on('error', (error) => events >= vanish_after ? resolve({ text, vanished: true }) : reject(error));
    });
    req.on('error', (error) => error.code === 'ECONNRESET' || error.code === 'ABORT_ERR' ? resolve({ text: '', vanished: true }) : reject(error));
    req.end(payload);
  });
}

describe('crowds', { skip, concurrency: false }, () => {
  test('64 streams, of which a third vanish', { timeout: 600_000 }, async (t) => {
    await assert_alive();
    const before = watched ? { threads: proc('Threads'), rss: proc('VmRSS') } : null;
    const crowd = (tokens) => Promise.all(Array.from({ length: 64 }, (_, i) => stream({ prompt: `Client ${i} tells: `, max_tokens: tokens, ignore_eos: true, seed: i }, i % 3 === 0 ? 2 + (i % 5) : Infinity)));
    if (watched) { await crowd(8); before.rss = proc('VmRSS'); }  // caches are warm now

    let running = true;
    const waits = [];
    const watch = (async () => {
      while (running) {
        const t0 = performance.now();
        const reply = await request('GET', '/health');
        waits.push(performance.now() - t0);
        assert.equal(reply.status, 200);
        await sleep(10);
      }
    })();
    const results = await crowd(48);
    running = false;
    await watch;

    for (const [i, result] of results.entries()) {
      if (i % 3 === 0) continue;
      const data = sse_data(result.text);
      assert.equal(data.at(-1), '[DONE]', `stream ${i} was cut`);
      const finish = data.slice(0, -1).map((item) => JSON.parse(item).choices[0].finish_reason).filter(Boolean);
      assert.deepEqual(finish, ['length']);
    }
    waits.sort((a, b) => a - b);
    const at = (share) => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))];
    t.diagnostic(`/health during the crowd: ${waits.length} answers, p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms, slowest ${at(1).toFixed(1)} ms (goal: 50 ms)`);
    assert.ok(at(1) < 250, `the slowest /health took ${at(1).toFixed(0)} ms`);

    // A stream alone again: those that vanished are really gone.
    const alone = await stream({ prompt: 'Client 1 tells: ', max_tokens: 48, ignore_eos: true, seed: 1 });
    const text_of = (text) => sse_data(text).slice(0, -1).map((item) => JSON.parse(item).choices[0].text).join('');
    assert.equal(text_of(alone.text), text_of(results[1].text), 'the same request and seed, alone and in a crowd');
    if (!watched) return t.diagnostic('set CHASQUI_PID to watch threads and memory');
    await sleep(500);
    const later = { threads: proc('Threads'), rss: proc('VmRSS') };
    t.diagnostic(`threads ${before.threads} -> ${later.threads}, RSS ${before.rss} -> ${later.rss} KiB`);
    assert.equal(later.threads, before.threads);
    assert.ok(later.rss < before.rss * 1.1 + 16 * 1024, `RSS grew from ${before.rss} to ${later.rss} KiB`);
  });

  test('a crowd that vanishes before any answer', { timeout: 120_000 }, async () => {
    const url = new URL(base);
    const body = JSON.stringify({ model, prompt: 'gone '.repeat(50), max_tokens: 400, ignore_eos: true, stop: [] });
    await Promise.all(Array.from({ length: 64 }, () => new Promise((resolve) => {
      const socket = net.connect({ host: url.hostname, port: Number(url.port || 80) }, () => {
        socket.write(post_bytes('/v1/completions', body));
        setTimeout(() => { socket.destroy(); resolve(); }, 50);
      });
      socket.on('error', () => {});
    })));
    const t0 = performance.now();
    await assert_alive();
    assert.ok(performance.now() - t0 < 30_000, 'requests of clients that left must not be worked off');
  });

  test('a client that stalls does not hold up others', { timeout: 120_000 }, async () => {
    const url = new URL(base);
    const stalled = net.connect({ host: url.hostname, port: Number(url.port || 80) }, () => {
      stalled.write(post_bytes('/v1/completions', JSON.stringify({ model, prompt: 'slow', max_tokens: 500, ignore_eos: true, stream: true, logprobs: 20 })));
    });
    stalled.on('error', () => {});
    stalled.pause();  // reads nothing
    await sleep(200);
    await assert_alive();
    stalled.destroy();
    await assert_alive();
  });
});

describe('bad input', { skip, concurrency: false }, () => {
  after(assert_alive);

  const completions = '/v1/completions';
  const chat = '/v1/chat/completions';
  const nested = (open, close, depth) => open.repeat(depth) + close.repeat(depth);
  const bodies = [
    ['nothing', completions, ''],
    ['no JSON', completions, 'hello'],
    ['half an object', completions, '{"prompt": "x"'],
    ['two objects', completions, '{}{}'],
    ['200 levels deep', completions, `{"prompt": ${nested('[', ']', 200)}}`],
    ['3000 opening brackets', completions, '['.repeat(3000)],
    ['100000 levels of objects', chat, '{"a":'.repeat(100_000)],
    ['invalid UTF-8', completions, Buffer.from([...Buffer.from('{"prompt": "'), 0xff, 0xc0, 0x80, ...Buffer.from('"}')])],
    ['a NUL byte', completions, Buffer.from('{"prompt": "\0"}')],
    ['a lone surrogate', completions, '{"prompt": "\\udc00"}'],
    ['a BOM', completions, Buffer.from('\ufeff{}')],
    ['NaN', completions, '{"temperature": NaN}'],
    ['1e400', completions, '{"prompt": "x", "temperature": 1e400}'],
    ['a huge integer', completions, '{"prompt": "x", "max_tokens": 99999999999999999999999}'],
    ['a negative huge integer', completions, '{"prompt": "x", "top_k": -99999999999999999999999}'],
    ['a million stops', completions, JSON.stringify({ prompt: 'x', stop: Array(1_000_000).fill('a') })],
    ['a long stop', completions, JSON.stringify({ prompt: 'x', stop: 'a'.repeat(100_000) })],
    ['a huge n', completions, '{"prompt": "x", "n": 1000000000}'],
    ['many biases', completions, JSON.stringify({ prompt: 'x', logit_bias: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [i, 1])) })],
    ['a bias of no token', completions, '{"prompt": "x", "logit_bias": {"99999999": 1}}'],
    ['a token of no vocabulary', completions, '{"prompt": [2147483647]}'],
    ['a negative token', completions, '{"prompt": [-2147483648]}'],
    ['messages of nothing', chat, '{"messages": [null, 1, []]}'],
    ['a million messages', chat, JSON.stringify({ messages: Array(300_000).fill({}) })],
    ['an image from the server\'s disk', chat, JSON.stringify({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }] }] })],
    ['a million parts', chat, JSON.stringify({ messages: [{ role: 'user', content: Array(300_000).fill({ type: 'text', text: '' }) }] })],
    ['embeddings of nothing', '/v1/embeddings', '{"input": []}'],
    ['too many inputs', '/v1/embeddings', JSON.stringify({ input: Array(3000).fill('x') })],
    ['documents of nothing', '/v1/rerank', '{"query": "x", "documents": []}'],
    ['too many documents', '/v1/rerank', JSON.stringify({ query: 'x', documents: Array(3000).fill('x') })],
    ['a document that is none', '/v1/rerank', '{"query": "x", "documents": [[]]}'],
    ['dimensions of nothing', '/v1/embeddings', '{"input": "x", "dimensions": 0}'],
  ];
  for (const [name, path, body] of bodies) {
    test(`${name} is 400 in OpenAI's shape`, async () => {
      const reply = await request('POST', path, body);
      assert.equal(reply.status, 400, reply.text.slice(0, 300));
      assert.equal(typeof reply.json?.error?.message, 'string', reply.text.slice(0, 300));
      assert.ok(reply.text.length < 2000, 'an error repeats no more than a little of its request');
    });
  }

  // Every field with every wrong kind of value: never a 500, never a hang.
  const fields = {
    [completions]: ['prompt', 'suffix', 'max_tokens', 'temperature', 'top_p', 'min_p', 'top_k', 'repeat_penalty', 'presence_penalty', 'frequency_penalty', 'stop', 'stream', 'stream_options', 'seed', 'logit_bias', 'logit_bias_type', 'mirostat_mode', 'mirostat_tau', 'mirostat_eta', 'grammar', 'structured_outputs', 'guided_json', 'guided_regex', 'guided_choice', 'guided_grammar', 'model', 'n', 'best_of', 'user', 'echo', 'logprobs', 'min_tokens', 'stop_token_ids', 'ignore_eos', 'typical_p', 'tfs_z'],
    [chat]: ['messages', 'max_tokens', 'max_completion_tokens', 'temperature', 'stop', 'stream', 'stream_options', 'seed', 'logit_bias', 'n', 'logprobs', 'top_logprobs', 'response_format', 'tools', 'tool_choice', 'functions', 'function_call', 'parallel_tool_calls', 'chat_template_kwargs', 'reasoning_effort', 'user', 'model'],
    '/v1/embeddings': ['input', 'model', 'encoding_format', 'dimensions', 'truncate', 'user'],
  };
  const values = [true, -1, 0.5, 1e300, 'text', '', [[]], [null], [{}], { a: [] }, {}];
  const good = { [completions]: { prompt: 'x', max_tokens: 1 }, [chat]: { messages: [{ role: 'user', content: 'x' }], max_tokens: 1 }, '/v1/embeddings': { input: 'x' } };
  for (const [path, names] of Object.entries(fields)) {
    test(`${path}: wrong types in every field`, { timeout: 120_000 }, async () => {
      for (const name of names) {
        for (const value of values) {
          const reply = await request('POST', path, { ...good[path], [name]: value, ...(name.includes('max') ? {} : {}) });
          assert.ok(reply.status === 200 || reply.status === 400, `${name} = ${JSON.stringify(value)}: ${reply.status} ${reply.text.slice(0, 200)}`);
          if (reply.status === 400) assert.ok(reply.json.error.param?.startsWith(name) || ['messages', 'prompt', 'top_logprobs', 'best_of'].includes(reply.json.error.param), `${name} = ${JSON.stringify(value)}: ${reply.text.slice(0, 200)}`);
        }
      }
    });
  }

  test('a preflight is answered with one origin', async () => {
    const origin = 'http://app.example';
    const reply = await request('OPTIONS', chat, undefined, { headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' } });
    assert.equal(reply.status, 200);
    // Node joins fields of one name with a comma; browsers refuse such an answer.
    assert.equal(reply.headers['access-control-allow-origin'], origin);
    assert.equal(reply.headers['access-control-allow-credentials'], 'true');
    assert.equal(reply.headers['access-control-allow-headers'], 'authorization,content-type');
  });

  test('a body over the limit is 413, before it is sent', async () => {
    const head = `POST ${completions} HTTP/1.1\r\nHost: ${new URL(base).host}\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{`;
    assert.match(await raw(head), /^HTTP\/1\.1 413 /);
  });

  const lines = [
    ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.[01] 400 |^$/],
    ['a length that is none', `POST ${completions} HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n`, /^HTTP\/1\.1 400 /],
    ['two lengths', `POST ${completions} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x`, /^HTTP\/1\.1 400 /],
    ['a header that never ends', `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(200_000)}\r\n\r\n`, /^HTTP\/1\.1 431 |^$/],
    ['binary noise', Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) & 255)), /^HTTP\/1\.[01] 400 |^$/],
  ];
  for (const [name, bytes, pattern] of lines) {
    test(`${name} on a raw socket`, async () => {
      assert.match(await raw(bytes), pattern);
      await assert_alive();
    });
  }

  test('clients that leave in the middle of a body', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => raw(post_bytes(completions, JSON.stringify({ prompt: 'x'.repeat(1000) })).subarray(0, 100 + i * 30), { wait_ms: 100 })));
    await assert_alive();
  });
});
