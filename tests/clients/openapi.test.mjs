// The server's own description: valid as OpenAPI 3.1, and every response fits what it promises.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv2020 from 'ajv/dist/2020.js';
import { base, request, skip, sse_data } from './support.mjs';

const document = skip ? undefined : (await request('GET', '/openapi.json')).json;

// The document allows members that it does not name, as clients must; here one that is not named is
// a response that the description forgot.
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== 'object') return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, key === 'examples' || key === 'enum' ? value : closed(value)]));
  if (copy.properties && copy.additionalProperties === undefined) copy.additionalProperties = false;
  return copy;
}

function schemas_of(method, path, status, type) {
  const described = document.paths[path][method.toLowerCase()].responses[status];
  assert.ok(described, `${method} ${path} does not describe status ${status}`);
  const response = described.$ref ? document.components.responses[described.$ref.split('/').at(-1)] : described;
  return response.content[type].schema;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
if (document) ajv.addSchema({ $id: 'api', components: closed(document.components) });

function check(method, path, status, type, value) {
  const schema = schemas_of(method, path, status, type);
  const validate = ajv.compile({ $ref: schema.$ref.replace('#', 'api#') });
  assert.ok(validate(value), `${method} ${path} ${status}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value).slice(0, 2000)}`);
}

// The body of each example of an operation, by its name.
function examples_of(path) {
  const content = document.paths[path].post.requestBody.content['application/json'];
  return Object.entries(content.examples).map(([name, example]) => [name, example.value]);
}

test('the document is valid OpenAPI 3.1', { skip }, async () => {
  const result = await new Validator().validate(structuredClone(document));
  assert.equal(result.valid, true, JSON.stringify(result.errors));
  assert.equal(document.openapi, '3.1.0');
});

test('every example of a request fits its schema, is answered, and the answer fits', { skip }, async () => {
  let asked = 0;
  for (const [path, operations] of Object.entries(document.paths)) {
    if (!operations.post) continue;
    const schema = operations.post.requestBody.content['application/json'].schema;
    const validate = ajv.compile({ $ref: schema.$ref.replace('#', 'api#') });
    for (const [name, body] of examples_of(path)) {
      assert.ok(validate(body), `${path} "${name}": ${ajv.errorsText(validate.errors)}`);
      if (body.stream) continue;
      const answer = await request('POST', path, body);
      const status = path === '/v1/rerank' ? 400 : 200;  // no model of the demo ranks: rerank.test.mjs has one that does
      assert.equal(answer.status, status, `${path} "${name}": ${answer.text}`);
      check('POST', path, String(status), 'application/json', answer.json);
      asked += 1;
    }
  }
  assert.ok(asked >= 8, `${asked} examples`);
});

test('everything that can be read fits', { skip }, async () => {
  const id = (await request('GET', '/v1/models')).json.data[0].id;
  for (const [path, operations] of Object.entries(document.paths)) {
    if (!operations.get) continue;
    const answer = await request('GET', path.replace('{model}', encodeURIComponent(id)));
    assert.equal(answer.status, 200, path);
    if (answer.headers['content-type'].startsWith('application/json')) check('GET', path, '200', 'application/json', answer.json);
  }
});

const weather = { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string', maxLength: 8 } }, required: ['city'], additionalProperties: false } } };
const hello = [{ role: 'user', content: 'Hello' }];
const asked_in_every_way = [
  ['/v1/completions', { prompt: 'Hello', max_tokens: 4, logprobs: 2, echo: true, n: 2 }],
  ['/v1/completions', { prompt: ['a', 'b'], max_tokens: 3, best_of: 1 }],
  ['/v1/chat/completions', { messages: hello, max_tokens: 4, logprobs: true, top_logprobs: 2 }],
  ['/v1/chat/completions', { messages: hello, max_tokens: 64, tools: [weather], tool_choice: 'required' }],
  ['/v1/chat/completions', { messages: hello, max_tokens: 64, functions: [weather.function], function_call: { name: 'weather' } }],
];

test('whole and streamed answers fit, in every way of asking', { skip }, async () => {
  for (const [path, body] of asked_in_every_way) {
    const whole = await request('POST', path, body);
    assert.equal(whole.status, 200, whole.text);
    check('POST', path, '200', 'application/json', whole.json);
    const streamed = await request('POST', path, { ...body, stream: true, stream_options: { include_usage: true } });
    const events = sse_data(streamed.text);
    assert.equal(events.at(-1), '[DONE]');
    assert.ok(events.length >= 3);
    for (const event of events.slice(0, -1)) check('POST', path, '200', 'text/event-stream', JSON.parse(event));
  }
});

test('errors fit', { skip }, async () => {
  for (const path of ['/v1/completions', '/v1/chat/completions', '/v1/embeddings', '/v1/rerank', '/extras/tokenize', '/extras/detokenize']) {
    const answer = await request('POST', path, { messages: 3, prompt: {}, input: false, tokens: 'x' });
    assert.equal(answer.status, 400, answer.text);
    check('POST', path, '400', 'application/json', answer.json);
  }
  const long = await request('POST', '/v1/completions', { prompt: 'word '.repeat(100000), max_tokens: 1 });
  assert.equal(long.status, 400);
  check('POST', '/v1/completions', '400', 'application/json', long.json);
  const missing = await request('GET', '/v1/models/none-of-that-name');
  assert.equal(missing.status, 404);
  check('GET', '/v1/models/{model}', '404', 'application/json', missing.json);
});

test('every request field that the replaced server had is described', { skip }, () => {
  const shared = ['temperature', 'top_p', 'min_p', 'top_k', 'repeat_penalty', 'presence_penalty', 'frequency_penalty', 'stop', 'stream', 'seed', 'logit_bias', 'logit_bias_type', 'mirostat_mode', 'mirostat_tau', 'mirostat_eta', 'grammar', 'model', 'n', 'user', 'max_tokens'];
  const fields = (name) => Object.keys(document.components.schemas[name].properties);
  for (const name of [...shared, 'prompt', 'suffix', 'echo', 'logprobs', 'best_of']) assert.ok(fields('CompletionRequest').includes(name), name);
  for (const name of [...shared, 'messages', 'functions', 'function_call', 'tools', 'tool_choice', 'response_format']) assert.ok(fields('ChatCompletionRequest').includes(name), name);
});

test('the server is where the document says', { skip }, () => {
  assert.equal(new URL(document.servers[0].url, base + '/').pathname, new URL(base + '/').pathname);
});
