// One message of a conversation, as the formats and templates see it: checked, and with the parts
// of its content joined. api/ makes it from JSON; nothing here knows JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui::chat {

// Who speaks. kDeveloper is OpenAI's newer name for the system role.
enum class Role { kSystem, kDeveloper, kUser, kAssistant, kTool, kFunction };

// A function that the assistant asked to be called, as the wire has it.
struct ToolCall {
  std::string id;  // "" when not given
  std::string name;
  std::string arguments;  // JSON text, as sent; may be none
};

struct Message {
  Role role = Role::kUser;
  std::string content;       // UTF-8; the words of a user: never read for control tokens
  std::string name;          // of the speaker or of the function, "" when not given
  std::string tool_call_id;  // of a tool message: the call that it answers, "" when not given
  std::vector<ToolCall> tool_calls = {};  // of an assistant message
  bool null_content = false;              // `content` was null or absent, and is ""
  std::string reasoning = {};             // what the assistant thought before it spoke
};

// The role's name on the wire ("system", "developer", "user", ...).
std::string_view role_name(Role role);

// The inverse of role_name(); nullopt for a name that is none of them.
std::optional<Role> role_from_name(std::string_view name);

// Every role name, as a sentence lists them: "system, developer, user, ...".
std::string role_names();

}  // namespace chasqui::chat
