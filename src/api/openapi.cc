#include "api/internal/openapi.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/service.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

constexpr std::string_view kAbout =
    "OpenAI-compatible API over GGUF language models. Unknown request fields are ignored; fields "
    "of a wrong type or out of range are refused with 400 and named in `error.param`. Every "
    "response has an `X-Request-ID`, the request's own or a generated one.";

struct Failure {
  const char* status;
  const char* name;
  const char* description;
  bool needs_body;  // only of requests that have one
};
constexpr Failure kFailures[] = {
    {"400", "BadRequest",
     "The request cannot be right: `param` names the field, and `code` is "
     "`context_length_exceeded` for a prompt that does not fit.",
     true},
    {"401", "Unauthorized", "The API key is missing or wrong.", false},
    {"404", "NotFound", "No such model (`code` is `model_not_found`) or path.", false},
    {"413", "TooLarge", "The body is larger than the server takes.", true},
    {"500", "Failed", "The server could not do it; its log says why.", false},
    {"503", "Busy", "Too many requests wait, or the server stops; see `Retry-After`.", true},
};

json::object ref(std::string_view kind, std::string_view name) {
  return {{"$ref", fmt::format("#/components/{}/{}", kind, name)}};
}

json::object content(std::string_view type, json::object schema) {
  return {{type, {{"schema", std::move(schema)}}}};
}

// "/v1/models/{model...}" as OpenAPI writes it: "/v1/models/{model}".
std::string path_of(std::string_view pattern) {
  std::string path(pattern);
  if (const size_t dots = path.find("..."); dots != std::string::npos) path.erase(dots, 3);
  return path;
}

json::array parameters_of(const std::string& path) {
  json::array parameters;
  for (size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
    parameters.push_back({{"name", path.substr(at + 1, path.find('}', at) - at - 1)},
                          {"in", "path"},
                          {"required", true},
                          {"schema", {{"type", "string"}}}});
  }
  return parameters;
}

json::object success(const Operation& operation) {
  json::object schema = {{"type", "string"}};
  if (!operation.response.empty()) schema = ref("schemas", operation.response);
  json::object body = content(operation.content_type, std::move(schema));
  std::string description = "Done.";
  if (!operation.chunk.empty()) {
    description =
        "The whole answer, or with `stream` server-sent events: each `data` is one chunk, an "
        "error object where something fails after the first, and `[DONE]` at last.";
    body["text/event-stream"] = {{"schema", ref("schemas", operation.chunk)}};
  }
  return {{"description", description}, {"content", std::move(body)}};
}

json::object responses_of(const Operation& operation, bool needs_key) {
  json::object responses = {{"200", success(operation)}};
  for (const Failure& failure : kFailures) {
    if (!operation.can_fail || (failure.needs_body && operation.fields == nullptr)) continue;
    if (failure.status == std::string_view("401") && !needs_key) continue;
    responses[failure.status] = ref("responses", failure.name);
  }
  return responses;
}

json::object request_body(const Operation& operation) {
  json::object body = content("application/json", ref("schemas", operation.request));
  json::object examples;
  const json::value given = json::parse(operation.examples);
  for (const auto& [name, value] : given.get_object()) {
    examples[name] = {{"value", value}};
  }
  body.at("application/json").as_object()["examples"] = std::move(examples);
  return {{"required", true}, {"content", std::move(body)}};
}

// "post_v1_chat_completions"
std::string id_of(const Endpoint& endpoint, const std::string& path) {
  std::string id;
  for (const char c : fmt::format("{}{}", endpoint.method, path)) {
    if (c >= 'A' && c <= 'Z') {
      id += static_cast<char>(c - 'A' + 'a');
    } else if (c != '{' && c != '}') {
      id += c == '/' ? '_' : c;
    }
  }
  return id;
}

json::object describe_operation(const Endpoint& endpoint, const Operation& operation,
                                bool needs_key) {
  const std::string path = path_of(endpoint.pattern);
  json::object described = {{"operationId", id_of(endpoint, path)},
                            {"tags", {operation.tag}},
                            {"summary", endpoint.summary},
                            {"description", operation.description}};
  if (json::array parameters = parameters_of(path); !parameters.empty()) {
    described["parameters"] = std::move(parameters);
  }
  if (operation.fields != nullptr) described["requestBody"] = request_body(operation);
  described["responses"] = responses_of(operation, needs_key);
  // Those that only tell the server's state are open by default (setting open_paths).
  if (needs_key && !operation.can_fail) described["security"] = json::array();
  return described;
}

json::object paths(bool needs_key) {
  json::object paths;
  for (const Endpoint& endpoint : endpoints()) {
    if (!endpoint.listed) continue;
    for (const Operation& operation : operations()) {
      if (operation.method != endpoint.method || operation.pattern != endpoint.pattern) continue;
      std::string method(endpoint.method);
      std::ranges::transform(method, method.begin(), [](char c) { return c | 0x20; });
      json::object& path = paths[path_of(endpoint.pattern)].is_null()
                               ? paths[path_of(endpoint.pattern)].emplace_object()
                               : paths[path_of(endpoint.pattern)].get_object();
      path[method] = describe_operation(endpoint, operation, needs_key);
    }
  }
  return paths;
}

json::object components(bool needs_key) {
  json::object schemas = component_schemas();
  for (const Operation& operation : operations()) {
    if (operation.fields == nullptr) continue;
    schemas[operation.request] = schema_of(operation.fields());
  }
  json::object responses;
  for (const Failure& failure : kFailures) {
    responses[failure.name] = {{"description", failure.description},
                               {"content", content("application/json", ref("schemas", "Error"))}};
  }
  json::object all = {{"schemas", std::move(schemas)}, {"responses", std::move(responses)}};
  if (needs_key) all["securitySchemes"] = {{"key", {{"type", "http"}, {"scheme", "bearer"}}}};
  return all;
}

}  // namespace

json::object openapi_document(std::string_view root_path, bool needs_key) {
  json::object document = {
      {"openapi", "3.1.0"},
      {"info",
       {{"title", "chasqui"},
        {"version", CHASQUI_VERSION},
        {"description", kAbout},
        {"license", {{"name", "MIT"}, {"identifier", "MIT"}}}}},
      {"servers", {{{"url", root_path.empty() ? "/" : root_path}}}},
      {"tags",
       {{{"name", "Inference"}, {"description", "What models answer."}},
        {{"name", "Tokens"}, {"description", "A model's tokenizer."}},
        {{"name", "Server"}, {"description", "Models served, state and measurements."}}}},
      {"paths", paths(needs_key)},
      {"components", components(needs_key)}};
  if (needs_key) document["security"] = {{{"key", json::array()}}};
  return document;
}

}  // namespace chasqui::api
