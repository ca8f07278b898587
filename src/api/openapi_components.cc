// house-numbers: table
// The named schemas of the API's description: what arrays and objects of requests hold, and all
// responses. Kept as JSON, the way readers know it.
#include "api/internal/openapi.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

constexpr std::string_view kRequestParts = R"json({
"AnyObject": {"type": "object"},
"JsonSchema": {"type": ["object", "boolean"], "description": "A JSON Schema, drafts 4 to 2020-12."},
"JsonSchemaOrText": {"anyOf": [{"$ref": "#/components/schemas/JsonSchema"}, {"type": "string"}]},
"TokenIds": {"type": "array", "items": {"type": "integer", "minimum": 0}},
"Prompt": {"anyOf": [
  {"type": "string"},
  {"type": "array", "items": {"type": "string"}},
  {"type": "array", "items": {"type": "integer", "minimum": 0}},
  {"type": "array", "items": {"type": "array", "items": {"type": "integer", "minimum": 0}}}]},
"Documents": {"type": "array", "minItems": 1, "maxItems": 2048, "items": {"anyOf": [
  {"type": "string"},
  {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}]}},
"Stop": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
"Choices": {"type": "array", "items": {"type": "string"}},
"StreamOptions": {"type": "object", "properties": {"include_usage": {"type": ["boolean", "null"]}}},
"LogitBias": {"type": "object", "additionalProperties": {"type": "number"}},
"StructuredOutputs": {"type": "object", "description": "Exactly one of these.", "properties": {
  "json": {"$ref": "#/components/schemas/JsonSchemaOrText"},
  "regex": {"type": "string"},
  "choice": {"$ref": "#/components/schemas/Choices"},
  "grammar": {"type": "string", "description": "GBNF"},
  "json_object": {"type": "boolean"}}},
"TemplateVariables": {"type": "object", "maxProperties": 64},
"ResponseFormat": {"type": "object", "required": ["type"], "properties": {
  "type": {"type": "string", "enum": ["text", "json_object", "json_schema"]},
  "schema": {"$ref": "#/components/schemas/JsonSchema", "description": "With json_object."},
  "json_schema": {"type": "object", "required": ["schema"], "properties": {
    "name": {"type": "string"},
    "description": {"type": "string"},
    "strict": {"type": ["boolean", "null"]},
    "schema": {"$ref": "#/components/schemas/JsonSchema"}}}}},
"Function": {"type": "object", "required": ["name"], "properties": {
  "name": {"type": "string", "maxLength": 64, "pattern": "^[A-Za-z0-9_-]+$"},
  "description": {"type": ["string", "null"]},
  "parameters": {"$ref": "#/components/schemas/JsonSchema"},
  "strict": {"type": ["boolean", "null"], "description": "Hold the arguments to the schema."}}},
"Functions": {"type": "array", "items": {"$ref": "#/components/schemas/Function"}},
"Tools": {"type": "array", "items": {"type": "object", "required": ["type", "function"], "properties": {
  "type": {"const": "function"},
  "function": {"$ref": "#/components/schemas/Function"}}}},
"ToolChoice": {"anyOf": [
  {"type": "string", "enum": ["none", "auto", "required"]},
  {"type": "object", "required": ["type", "function"], "properties": {
    "type": {"const": "function"},
    "function": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}}}]},
"FunctionCallChoice": {"anyOf": [
  {"type": "string", "enum": ["none", "auto"]},
  {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}]},
"ContentPart": {"type": "object", "required": ["type"], "properties": {
  "type": {"type": "string", "enum": ["text", "refusal"]},
  "text": {"type": "string"},
  "refusal": {"type": "string"}}},
"Message": {"type": "object", "required": ["role"], "properties": {
  "role": {"type": "string", "enum": ["system", "developer", "user", "assistant", "tool", "function"]},
  "content": {"anyOf": [{"type": "string"}, {"type": "null"},
                        {"type": "array", "items": {"$ref": "#/components/schemas/ContentPart"}}]},
  "name": {"type": ["string", "null"]},
  "tool_call_id": {"type": ["string", "null"], "description": "Of role tool: which call this answers."},
  "reasoning_content": {"type": ["string", "null"], "description": "Of role assistant: what it thought."},
  "tool_calls": {"anyOf": [{"type": "null"},
                           {"type": "array", "items": {"$ref": "#/components/schemas/ToolCall"}}]},
  "function_call": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/FunctionCall"}]}}},
"Messages": {"type": "array", "minItems": 1, "maxItems": 16384,
             "items": {"$ref": "#/components/schemas/Message"}}
})json";

constexpr std::string_view kSharedParts = R"json({
"Error": {"type": "object", "required": ["error"], "properties": {
  "error": {"type": "object", "required": ["message", "type", "param", "code"], "properties": {
    "message": {"type": "string"},
    "type": {"type": "string"},
    "param": {"type": ["string", "null"], "description": "Path of the field at fault."},
    "code": {"type": ["string", "null"]}}}}},
"FinishReason": {"type": "string", "enum": ["stop", "length", "tool_calls", "function_call"]},
"FunctionCall": {"type": "object", "required": ["name", "arguments"], "properties": {
  "name": {"type": "string"},
  "arguments": {"type": "string", "description": "JSON"}}},
"ToolCall": {"type": "object", "required": ["id", "type", "function"], "properties": {
  "id": {"type": "string"},
  "type": {"const": "function"},
  "function": {"$ref": "#/components/schemas/FunctionCall"}}},
"Usage": {"type": "object", "required": ["prompt_tokens", "completion_tokens", "total_tokens"], "properties": {
  "prompt_tokens": {"type": "integer", "minimum": 0},
  "completion_tokens": {"type": "integer", "minimum": 0},
  "total_tokens": {"type": "integer", "minimum": 0},
  "prompt_tokens_details": {"type": "object", "required": ["cached_tokens"], "properties": {
    "cached_tokens": {"type": "integer", "minimum": 0, "description": "Taken from the prefix cache."}}},
  "completion_tokens_details": {"type": "object", "properties": {
    "reasoning_tokens": {"type": "integer", "minimum": 0},
    "accepted_prediction_tokens": {"type": "integer", "minimum": 0, "description": "Guessed ahead (draft_model) and right."},
    "rejected_prediction_tokens": {"type": "integer", "minimum": 0}}}}},
"TokenLogprob": {"type": "object", "required": ["token", "logprob", "bytes"], "properties": {
  "token": {"type": "string"},
  "logprob": {"type": ["number", "null"]},
  "bytes": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 255}},
  "top_logprobs": {"type": "array", "items": {"$ref": "#/components/schemas/TokenLogprob"}}}},
"ChatLogprobs": {"type": "object", "required": ["content"], "properties": {
  "content": {"type": "array", "items": {"$ref": "#/components/schemas/TokenLogprob"}}}},
"CompletionLogprobs": {"type": "object", "required": ["tokens", "text_offset", "token_logprobs", "top_logprobs"],
  "properties": {
    "tokens": {"type": "array", "items": {"type": "string"}},
    "text_offset": {"type": "array", "items": {"type": "integer", "minimum": 0}},
    "token_logprobs": {"type": "array", "items": {"type": ["number", "null"]}},
    "top_logprobs": {"type": "array", "items": {"anyOf": [{"type": "null"},
      {"type": "object", "additionalProperties": {"type": ["number", "null"]}}]}}}}
})json";

constexpr std::string_view kResponses = R"json({
"Completion": {"type": "object", "required": ["id", "object", "created", "model", "choices", "usage"], "properties": {
  "id": {"type": "string", "pattern": "^cmpl-"},
  "object": {"const": "text_completion"},
  "created": {"type": "integer"},
  "model": {"type": "string"},
  "choices": {"type": "array", "items": {"type": "object", "required": ["text", "index", "logprobs", "finish_reason"],
    "properties": {
      "text": {"type": "string"},
      "index": {"type": "integer", "minimum": 0},
      "logprobs": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/CompletionLogprobs"}]},
      "finish_reason": {"$ref": "#/components/schemas/FinishReason"}}}},
  "usage": {"$ref": "#/components/schemas/Usage"}}},
"CompletionChunk": {"type": "object", "required": ["id", "object", "created", "model", "choices"], "properties": {
  "id": {"type": "string", "pattern": "^cmpl-"},
  "object": {"const": "text_completion"},
  "created": {"type": "integer"},
  "model": {"type": "string"},
  "choices": {"type": "array", "items": {"type": "object", "required": ["text", "index", "logprobs", "finish_reason"],
    "properties": {
      "text": {"type": "string"},
      "index": {"type": "integer", "minimum": 0},
      "logprobs": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/CompletionLogprobs"}]},
      "finish_reason": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/FinishReason"}]}}}},
  "usage": {"$ref": "#/components/schemas/Usage", "description": "In the last chunk, with include_usage."}}},
"ChatCompletion": {"type": "object", "required": ["id", "object", "created", "model", "choices", "usage"], "properties": {
  "id": {"type": "string", "pattern": "^chatcmpl-"},
  "object": {"const": "chat.completion"},
  "created": {"type": "integer"},
  "model": {"type": "string"},
  "choices": {"type": "array", "items": {"type": "object", "required": ["index", "message", "logprobs", "finish_reason"],
    "properties": {
      "index": {"type": "integer", "minimum": 0},
      "message": {"type": "object", "required": ["role", "content"], "properties": {
        "role": {"const": "assistant"},
        "content": {"type": ["string", "null"]},
        "reasoning_content": {"type": "string"},
        "tool_calls": {"type": "array", "items": {"$ref": "#/components/schemas/ToolCall"}},
        "function_call": {"$ref": "#/components/schemas/FunctionCall"}}},
      "logprobs": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/ChatLogprobs"}]},
      "finish_reason": {"$ref": "#/components/schemas/FinishReason"}}}},
  "usage": {"$ref": "#/components/schemas/Usage"}}},
"ChatDelta": {"type": "object", "properties": {
  "role": {"const": "assistant"},
  "content": {"type": "string"},
  "reasoning_content": {"type": "string"},
  "tool_calls": {"type": "array", "items": {"type": "object", "required": ["index", "function"], "properties": {
    "index": {"type": "integer", "minimum": 0},
    "id": {"type": "string"},
    "type": {"const": "function"},
    "function": {"$ref": "#/components/schemas/FunctionDelta"}}}},
  "function_call": {"$ref": "#/components/schemas/FunctionDelta"}}},
"FunctionDelta": {"type": "object", "required": ["arguments"], "properties": {
  "name": {"type": "string", "description": "In the first delta of a call."},
  "arguments": {"type": "string", "description": "What is appended to the arguments."}}},
"ChatCompletionChunk": {"type": "object", "required": ["id", "object", "created", "model", "choices"], "properties": {
  "id": {"type": "string", "pattern": "^chatcmpl-"},
  "object": {"const": "chat.completion.chunk"},
  "created": {"type": "integer"},
  "model": {"type": "string"},
  "choices": {"type": "array", "items": {"type": "object", "required": ["index", "delta", "logprobs", "finish_reason"], "properties": {
    "index": {"type": "integer", "minimum": 0},
    "delta": {"$ref": "#/components/schemas/ChatDelta"},
    "logprobs": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/ChatLogprobs"}]},
    "finish_reason": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/FinishReason"}]}}}},
  "usage": {"$ref": "#/components/schemas/Usage", "description": "In the last chunk, with include_usage."}}},
"EmbeddingList": {"type": "object", "required": ["object", "data", "model", "usage"], "properties": {
  "object": {"const": "list"},
  "model": {"type": "string"},
  "data": {"type": "array", "items": {"type": "object", "required": ["object", "index", "embedding"], "properties": {
    "object": {"const": "embedding"},
    "index": {"type": "integer", "minimum": 0},
    "embedding": {"anyOf": [{"type": "array", "items": {"type": "number"}},
                            {"type": "string", "contentEncoding": "base64"}]}}}},
  "usage": {"$ref": "#/components/schemas/PromptUsage"}}},
"PromptUsage": {"type": "object", "required": ["prompt_tokens", "total_tokens"], "properties": {
  "prompt_tokens": {"type": "integer", "minimum": 0},
  "total_tokens": {"type": "integer", "minimum": 0}}},
"RerankList": {"type": "object", "required": ["object", "model", "results", "usage"], "properties": {
  "object": {"const": "list"},
  "model": {"type": "string"},
  "results": {"type": "array", "description": "The best first.", "items": {"type": "object", "required": ["index", "relevance_score"], "properties": {
    "index": {"type": "integer", "minimum": 0, "description": "Of the document in the request."},
    "relevance_score": {"type": "number", "description": "From 0 to 1; with raw_scores any number."},
    "document": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}}}},
  "usage": {"$ref": "#/components/schemas/PromptUsage"}}},
"Model": {"type": "object", "required": ["id", "object", "created", "owned_by", "permissions"], "properties": {
  "id": {"type": "string"},
  "object": {"const": "model"},
  "created": {"type": "integer"},
  "owned_by": {"type": "string"},
  "permissions": {"type": "array", "items": {"type": "object"}}}},
"ModelList": {"type": "object", "required": ["object", "data"], "properties": {
  "object": {"const": "list"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}}},
"Tokens": {"type": "object", "required": ["tokens"], "properties": {"tokens": {"$ref": "#/components/schemas/TokenIds"}}},
"TokenCount": {"type": "object", "required": ["count"], "properties": {"count": {"type": "integer", "minimum": 0}}},
"Text": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
"Readiness": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string", "enum": ["ready", "draining"]}}},
"Health": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string", "enum": ["ok", "draining"]}}}
})json";

}  // namespace

json::object component_schemas() {
  json::object all;
  for (const std::string_view part : {kRequestParts, kSharedParts, kResponses}) {
    const json::value schemas = json::parse(part);
    for (const auto& [name, schema] : schemas.get_object()) all[name] = schema;
  }
  return all;
}

}  // namespace chasqui::api
