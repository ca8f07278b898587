// Servers that a test starts for itself, on free ports. CHASQUI_BIN names another binary.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sleep } from './support.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const binary = process.env.CHASQUI_BIN ?? path.join(root, 'build/release/bin/chasqui');
export const demo_model = path.join(root, 'models/demo/chasqui-demo.gguf');
export const binary_skip = [binary, demo_model].every((file) => fs.existsSync(file)) ? false : `needs ${binary} and ${demo_model}`;

// The golden data, read in place; undefined where there is none.
export const golden = [process.env.CHASQUI_GOLDEN_DIR, path.join(root, '../shared/golden')].find((folder) => folder && fs.existsSync(folder));

// A server with the demo model, or another: {url, port, child, exit, log()}. `exit` resolves to its exit code.
export async function serve(args = [], env = {}, model = demo_model) {
  const child = spawn(binary, ['serve', '--model', model, '--host', '127.0.0.1', '--port', '0', ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (part) => { log += part; });
  const exit = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
  for (let i = 0; i < 400 && !/serving on (\S+)/.test(log) && child.exitCode === null; i++) await sleep(25);
  const url = log.match(/serving on (\S+)/)?.[1];
  assert.ok(url, log);
  return { url, port: Number(new URL(url).port), child, exit, log: () => log };
}
