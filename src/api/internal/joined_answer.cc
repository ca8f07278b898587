#include "api/internal/joined_answer.h"

#include <gtest/gtest.h>

namespace json = boost::json;

namespace chasqui::api::testing {
namespace {

void add_call(const json::object& call, Joined& out) {
  const auto index = static_cast<size_t>(call.at("index").to_number<int64_t>());
  const json::object& function = call.at("function").as_object();
  if (index == out.calls.size()) {
    out.calls.emplace_back(function.at("name").as_string(), "");
    EXPECT_EQ(call.at("type"), "function");
    EXPECT_EQ(function.at("arguments"), "");
    out.ids.insert(std::string(call.at("id").as_string()));
  }
  ASSERT_EQ(index + 1, out.calls.size());
  out.calls[index].second += function.at("arguments").as_string();
}

void add_chunk(const json::value& choice, Joined& out) {
  const json::object& delta = choice.at("delta").as_object();
  if (delta.contains("content")) out.content += delta.at("content").as_string();
  if (delta.contains("tool_calls")) {
    for (const json::value& call : delta.at("tool_calls").as_array()) {
      add_call(call.as_object(), out);
    }
  }
  const json::value& finish = choice.at("finish_reason");
  if (!finish.is_null()) out.finish = finish.as_string();
}

}  // namespace

json::object request_with_tools(std::string_view basic, std::string_view more) {
  json::object object = json::parse(R"({
    "messages": [{"role": "user", "content": "Hi"}],
    "tools": [
      {"type": "function", "function": {"name": "weather", "parameters": {"type": "object",
        "properties": {"city": {"type": "string", "maxLength": 6}, "days": {"enum": [1, 2]}},
        "required": ["city", "days"], "additionalProperties": false}}},
      {"type": "function", "function": {"name": "clock"}}]})")
                            .as_object();
  for (const std::string_view text : {basic, more}) {
    const json::value members = json::parse(text);
    for (const auto& [key, value] : members.as_object()) object[key] = value;
  }
  return object;
}

std::vector<Joined> join(const Reply& reply, size_t choices) {
  std::vector<Joined> out(choices);
  for (const std::string& event : reply.events()) {
    if (event == "[DONE]") break;
    const json::value chunk = json::parse(event);
    for (const json::value& choice : chunk.at("choices").as_array()) {
      add_chunk(choice, out.at(static_cast<size_t>(choice.at("index").to_number<int64_t>())));
    }
  }
  return out;
}

Joined whole(const json::value& choice) {
  Joined out;
  out.finish = choice.at("finish_reason").as_string();
  const json::object& message = choice.at("message").as_object();
  if (message.at("content").is_string()) out.content = message.at("content").as_string();
  if (!message.contains("tool_calls")) return out;
  for (const json::value& call : message.at("tool_calls").as_array()) {
    const json::object& function = call.at("function").as_object();
    out.calls.emplace_back(function.at("name").as_string(), function.at("arguments").as_string());
    out.ids.insert(std::string(call.at("id").as_string()));
  }
  return out;
}

}  // namespace chasqui::api::testing
