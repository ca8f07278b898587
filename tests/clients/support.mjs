// What the client tests share: where the server is, and small helpers.
import http from 'node:http';
import net from 'node:net';

export const base = process.env.CHASQUI_URL?.replace(/\/+$/, '').replace(/\/v1$/, '');
export const skip = base ? false : 'set CHASQUI_URL to the base URL of a running server (http://127.0.0.1:8000)';
export const model = process.env.CHASQUI_MODEL ?? 'any-name-is-echoed';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// One request without any client library; resolves to {status, headers, text, json}.
export function request(method, path, body, { headers = {}, agent, signal } = {}) {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const req = http.request(base + path, {
      method, agent, signal,
      headers: payload === undefined ? headers : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload), ...headers },
    }, (res) => {
      const parts = [];
      res.on('data', (part) => parts.push(part));
      res.on('error', reject);
      res.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8');
        let json;
        try { json = JSON.parse(text); } catch { /* not JSON: the caller sees undefined */ }
        resolve({ status: res.statusCode, headers: res.headers, text, json });
      });
    });
    req.on('error', reject);
    req.end(payload);
  });
}

// Sends raw bytes on a fresh socket and resolves to what came back until the peer closed or
// `wait_ms` passed without an end.
export function raw(bytes, { wait_ms = 3000 } = {}) {
  const url = new URL(base);
  return new Promise((resolve) => {
    const parts = [];
    const socket = net.connect({ host: url.hostname, port: Number(url.port || 80) }, () => socket.write(bytes));
    const done = () => { socket.destroy(); resolve(Buffer.concat(parts).toString('latin1')); };
    const timer = setTimeout(done, wait_ms);
    socket.on('data', (part) => parts.push(part));
    socket.on('error', () => {});
    socket.on('close', () => { clearTimeout(timer); done(); });
  });
}

export function post_bytes(path, body, extra = '') {
  const payload = Buffer.isBuffer(body) ? body : Buffer.from(body);
  const head = `POST ${path} HTTP/1.1\r\nHost: ${new URL(base).host}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${payload.length}\r\n${extra}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), payload]);
}

// The data of each server-sent event of a body, [DONE] included.
export function sse_data(text) {
  return text.split(/\r?\n\r?\n/).map((block) => block.split(/\r?\n/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim()).join('\n')).filter(Boolean);
}
