// HTTP as nobody should send it, over plain sockets: slow, half-open, pipelined, chunked, oversized,
// malformed in every way, JSON that is none and text that is no UTF-8. Each gets a clear 4xx (or a
// closed connection where there is nobody to answer), and the server answers the next one as ever.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, describe, test } from 'node:test';
import { base, post_bytes, raw, request, skip, sleep } from './support.mjs';

const completions = '/v1/completions';
const url = base ? new URL(base) : undefined;
const host = url?.host;

async function assert_alive() {
  const reply = await request('POST', completions, { prompt: 'alive', max_tokens: 1 });
  assert.equal(reply.status, 200, reply.text);
}

// The first answer in `text`: a 4xx or 501 in OpenAI's shape.
function assert_refused(text, statuses) {
  const head = text.match(/^HTTP\/1\.1 (\d{3}) /);
  assert.ok(head, `no answer: ${JSON.stringify(text.slice(0, 200))}`);
  assert.ok(statuses.includes(Number(head[1])), `${head[1]} is none of ${statuses}: ${text.slice(0, 300)}`);
  const length = Number(text.match(/^content-length: (\d+)/im)?.[1]);
  const at = text.indexOf('\r\n\r\n') + 4;
  const { error } = JSON.parse(text.slice(at, at + length));
  assert.equal(typeof error.message, 'string');
  assert.ok(error.message.length > 0 && error.message.length < 1000);
  assert.equal(typeof error.type, 'string');
}

// A socket that shows what came and when it was closed.
function open(bytes) {
  const state = { text: '', closed: false };
  state.socket = net.connect({ host: url.hostname, port: Number(url.port || 80), allowHalfOpen: true }, () => state.socket.write(bytes));
  state.socket.on('data', (part) => { state.text += part.toString('latin1'); });
  state.socket.on('end', () => { state.ended = true; });
  state.socket.on('error', () => {});
  state.socket.on('close', () => { state.closed = true; });
  return state;
}
const until = async (done, ms) => {
  for (const end = Date.now() + ms; !done() && Date.now() < end;) await sleep(20);
  return done();
};
const head_of = (length) => `POST ${completions} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${length}\r\n`;

describe('malformed requests', { skip }, () => {
  after(assert_alive);
  const get = (line, headers = `Host: ${host}\r\n`) => `${line}\r\n${headers}Connection: close\r\n\r\n`;
  const chunked = (body, more = '') => `${head_of(`${more}Transfer-Encoding: chunked\r\nConnection: close\r\n`)}${body}`;
  const cases = [
    ['no version', 'GET /health\r\n\r\n', [400]],
    ['a version to come', get('GET /health HTTP/3.0'), [400, 505]],
    ['a version that is a word', get('GET /health HTTQ/1.1'), [400]],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 505]],
    ['a TLS handshake', Buffer.from('1603010200010001fc0303', 'hex'), [400]],
    ['a method with a blank', get('GE T /health HTTP/1.1'), [400]],
    ['an unknown method', get(`BREW ${completions} HTTP/1.1`), [405]],
    ['TRACE', get('TRACE /health HTTP/1.1'), [405]],
    ['CONNECT', get('CONNECT example.org:443 HTTP/1.1'), [400, 404, 405]],
    ['a control character in the target', get('GET /hea\x01lth HTTP/1.1'), [400]],
    ['a broken escape in the target', get('GET /v1/models/%zz HTTP/1.1'), [400]],
    ['an escaped NUL in the target', get('GET /v1/models/%00 HTTP/1.1'), [400]],
    ['an escape that climbs', get('GET /v1/models/%2e%2e/%2e%2e/etc/passwd HTTP/1.1'), [400, 404]],
    ['no Host', get('GET /health HTTP/1.1', ''), [400]],
    ['two Hosts', get('GET /health HTTP/1.1', `Host: ${host}\r\nHost: ${host}\r\n`), [400]],
    ['somebody else\'s Host', get('GET /health HTTP/1.1', 'Host: evil.example\r\n'), [403]],
    ['a header without a colon', get('GET /health HTTP/1.1', `Host: ${host}\r\nnonsense\r\n`), [400]],
    ['a header name with a blank', get('GET /health HTTP/1.1', `Host: ${host}\r\nX Y: z\r\n`), [400]],
    ['a blank before the colon', get('GET /health HTTP/1.1', `Host: ${host}\r\nX : z\r\n`), [400]],
    ['a folded header', get('GET /health HTTP/1.1', `Host: ${host}\r\nX: a\r\n b\r\n`), [200, 400]],
    ['a NUL in a header', get('GET /health HTTP/1.1', `Host: ${host}\r\nX: a\0b\r\n`), [400]],
    ['a header line of 100 KB', get('GET /health HTTP/1.1', `Host: ${host}\r\nX: ${'a'.repeat(100_000)}\r\n`), [431]],
    ['5000 headers', get('GET /health HTTP/1.1', `Host: ${host}\r\n${'X: y\r\n'.repeat(20_000)}`), [431]],
    ['a target of 100 KB', get(`GET /${'a'.repeat(100_000)} HTTP/1.1`), [414, 431]],
    ['a request id that is none', get('GET /health HTTP/1.1', `Host: ${host}\r\nX-Request-ID: 7\r\n`), [400]],
    ['another content type', `POST ${completions} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}`, [415]],
    ['a compressed body', `${head_of('Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n')}{}`, [400, 415]],
    ['an Expect that nobody knows', head_of('Expect: a miracle\r\nContent-Length: 2\r\n'), [417]],
    ['a length that is no number', head_of('Content-Length: two\r\n'), [400]],
    ['a length with a sign', head_of('Content-Length: +2\r\n'), [400]],
    ['a length beyond 64 bits', head_of('Content-Length: 99999999999999999999999\r\n'), [400, 413]],
    ['a length beyond the limit', head_of('Content-Length: 99999999999\r\n'), [413]],
    ['a list of lengths', head_of('Content-Length: 2, 3\r\n'), [400]],
    ['a length and chunks', chunked('2\r\n{}\r\n0\r\n\r\n', 'Content-Length: 2\r\n'), [400]],
    ['chunks under another coding', `${head_of('Transfer-Encoding: gzip, chunked\r\n')}`, [501, 400]],
    ['a coding that does not end in chunks', `${head_of('Transfer-Encoding: chunked, gzip\r\n')}`, [400, 501]],
    ['a chunk size that is none', chunked('zz\r\n{}\r\n0\r\n\r\n'), [400]],
    ['a chunk size with a sign', chunked('-2\r\n{}\r\n0\r\n\r\n'), [400]],
    ['a chunk size beyond 64 bits', chunked('fffffffffffffffff\r\n'), [400, 413]],
    ['a chunk beyond the limit', chunked('7fffffff\r\n'), [413]],
    ['a chunk that is longer than it says', chunked('2\r\n{}x\r\n0\r\n\r\n'), [400]],
    ['a chunk extension of 100 KB', chunked(`2;${'x'.repeat(100_000)}\r\n{}\r\n0\r\n\r\n`), [400, 413, 431]],
    ['trailers of 100 KB', chunked(`2\r\n{}\r\n0\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`), [400, 413, 431]],
  ];
  for (const [name, bytes, statuses] of cases) {
    test(name, async () => {
      const text = await raw(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, { wait_ms: 5000 });
      if (!(statuses.includes(200) && text.startsWith('HTTP/1.1 200 '))) assert_refused(text, statuses);
    });
  }

  test('chunks beyond the limit are refused while they come', { timeout: 60_000 }, async () => {
    const state = open(chunked(''));
    await new Promise((resolve) => state.socket.once('connect', resolve));
    const piece = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1 << 20, 32), Buffer.from('\r\n')]);
    // The last chunk never comes: the answer is there all the same.
    for (let sent = 0; !state.text && sent < 100 && !state.closed; sent++) {
      await new Promise((resolve) => state.socket.write(piece, resolve));
      await sleep(1);
    }
    await until(() => state.text.includes('\r\n\r\n{'), 5000);
    assert_refused(state.text, [413]);
    state.socket.destroy();
  });

  test('chunks of one byte, with extensions and trailers, are a body', async () => {
    const body = JSON.stringify({ prompt: 'é😀', max_tokens: 1 });
    const chunks = [...Buffer.from(body)].map((byte) => `1;a=b\r\n${String.fromCharCode(byte)}\r\n`).join('');
    const text = await raw(Buffer.from(chunked(`${chunks}0\r\nX-Trailer: y\r\n\r\n`), 'latin1'));
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.match(text, /"text_completion"/);
  });
});

describe('slow and half-open clients', { skip, concurrency: true }, () => {
  after(assert_alive);

  test('200 headers that never end are closed, and hold up nobody', { timeout: 60_000 }, async () => {
    const states = Array.from({ length: 200 }, () => open(`GET /health HTTP/1.1\r\nHost: ${host}\r\n`));
    const drip = setInterval(() => { for (const state of states) if (!state.closed) state.socket.write('X: y\r\n'); }, 1000);
    try {
      for (let i = 0; i < 5; i++) {
        const t0 = performance.now();
        await assert_alive();
        assert.ok(performance.now() - t0 < 2000);
        await sleep(300);
      }
      assert.ok(await until(() => states.every((state) => state.ended || state.closed), 20_000), `${states.filter((state) => !state.ended && !state.closed).length} are still open`);
      for (const state of states) assert_refused(state.text, [408]);
    } finally {
      clearInterval(drip);
      for (const state of states) state.socket.destroy();
    }
  });

  test('a body that comes byte by byte is refused in the end', { timeout: 90_000 }, async () => {
    const states = Array.from({ length: 20 }, () => open(head_of('Content-Length: 100000\r\n')));
    const drip = setInterval(() => { for (const state of states) if (!state.closed) state.socket.write(' '); }, 1000);
    assert.ok(await until(() => states.every((state) => state.ended || state.closed), 50_000));
    clearInterval(drip);
    for (const state of states) {
      assert_refused(state.text, [408]);
      state.socket.destroy();
    }
  });

  test('half a request and an end', async () => {
    for (const part of ['', 'GET', 'GET /health HTTP/1.1\r\n', `GET /health HTTP/1.1\r\nHost: ${host}\r\n`, head_of('Content-Length: 10\r\n'), `${head_of('Content-Length: 10\r\n')}{"pr`, `${head_of('Transfer-Encoding: chunked\r\n')}5\r\n{"p`]) {
      const state = open(part);
      await sleep(30);
      state.socket.end();  // our side only
      assert.ok(await until(() => state.ended || state.closed, 5000), `still open after ${JSON.stringify(part)}`);
      if (state.text) assert_refused(state.text, [400, 408]);
      state.socket.destroy();
    }
  });

  test('a whole request and an end is answered or closed', async () => {
    const state = open(`GET /health HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    state.socket.end();
    assert.ok(await until(() => state.ended || state.closed, 5000));
    assert.ok(state.text === '' || state.text.startsWith('HTTP/1.1 200 '), state.text);
    state.socket.destroy();
  });

  test('connections that say nothing', async () => {
    const states = Array.from({ length: 100 }, () => open(''));
    await sleep(200);
    await assert_alive();
    for (const state of states) state.socket.destroy();
  });
});

describe('pipelined requests', { skip }, () => {
  after(assert_alive);
  const body = (object) => {
    const text = JSON.stringify(object);
    return `${head_of(`Content-Length: ${Buffer.byteLength(text)}\r\n`)}${text}`;
  };
  const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));

  test('are answered in their order, errors among them', async () => {
    const health = `GET /health HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const last = `GET /v1/models HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const text = await raw([health, body({ prompt: 'x', max_tokens: 1 }), body({ prompt: 5 }), 'GET /nothing HTTP/1.1\r\nHost: ', host, '\r\n\r\n', body({ prompt: 'x', max_tokens: 2, stream: true }), health, last].join(''), { wait_ms: 10_000 });
    assert.deepEqual(statuses(text), [200, 200, 400, 404, 200, 200, 200]);
    assert.ok(text.indexOf('[DONE]') < text.lastIndexOf('HTTP/1.1 200'));
  });

  test('what follows a broken one is not read', async () => {
    const text = await raw(`GET /health HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nGET /health HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    assert.deepEqual(statuses(text), [400]);
  });

  test('a thousand in one piece', { timeout: 60_000 }, async () => {
    const one = `GET /health HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const text = await raw(`${one.repeat(999)}GET /health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, { wait_ms: 30_000 });
    assert.equal(statuses(text).filter((status) => status === 200).length, 1000);
  });
});

// Every way in which a text is no JSON, or no JSON that a request can be.
describe('malformed JSON', { skip }, () => {
  after(assert_alive);
  const valid = '{"prompt": "a\\u00e9\\n", "max_tokens": 1, "stop": ["x", "y"], "temperature": 0.5, "echo": false, "suffix": null}';
  const around = (value) => `{"prompt": "x", "max_tokens": 1, "other": ${value}}`;
  const texts = [
    ...Array.from(valid, (_, i) => valid.slice(0, i)),
    ...Array.from(valid, (_, i) => valid.slice(i + 1)).filter((text) => text.length > 0 && text !== '}'),
    ' ', '\n', '\t\r\n', 'null', 'true', '1', '"text"', '[]', '[{}]', '{}{}', '{} x', '{},', ',{}', '}{', '{{}}',
    '{"prompt" "x"}', '{"prompt": }', '{: "x"}', '{"prompt": "x",}', '{,"prompt": "x"}', '{"prompt"; "x"}', "{'prompt': 'x'}", '{prompt: "x"}', '{"prompt": "x" "n": 1}', '{1: 2}', '{null: 1}',
    ...['undefined', 'nul', 'nulll', 'True', 'FALSE', 'NaN', 'Infinity', '-Infinity', '+1', '01', '-', '-01', '.5', '1.', '1.e5', '1e', '1e+', '0x10', '1_000', '1,000', '--1', '1 2'].map(around),
    ...['"\\x41"', '"\\u12"', '"\\u12g4"', '"\\"', '"\\\'"', '"\\u{41}"', '"a\nb"', '"a\tb"', '"a\0b"', '"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', '"\\udc00\\ud800"', "'x'", '`x`', '"""x"""'].map(around),
    ...['[1,]', '[,1]', '[1 2]', '[1', '1]', '[}', '{]', '[[]', '[]]', '{"a": 1,}', '{"a"}', '{"a": 1 "b": 2}'].map(around),
    ...['/* x */ 1', '1 // x', '# x'].map(around),
    '\ufeff{"prompt": "x"}', '\u00a0{}', '{}\u2028',
    '['.repeat(100_000), '{"a":'.repeat(100_000), around(`${'['.repeat(100)}${']'.repeat(100)}`),
  ].filter((text) => { try { const value = JSON.parse(text); return value === null || typeof value !== 'object' || Array.isArray(value) || text.includes('[[[[') || /\\u(d8|dc)00/.test(text); } catch { return true; } });

  test(`${texts.length} texts are each 400`, { timeout: 120_000 }, async () => {
    assert.ok(texts.length > 200);
    for (const path of [completions, '/v1/chat/completions', '/v1/embeddings', '/extras/tokenize']) {
      for (const text of path === completions ? texts : texts.filter((_, i) => i % 7 === 0)) {
        const reply = await request('POST', path, text);
        assert.equal(reply.status, 400, `${path} ${JSON.stringify(text.slice(0, 120))}: ${reply.text.slice(0, 200)}`);
        assert.match(reply.json.error.message, /^The request body /);
        assert.ok(reply.text.length < 1000);
      }
    }
  });

  test('UTF-16 and UTF-32 are no JSON here', async () => {
    for (const bytes of [Buffer.from('{"prompt": "x"}', 'utf16le'), Buffer.from('\ufeff{"prompt": "x"}', 'utf16le'), Buffer.from([...'{"prompt": "x"}'].flatMap((c) => [c.charCodeAt(0), 0, 0, 0]))]) {
      assert.equal((await request('POST', completions, bytes)).status, 400);
    }
  });
});

describe('invalid UTF-8', { skip }, () => {
  after(assert_alive);
  const wrong = {
    'a lone continuation': [0x80], 'FE': [0xfe], 'FF': [0xff], 'half a character of two': [0xc3], 'of three': [0xe6, 0x97], 'of four': [0xf0, 0x9f, 0x98],
    'an overlong slash': [0xc0, 0xaf], 'an overlong NUL': [0xc0, 0x80], 'overlong in three': [0xe0, 0x80, 0xaf], 'overlong in four': [0xf0, 0x80, 0x80, 0xaf],
    'a surrogate': [0xed, 0xa0, 0x80], 'a pair of surrogates': [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], 'beyond U+10FFFF': [0xf4, 0x90, 0x80, 0x80], 'five bytes': [0xf8, 0x88, 0x80, 0x80, 0x80], 'Latin-1': [0x63, 0x61, 0x66, 0xe9],
  };
  const places = {
    'a value': ['{"prompt": "', '", "max_tokens": 1}'], 'a field that nobody reads': ['{"prompt": "x", "max_tokens": 1, "other": ["', '"]}'],
    'a key': ['{"prompt": "x", "max_tokens": 1, "', '": 1}'], 'the open': ['{"prompt": "x", "max_tokens": 1}', ''],
  };
  for (const [place, [before, behind]] of Object.entries(places)) {
    test(`in ${place}`, async () => {
      for (const [name, bytes] of Object.entries(wrong)) {
        const reply = await request('POST', completions, Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(behind)]));
        assert.equal(reply.status, 400, `${name}: ${reply.text.slice(0, 200)}`);
        assert.equal(typeof reply.json.error.message, 'string');
      }
    });
  }

  test('what is valid is taken, to the last plane', async () => {
    const reply = await request('POST', '/extras/tokenize', { input: 'é日😀\u{10FFFF}\u0000\u2028' });
    assert.equal(reply.status, 200, reply.text);
  });

  test('an error message stays valid JSON whatever it quotes', async () => {
    const text = await raw(post_bytes(completions, Buffer.from('{"logit_bias_type": "\\u0000\\u001f\\"<é😀"}')));
    assert_refused(text, [400]);
  });
});
