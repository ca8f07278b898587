// HTTPS as a user sets it up: a certificate made with openssl, the official client over it, and a
// renewed certificate and new keys that SIGHUP brings in while requests run.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { binary_skip, serve } from './servers.mjs';
import { sleep, sse_data } from './support.mjs';

const has_openssl = spawnSync('openssl', ['version']).status === 0;
const skip = binary_skip || (has_openssl ? false : 'needs the command openssl');

describe('TLS', { skip, concurrency: false }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'chasqui-tls-'));
  const at = (name) => path.join(folder, name);
  const key = at('key.pem'), cert = at('cert.pem'), keys = at('keys.txt');
  let server;

  function make_certificate(serial) {
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-set_serial', String(serial), '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    return fs.readFileSync(cert);
  }

  // What a new connection is shown.
  const shown = () => new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port: server.port, servername: 'localhost', rejectUnauthorized: false }, () => {
      resolve(Number(`0x${socket.getPeerCertificate().serialNumber}`));
      socket.destroy();
    });
    socket.on('error', reject);
  });

  const client = (ca, apiKey = 'first') => new OpenAI({ baseURL: `https://localhost:${server.port}/v1`, apiKey, maxRetries: 0, httpAgent: new https.Agent({ ca, keepAlive: false, lookup: (_, options, done) => options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4) }) });

  // SIGHUP is handled a moment later; the log says when.
  async function hang_up(pattern) {
    const before = server.log().length;
    server.child.kill('SIGHUP');
    for (let i = 0; i < 200 && !pattern.test(server.log().slice(before)); i++) await sleep(10);
    assert.match(server.log().slice(before), pattern);
  }

  let ca;
  before(async () => {
    ca = make_certificate(17);
    fs.writeFileSync(keys, '# keys of the team\nfirst\nsecond\n');
    server = await serve(['--ssl_keyfile', key, '--ssl_certfile', cert, '--api_key_file', keys, '--api_key', 'always']);
  });
  after(async () => {
    server?.child.kill();
    if (server) assert.equal(await server.exit, 0);
    fs.rmSync(folder, { recursive: true });
  });

  test('the official client trusts it by its certificate', async () => {
    assert.match(server.url, /^https:/);
    for (const apiKey of ['first', 'second', 'always']) {
      const reply = await client(ca, apiKey).completions.create({ model: 'm', prompt: 'x', max_tokens: 2 });
      assert.equal(reply.object, 'text_completion');
    }
    await assert.rejects(client(ca, 'wrong').models.list(), { status: 401, code: 'invalid_api_key' });
    const texts = [];
    for await (const chunk of await client(ca).chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 8, stream: true })) texts.push(chunk.choices[0].delta.content);
    assert.ok(texts.length > 1);
  });

  test('who does not know the certificate does not talk to it', async () => {
    await assert.rejects(client(undefined).models.list(), /Connection error/);
  });

  test('plain HTTP on the port is dropped, and harms nobody', async () => {
    await assert.rejects(new Promise((resolve, reject) => http.get({ host: '127.0.0.1', port: server.port, path: '/health' }, resolve).on('error', reject)));
    assert.equal(await shown(), 17);
  });

  test('SIGHUP brings in a renewed certificate and new keys; what runs goes on', async () => {
    const stream = new Promise((resolve, reject) => {
      const body = JSON.stringify({ prompt: 'x', max_tokens: 900, ignore_eos: true, stream: true });
      const req = https.request({ host: '127.0.0.1', port: server.port, servername: 'localhost', ca, method: 'POST', path: '/v1/completions', headers: { authorization: 'Bearer first', 'content-type': 'application/json', 'content-length': body.length } }, (res) => {
        let text = '', renewed = false;
        res.on('error', reject);
        res.on('end', () => resolve(text));
        res.on('data', async (part) => {
          text += part;
          if (renewed) return;
          renewed = true;
          res.pause();  // the answer waits for us in the middle
          const newer = make_certificate(18);
          fs.writeFileSync(keys, 'third\n');
          await hang_up(/certificate and keys were read again/).catch(reject);
          res.resume();
          ca = newer;
        });
      });
      req.on('error', reject);
      req.end(body);
    });
    assert.equal(sse_data(await stream).at(-1), '[DONE]');
    assert.equal(await shown(), 18);
    assert.equal((await client(ca, 'third').models.list()).data.length, 1);
    assert.equal((await client(ca, 'always').models.list()).data.length, 1);
    await assert.rejects(client(ca, 'first').models.list(), { status: 401 });
  });

  test('files that cannot be used change nothing', async () => {
    fs.writeFileSync(cert, 'no certificate');
    await hang_up(/the old certificate stays: .*cert\.pem/);
    fs.writeFileSync(keys, '# nobody\n');
    await hang_up(/the old keys stay: .*keys\.txt has no key/);
    assert.equal(await shown(), 18);
    assert.equal((await client(ca, 'third').models.list()).data.length, 1);
  });
});
