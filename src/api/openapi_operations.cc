// house-numbers: table
// What each listed endpoint takes and gives. To add one: its row in endpoints.cc, its row here, and
// its schemas in openapi_components.cc.
#include "api/internal/openapi.h"
#include "api/internal/requests.h"

namespace chasqui::api {
namespace {

constexpr std::string_view kCompletionExamples = R"({
  "text": {"prompt": "The capital of Peru is", "max_tokens": 8, "temperature": 0},
  "fill in the middle": {"prompt": "def add(a, b):\n    return ", "suffix": "\n", "max_tokens": 16},
  "regular expression": {"prompt": "A date: ", "max_tokens": 16,
    "structured_outputs": {"regex": "[0-9]{4}-[0-9]{2}-[0-9]{2}"}}
})";

constexpr std::string_view kChatExamples = R"({
  "question": {"messages": [{"role": "system", "content": "You are a helpful assistant."},
                            {"role": "user", "content": "What is the capital of Peru?"}],
               "max_tokens": 32},
  "stream": {"messages": [{"role": "user", "content": "Hello"}], "stream": true,
             "stream_options": {"include_usage": true}, "max_tokens": 32},
  "tools": {"messages": [{"role": "user", "content": "Weather in Lima?"}], "tool_choice": "required",
            "tools": [{"type": "function", "function": {"name": "get_weather", "strict": true,
              "parameters": {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}},
                             "required": ["city"], "additionalProperties": false}}}]},
  "schema": {"messages": [{"role": "user", "content": "Lima, as JSON"}],
             "response_format": {"type": "json_schema", "json_schema": {"name": "city", "strict": true,
               "schema": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}},
                          "required": ["name"], "additionalProperties": false}}}}
})";

constexpr std::string_view kEmbeddingExamples = R"({
  "text": {"input": "The food was delicious"},
  "several, as base64": {"input": ["one", "two"], "encoding_format": "base64"}
})";

constexpr std::string_view kRerankExamples = R"({
  "texts": {"query": "What is the capital of Peru?", "documents": ["Lima lies at the coast.", "Potatoes are roots."]},
  "the best, with its text": {"query": "roots", "documents": [{"text": "Potatoes are roots."}, {"text": "Lima"}],
                              "top_n": 1, "return_documents": true}
})";

constexpr Operation kOperations[] = {
    {.method = "POST",
     .pattern = "/v1/completions",
     .tag = "Inference",
     .description = "Continues a text.",
     .request = "CompletionRequest",
     .fields = completion_specs,
     .examples = kCompletionExamples,
     .response = "Completion",
     .chunk = "CompletionChunk"},
    {.method = "POST",
     .pattern = "/v1/chat/completions",
     .tag = "Inference",
     .description = "Answers a conversation, with tool calls and structured output.",
     .request = "ChatCompletionRequest",
     .fields = chat_specs,
     .examples = kChatExamples,
     .response = "ChatCompletion",
     .chunk = "ChatCompletionChunk"},
    {.method = "POST",
     .pattern = "/v1/embeddings",
     .tag = "Inference",
     .description = "Vectors for texts, of length one.",
     .request = "EmbeddingRequest",
     .fields = embedding_specs,
     .examples = kEmbeddingExamples,
     .response = "EmbeddingList"},
    {.method = "POST",
     .pattern = "/v1/rerank",
     .tag = "Inference",
     .description = "How well each document answers a query, best first, by a ranking model.",
     .request = "RerankRequest",
     .fields = rerank_specs,
     .examples = kRerankExamples,
     .response = "RerankList"},
    {.method = "GET",
     .pattern = "/v1/models",
     .tag = "Server",
     .description = "The models that requests may name.",
     .response = "ModelList"},
    {.method = "GET",
     .pattern = "/v1/models/{model...}",
     .tag = "Server",
     .description = "One model.",
     .response = "Model"},
    {.method = "POST",
     .pattern = "/extras/tokenize",
     .tag = "Tokens",
     .description = "Tokens of a text. Control tokens in it count, and a BOS is put before it "
                    "where the model wants one.",
     .request = "TokenizeRequest",
     .fields = tokenize_specs,
     .examples = R"({"text": {"input": "Hello"}})",
     .response = "Tokens"},
    {.method = "POST",
     .pattern = "/extras/tokenize/count",
     .tag = "Tokens",
     .description = "The number of tokens that /extras/tokenize would give.",
     .request = "TokenizeRequest",
     .fields = tokenize_specs,
     .examples = R"({"text": {"input": "Hello"}})",
     .response = "TokenCount"},
    {.method = "POST",
     .pattern = "/extras/detokenize",
     .tag = "Tokens",
     .description = "The text of tokens.",
     .request = "DetokenizeRequest",
     .fields = detokenize_specs,
     .examples = R"({"tokens": {"tokens": [1, 2, 3]}})",
     .response = "Text"},
    {.method = "GET",
     .pattern = "/health",
     .tag = "Server",
     .description = "Whether the server lives; 503 while it stops. Needs no key.",
     .response = "Health",
     .can_fail = false},
    {.method = "GET",
     .pattern = "/ready",
     .tag = "Server",
     .description = "Whether requests are taken; 503 while the server stops. Needs no key.",
     .response = "Readiness",
     .can_fail = false},
    {.method = "GET",
     .pattern = "/metrics",
     .tag = "Server",
     .description = "Measurements for Prometheus (text format 0.0.4).",
     .content_type = "text/plain; version=0.0.4; charset=utf-8"},
    {.method = "GET",
     .pattern = "/openapi.json",
     .tag = "Server",
     .description = "This document.",
     .response = "AnyObject"},
};

}  // namespace

std::span<const Operation> operations() {
  return kOperations;
}

}  // namespace chasqui::api
