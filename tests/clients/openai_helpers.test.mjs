// What the official package builds on top of the API: parsed answers, loops of tool calls, its event
// helpers and its retries, in the major version that Node 18 runs and in today's.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import OpenAI4 from 'openai';
import { zodResponseFormat as format4, zodFunction as function4 } from 'openai/helpers/zod';
import { z } from 'zod';
import { binary_skip, serve } from './servers.mjs';
import { base, model, skip, sleep } from './support.mjs';

const options = { baseURL: `${base}/v1`, apiKey: 'unused', maxRetries: 0, timeout: 120_000 };
const greedy = { model, temperature: 0, repeat_penalty: 1, max_tokens: 200 };
const messages = [{ role: 'user', content: 'Plan a trip.' }];

// Answers of any model fit it in few tokens.
const Trip = z.object({
  city: z.enum(['Lima', 'Cusco', 'Puno']),
  days: z.number().int().min(1).max(9),
  by_train: z.boolean(),
  stops: z.array(z.enum(['Ollantaytambo', 'Juliaca'])).max(2),
});

// Version 4 has them under `beta`.
const versions = [['openai 4', { client: (more) => new OpenAI4({ ...options, ...more }), helpers: (client) => client.beta.chat.completions, format: format4, tool: function4, APIError: OpenAI4.APIError }]];
if (Number(process.versions.node.split('.')[0]) >= 20) {
  const { default: OpenAI6 } = await import('openai-6');
  const { zodResponseFormat: format6, zodFunction: function6 } = await import('openai-6/helpers/zod');
  versions.push(['openai 6', { client: (more) => new OpenAI6({ ...options, ...more }), helpers: (client) => client.chat.completions, format: format6, tool: function6, APIError: OpenAI6.APIError }]);
}

for (const [name, { client: make, helpers, format, tool }] of versions) {
  describe(`${name}: helpers`, { skip }, () => {
    const client = make();

    test('parse() gives an object of the schema', async () => {
      const reply = await helpers(client).parse({ ...greedy, messages, response_format: format(Trip, 'trip') });
      assert.equal(reply.choices[0].finish_reason, 'stop');
      assert.deepEqual(Trip.parse(reply.choices[0].message.parsed), reply.choices[0].message.parsed);
    });

    test('a stream is parsed too', async () => {
      const stream = helpers(client).stream({ ...greedy, messages, response_format: format(Trip, 'trip') });
      let pieces = 0;
      stream.on('content', () => { pieces++; });
      const reply = await stream.finalChatCompletion();
      Trip.parse(reply.choices[0].message.parsed);
      assert.ok(pieces > 1, 'the content came in one piece');
    });

    test('parse() of a forced call gives its arguments', async () => {
      const reply = await helpers(client).parse({ ...greedy, messages, tools: [tool({ name: 'book', parameters: Trip })], tool_choice: { type: 'function', function: { name: 'book' } } });
      const [call] = reply.choices[0].message.tool_calls;
      assert.equal(reply.choices[0].finish_reason, 'tool_calls');
      Trip.parse(call.function.parsed_arguments);
    });

    // The bias makes the model open a call; a strict tool holds it to the schema from there on.
    test('a call that the model opens by itself fits a strict schema', async () => {
      const asked = { ...greedy, messages, tools: [tool({ name: 'book', parameters: Trip })], parallel_tool_calls: false, logit_bias: { '{': 100 }, logit_bias_type: 'tokens' };
      const { choices: [choice] } = await helpers(client).parse(asked);
      assert.equal(choice.finish_reason, 'tool_calls');
      const trip = Trip.parse(choice.message.tool_calls[0].function.parsed_arguments);
      const stream = helpers(client).stream(asked);
      const streamed = await stream.finalChatCompletion();
      assert.deepEqual(Trip.parse(streamed.choices[0].message.tool_calls[0].function.parsed_arguments), trip);
    });

    test('an answer that was cut is an error of the package, not of the server', async () => {
      await assert.rejects(helpers(client).parse({ ...greedy, messages, max_tokens: 2, response_format: format(Trip, 'trip') }), { name: 'Error', message: /length limit/ });
    });

    test('runTools() calls the function and sends its result', async () => {
      const seen = [];
      const book = { type: 'function', function: { name: 'book', parse: JSON.parse, parameters: format(Trip, 'trip').json_schema.schema, function: (trip) => { seen.push(Trip.parse(trip)); return 'booked'; } } };
      const runner = helpers(client).runTools({ ...greedy, messages, tools: [book], tool_choice: 'required', parallel_tool_calls: false }, { maxChatCompletions: 2 });
      await runner.done();
      assert.equal(seen.length, 2);
      const roles = runner.messages.map((message) => message.role);
      assert.deepEqual(roles, ['user', 'assistant', 'tool', 'assistant', 'tool']);
      assert.equal(runner.messages[2].content, 'booked');
      assert.equal(runner.messages[2].tool_call_id, runner.messages[1].tool_calls[0].id);
    });

    test('runTools() of streams', async () => {
      const seen = [];
      const book = { type: 'function', function: { name: 'book', parse: JSON.parse, parameters: format(Trip, 'trip').json_schema.schema, function: (trip) => { seen.push(Trip.parse(trip)); return 'booked'; } } };
      const runner = helpers(client).runTools({ ...greedy, messages, stream: true, tools: [book], tool_choice: { type: 'function', function: { name: 'book' } } });
      const deltas = [];
      for await (const chunk of runner) for (const call of chunk.choices[0]?.delta.tool_calls ?? []) deltas.push(call.function.arguments ?? '');
      assert.equal(seen.length, 1);
      assert.deepEqual(Trip.parse(JSON.parse(deltas.join(''))), seen[0]);
      assert.ok(deltas.length > 2, 'the arguments came in one piece');
    });

    test('embeddings are asked for in base64 and decoded', async () => {
      const bodies = [];
      const spying = make({ fetch: (url, init) => { bodies.push(JSON.parse(init.body)); return fetch(url, init); } });
      const { data } = await spying.embeddings.create({ model, input: ['one', 'two'] });
      assert.equal(bodies[0].encoding_format, 'base64');
      const plain = await client.embeddings.create({ model, input: ['one', 'two'], encoding_format: 'float' });
      for (const [i, item] of data.entries()) {
        assert.equal(item.embedding.length, plain.data[i].embedding.length);
        for (const [k, value] of plain.data[i].embedding.entries()) assert.ok(Math.abs(value - item.embedding[k]) < 1e-6);
      }
    });

    test('abort() in the middle of a stream of the helper', async () => {
      const stream = helpers(client).stream({ ...greedy, messages, max_tokens: 500, ignore_eos: true });
      stream.on('chunk', () => stream.abort());
      await assert.rejects(stream.finalChatCompletion(), /abort/i);
      assert.ok(stream.aborted);
    });

    test('usage tells cached tokens', async () => {
      const long = [{ role: 'user', content: 'the same beginning '.repeat(8) }];
      await client.chat.completions.create({ ...greedy, messages: long, max_tokens: 1 });
      const { usage } = await client.chat.completions.create({ ...greedy, messages: long, max_tokens: 1 });
      assert.ok(usage.prompt_tokens_details.cached_tokens > usage.prompt_tokens / 2);
      assert.ok(usage.prompt_tokens_details.cached_tokens < usage.prompt_tokens);
    });

    test('reasoning_effort is taken', async () => {
      for (const reasoning_effort of ['none', 'minimal', 'low', 'medium', 'high']) {
        const reply = await client.chat.completions.create({ ...greedy, messages, max_tokens: 2, reasoning_effort });
        assert.equal(typeof reply.choices[0].message.content, 'string');
      }
      await assert.rejects(client.chat.completions.create({ ...greedy, messages, reasoning_effort: 'much' }), { status: 400, param: 'reasoning_effort' });
    });
  });

  // The queue of this server holds one request beside the one that runs.
  test(`${name}: a full queue is retried until there is room`, { skip: binary_skip, timeout: 120_000 }, async () => {
    const server = await serve(['--n_parallel', '1', '--n_queue', '1', '--n_threads', '1']);
    try {
      const statuses = [];
      const counting = async (url, init) => {
        const reply = await fetch(url, init);
        statuses.push(reply.status);
        return reply;
      };
      const busy = make({ baseURL: `${server.url}/v1`, maxRetries: 8 });
      const held = [1, 2].map(() => busy.completions.create({ model, prompt: 'x', max_tokens: 900, ignore_eos: true, n: 1 }));
      await sleep(20);
      const crowd = Array.from({ length: 4 }, () => make({ baseURL: `${server.url}/v1`, maxRetries: 8, fetch: counting }).completions.create({ model, prompt: 'y', max_tokens: 1 }));
      for (const reply of await Promise.all(crowd)) assert.equal(reply.object, 'text_completion');
      await Promise.all(held);
      assert.ok(statuses.includes(503), 'nobody was refused: the queue was not full');
      assert.equal(statuses.filter((status) => status === 200).length, 4);
      assert.deepEqual([...new Set(statuses)].sort(), [200, 503]);
    } finally {
      server.child.kill();
      assert.equal(await server.exit, 0);
    }
  });
}
