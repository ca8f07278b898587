// The AI SDK through its provider for OpenAI-compatible servers: text, objects, tools, embeddings.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embedMany, generateObject, generateText, NoObjectGeneratedError, stepCountIs, streamObject, streamText, tool } from 'ai';
import { z } from 'zod';
import { base, model, skip } from './support.mjs';

const provider = createOpenAICompatible({ name: 'chasqui', baseURL: `${base}/v1`, includeUsage: true, supportsStructuredOutputs: true });
const common = { model: provider(model), temperature: 0, maxRetries: 0, prompt: 'Tell me about the sea.' };

const Weather = z.object({ city: z.enum(['Lima', 'Cusco']), days: z.number().int().min(1).max(9) });
const weather = (calls) => tool({ description: 'The weather of a city', inputSchema: Weather, execute: async (input) => { calls.push(input); return 'sunny'; } });

describe('ai', { skip }, () => {
  test('streamText gives the text of generateText, piece by piece', async () => {
    const whole = await generateText({ ...common, maxOutputTokens: 24 });
    const stream = streamText({ ...common, maxOutputTokens: 24, onError: ({ error }) => { throw error; } });
    const pieces = [];
    for await (const piece of stream.textStream) pieces.push(piece);
    assert.equal(pieces.join(''), whole.text);
    assert.ok(pieces.length > 1, 'the text came in one piece');
    assert.equal(await stream.finishReason, whole.finishReason);
    const usage = await stream.usage;
    assert.equal(usage.inputTokens, whole.usage.inputTokens);
    assert.equal(usage.outputTokens, whole.usage.outputTokens);
    assert.ok(usage.cachedInputTokens > 0, 'the second time the prompt is in the cache');
  });

  test('maxOutputTokens ends with "length", stopSequences with "stop"', async () => {
    const cut = await generateText({ ...common, prompt: 'Count.', maxOutputTokens: 1 });
    assert.equal(cut.finishReason, 'length');
    const free = await generateText({ ...common, maxOutputTokens: 24 });
    const characters = [...free.text];
    const stop = characters.slice(-Math.ceil(characters.length / 2)).slice(0, 2).join('');
    const stopped = await generateText({ ...common, maxOutputTokens: 24, stopSequences: [stop] });
    assert.equal(stopped.finishReason, 'stop');
    assert.equal(stopped.text, free.text.slice(0, free.text.indexOf(stop)));
  });

  test('generateObject fits the schema', async () => {
    const { object, finishReason } = await generateObject({ ...common, schema: Weather, maxOutputTokens: 100 });
    assert.deepEqual(Weather.parse(object), object);
    assert.equal(finishReason, 'stop');
    const { object: word } = await generateObject({ ...common, output: 'enum', enum: ['sunny', 'rainy'], maxOutputTokens: 100 });
    assert.ok(['sunny', 'rainy'].includes(word));
    const { object: list } = await generateObject({ ...common, output: 'array', schema: Weather, maxOutputTokens: 300 }).catch((error) => {
      // A list has no end that the schema enforces: a model that goes on is cut.
      assert.ok(NoObjectGeneratedError.isInstance(error) && error.finishReason === 'length', String(error));
      return { object: [] };
    });
    for (const item of list) Weather.parse(item);
  });

  test('streamObject grows to the same object', async () => {
    const { object: whole } = await generateObject({ ...common, schema: Weather, maxOutputTokens: 100 });
    const stream = streamObject({ ...common, schema: Weather, maxOutputTokens: 100 });
    let last;
    for await (const partial of stream.partialObjectStream) last = partial;
    assert.deepEqual(last, whole);
    assert.deepEqual(await stream.object, whole);
  });

  test('tools are called, and their results go back', async () => {
    const calls = [];
    const { steps } = await generateText({ ...common, tools: { weather: weather(calls) }, toolChoice: 'required', stopWhen: stepCountIs(2), maxOutputTokens: 200 });
    assert.equal(steps.length, 2);
    assert.ok(calls.length >= 2);
    for (const input of calls) Weather.parse(input);
    assert.equal(steps[0].finishReason, 'tool-calls');
    assert.equal(steps[0].toolResults[0].output, 'sunny');
    assert.equal(steps[0].toolResults[0].toolCallId, steps[0].toolCalls[0].toolCallId);
  });

  test('a tool that is named is called in a stream, its input piece by piece', async () => {
    const calls = [];
    const stream = streamText({ ...common, tools: { weather: weather(calls), other: tool({ inputSchema: z.object({}) }) }, toolChoice: { type: 'tool', toolName: 'weather' }, maxOutputTokens: 200 });
    const deltas = [], names = [];
    for await (const part of stream.fullStream) {
      assert.notEqual(part.type, 'error', String(part.error));
      if (part.type === 'tool-input-delta') deltas.push(part.delta);
      if (part.type === 'tool-call') names.push(part.toolName);
    }
    assert.deepEqual(names, ['weather']);
    assert.deepEqual(JSON.parse(deltas.join('')), calls[0]);
    assert.ok(deltas.length > 2, 'the input came in one piece');
    assert.equal(await stream.finishReason, 'tool-calls');
  });

  test('abort ends the stream', async () => {
    const controller = new AbortController();
    const stream = streamText({ ...common, maxOutputTokens: 800, abortSignal: controller.signal, providerOptions: { chasqui: { ignore_eos: true } }, onError: () => {} });
    const types = [];
    for await (const part of stream.fullStream) {
      types.push(part.type);
      if (part.type === 'text-delta') controller.abort();
    }
    assert.ok(types.includes('abort'), types.join(' '));
  });

  test('embedMany', async () => {
    const { embeddings, usage } = await embedMany({ model: provider.textEmbeddingModel(model), values: ['one', 'two', 'one'], maxRetries: 0 });
    assert.equal(embeddings.length, 3);
    assert.deepEqual(embeddings[0], embeddings[2]);
    assert.ok(usage.tokens > 0);
  });

  test('an error has the status and the sentence of the server', async () => {
    const error = await generateText({ ...common, topP: 3 }).then(() => assert.fail('refused'), (reason) => reason);
    assert.ok(APICallError.isInstance(error));
    assert.equal(error.statusCode, 400);
    assert.match(error.message, /top_p must be a number between 0 and 1/);
    assert.equal(error.isRetryable, false);
  });
});
