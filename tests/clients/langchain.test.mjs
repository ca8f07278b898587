// LangChain's OpenAI classes: messages, streams, tools, structured output, embeddings.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { base, model, skip } from './support.mjs';

const server = { configuration: { baseURL: `${base}/v1` }, apiKey: 'unused', maxRetries: 0 };
const chat = (more = {}) => new ChatOpenAI({ ...server, model, temperature: 0, maxTokens: 200, ...more });

const Weather = z.object({ city: z.enum(['Lima', 'Cusco']), days: z.number().int().min(1).max(9) });
const get_weather = tool(async ({ city }) => `sunny in ${city}`, { name: 'get_weather', description: 'The weather of a city', schema: Weather });

describe('@langchain/openai', { skip }, () => {
  const question = [new SystemMessage('You answer in few words.'), new HumanMessage('How is the weather?')];

  test('invoke() and stream() say the same', async () => {
    const whole = await chat({ maxTokens: 24 }).invoke(question);
    assert.equal(typeof whole.content, 'string');
    let joined, pieces = 0;
    for await (const chunk of await chat({ maxTokens: 24 }).stream(question)) {
      joined = joined ? joined.concat(chunk) : chunk;
      pieces++;
    }
    assert.equal(joined.content, whole.content);
    assert.ok(pieces > 2, 'the answer came in one piece');
    assert.equal(joined.usage_metadata.output_tokens, whole.usage_metadata.output_tokens);
    assert.equal(joined.response_metadata.finish_reason, whole.response_metadata.finish_reason);
  });

  test('bindTools() and a choice by name', async () => {
    const bound = chat().bindTools([get_weather], { tool_choice: 'get_weather' });
    const reply = await bound.invoke(question);
    assert.equal(reply.tool_calls.length, 1);
    assert.deepEqual(reply.invalid_tool_calls, []);
    const [call] = reply.tool_calls;
    assert.equal(call.name, 'get_weather');
    Weather.parse(call.args);
    const result = await get_weather.invoke(call);
    assert.ok(result instanceof ToolMessage);
    const last = await chat({ maxTokens: 8 }).invoke([...question, reply, result]);
    assert.equal(typeof last.content, 'string');
  });

  test('tool calls of a stream are put together', async () => {
    const bound = chat().bindTools([get_weather], { tool_choice: 'required', parallel_tool_calls: false });
    let joined;
    for await (const chunk of await bound.stream(question)) joined = joined ? joined.concat(chunk) : chunk;
    assert.equal(joined.tool_calls.length, 1);
    Weather.parse(joined.tool_calls[0].args);
  });

  for (const method of ['jsonSchema', 'functionCalling']) {
    test(`withStructuredOutput() by ${method}`, async () => {
      const structured = chat().withStructuredOutput(Weather, { name: 'weather', method });
      Weather.parse(await structured.invoke(question));
    });
  }

  test('withStructuredOutput() with the raw message', async () => {
    const structured = chat().withStructuredOutput(Weather, { name: 'weather', method: 'jsonSchema', includeRaw: true });
    const { raw, parsed } = await structured.invoke(question);
    assert.deepEqual(JSON.parse(raw.content), parsed);
  });

  test('batch() runs side by side', async () => {
    const replies = await chat({ maxTokens: 8 }).batch(['one', 'two', 'three', 'one']);
    assert.equal(replies.length, 4);
    assert.equal(replies[0].content, replies[3].content);
  });

  test('completions, and several answers', async () => {
    const text = await new OpenAI({ ...server, model, temperature: 0, maxTokens: 8 }).invoke('Once upon a time');
    assert.equal(typeof text, 'string');
    const { generations } = await chat({ n: 2, temperature: 1, maxTokens: 8 }).generate([question]);
    assert.equal(generations[0].length, 2);
  });

  test('embeddings', async () => {
    const embeddings = new OpenAIEmbeddings({ ...server, model, batchSize: 4, dimensions: 16 });
    const vectors = await embeddings.embedDocuments(Array.from({ length: 10 }, (_, i) => `text ${i % 5}`));
    assert.equal(vectors.length, 10);
    assert.equal(vectors[0].length, 16);
    assert.deepEqual(vectors[0], vectors[5]);
    assert.deepEqual(await embeddings.embedQuery('text 0'), vectors[0]);
  });

  test('an error has the status and the sentence of the server', async () => {
    await assert.rejects(chat({ topP: 3 }).invoke(question), (error) => error.status === 400 && /top_p must be a number between 0 and 1/.test(error.message));
  });
});
