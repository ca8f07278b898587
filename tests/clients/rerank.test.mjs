// Encoders behind the API: a model that ranks and one that embeds, tiny and random, from the golden
// data. What they compute is compared with the reference implementation elsewhere; here it is about
// requests and answers.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { binary_skip, golden, serve } from './servers.mjs';

const skip = binary_skip || (golden ? false : 'needs the golden data');
const servers = {};

before(async () => {
  if (skip) return;
  for (const name of ['bert-rerank', 'bert']) servers[name] = await serve([], {}, path.join(golden, 'archs', name, 'model.gguf'));
});
after(() => Object.values(servers).forEach((server) => server.child.kill()));

async function post(name, where, body) {
  const reply = await fetch(servers[name].url + where, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: reply.status, json: await reply.json() };
}

describe('rerank', { skip }, () => {
  const documents = ['bread', 'The runner rests at the bridge.', 'grass', 'sum'];

  test('best first, each document once', async () => {
    for (const where of ['/v1/rerank', '/rerank']) {
      const { status, json } = await post('bert-rerank', where, { model: 'm', query: 'Who rests?', documents });
      assert.equal(status, 200, JSON.stringify(json));
      assert.equal(json.model, 'm');
      assert.deepEqual(json.results.map((result) => result.index).sort(), [0, 1, 2, 3]);
      const scores = json.results.map((result) => result.relevance_score);
      assert.deepEqual(scores, scores.toSorted((a, b) => b - a));
      assert.ok(scores.every((score) => score > 0 && score < 1));
      assert.equal(json.usage.total_tokens, json.usage.prompt_tokens);
    }
  });

  test('top_n, documents, objects, and raw scores that are their log-odds', async () => {
    const asked = { query: 'Who rests?', documents: documents.map((text) => ({ text })), return_documents: true, top_n: 2 };
    const { json } = await post('bert-rerank', '/v1/rerank', asked);
    assert.equal(json.results.length, 2);
    for (const { index, document } of json.results) assert.equal(document.text, documents[index]);
    const raw = (await post('bert-rerank', '/v1/rerank', { ...asked, raw_scores: true })).json;
    json.results.forEach(({ relevance_score }, i) => assert.ok(Math.abs(1 / (1 + Math.exp(-raw.results[i].relevance_score)) - relevance_score) < 1e-6));
  });

  test('the examples of the description work', async () => {
    const description = await (await fetch(`${servers['bert-rerank'].url}/openapi.json`)).json();
    const { examples } = description.paths['/v1/rerank'].post.requestBody.content['application/json'];
    for (const { value } of Object.values(examples)) assert.equal((await post('bert-rerank', '/v1/rerank', value)).status, 200);
  });

  test('a document beyond the context is refused, or cut where asked', async () => {
    const asked = { query: 'Who rests?', documents: ['grass', 'grass '.repeat(1000)] };
    const refused = await post('bert-rerank', '/v1/rerank', asked);
    assert.equal(refused.status, 400);
    assert.equal(refused.json.error.param, 'documents[1]');
    assert.match(refused.json.error.message, /maximum context length is 128 tokens/);
    assert.equal((await post('bert-rerank', '/v1/rerank', { ...asked, truncate: true })).status, 200);
  });

  test('it gives no embeddings, and writes no text', async () => {
    assert.equal((await post('bert-rerank', '/v1/embeddings', { input: 'x' })).status, 400);
    assert.equal((await post('bert-rerank', '/v1/completions', { prompt: 'x' })).status, 400);
    assert.equal((await post('bert-rerank', '/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }] })).status, 400);
  });
});

describe('embeddings of an encoder', { skip }, () => {
  test('2048 inputs together are those of each alone', async () => {
    const input = Array.from({ length: 2048 }, (_, i) => `text ${i % 100} about grass`);
    const { status, json } = await post('bert', '/v1/embeddings', { input });
    assert.equal(status, 200, JSON.stringify(json).slice(0, 300));
    for (const i of [0, 7, 99, 1000, 2047]) {
      const alone = (await post('bert', '/v1/embeddings', { input: input[i] })).json.data[0];
      assert.deepEqual(json.data[i].embedding, alone.embedding);
    }
  });

  test('a text beyond the context is refused, or cut where asked', async () => {
    const input = 'grass '.repeat(1000);
    const refused = await post('bert', '/v1/embeddings', { input });
    assert.equal(refused.status, 400);
    assert.match(refused.json.error.message, /128 tokens .*truncate/);
    const { json } = await post('bert', '/v1/embeddings', { input, truncate: true });
    assert.equal(json.usage.prompt_tokens, 128);
  });
});
