#include "chat/generic_tools.h"

#include <algorithm>

namespace json = boost::json;

namespace chasqui::chat {
namespace {

std::string call_text(const ToolCall& call) {
  const std::string arguments = call.arguments.empty() ? "{}" : call.arguments;
  return "<tool_call>\n{\"name\": " + json::serialize(json::string(call.name)) +
         ", \"arguments\": " + arguments + "}\n</tool_call>";
}

std::string instructions(const Tools& tools) {
  std::string text =
      "You may call functions to help with the user's request. These are the functions, one JSON "
      "object a line:\n<tools>\n";
  for (const Tool& tool : tools) {
    json::object object = {{"name", tool.name}};
    if (!tool.description.empty()) object["description"] = tool.description;
    object["parameters"] = tool.parameters;
    text += json::serialize(object) + "\n";
  }
  text +=
      "</tools>\nTo call a function, answer with nothing but its name and arguments as JSON, like "
      "this:\n<tool_call>\n{\"name\": \"function\", \"arguments\": {}}\n</tool_call>\nResults come "
      "back in <tool_response> tags. Answer in plain words where no function helps.";
  return text;
}

Message said_again(const Message& message) {
  Message again = message;
  again.tool_calls.clear();
  again.null_content = false;
  for (const ToolCall& call : message.tool_calls) {
    if (!again.content.empty()) again.content += "\n";
    again.content += call_text(call);
  }
  if (message.role == Role::kTool || message.role == Role::kFunction) {
    again.role = Role::kUser;
    again.content = "<tool_response>\n" + message.content + "\n</tool_response>";
  }
  return again;
}

}  // namespace

std::vector<Message> with_tools_in_words(std::span<const Message> messages, const Tools& tools,
                                         Place place) {
  const auto calls = [](const Message& message) { return !message.tool_calls.empty(); };
  if (tools.empty() && std::ranges::none_of(messages, calls)) {
    return {messages.begin(), messages.end()};
  }
  std::vector<Message> out;
  out.reserve(messages.size() + 1);
  for (const Message& message : messages) out.push_back(said_again(message));
  if (tools.empty()) return out;
  if (place == Place::kUser) {
    const auto user = std::ranges::find(out, Role::kUser, &Message::role);
    if (user != out.end()) user->content = instructions(tools) + "\n\n" + user->content;
    return out;
  }
  const bool has_system =
      !out.empty() && (out.front().role == Role::kSystem || out.front().role == Role::kDeveloper);
  if (has_system) {
    out.front().content += "\n\n" + instructions(tools);
  } else {
    out.insert(out.begin(), {.role = Role::kSystem, .content = instructions(tools)});
  }
  return out;
}

}  // namespace chasqui::chat
