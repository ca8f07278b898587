// One message of a conversation, as the formats and templates see it: checked, and with the parts
// of its content joined. api/ makes it from JSON; nothing here knows JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chasqui::chat {

// Who speaks. kDeveloper is OpenAI's newer name for the system role.
enum class Role { kSystem, kDeveloper, kUser, kAssistant, kTool, kFunction };

struct Message {
  Role role = Role::kUser;
  std::string content;       // UTF-8; the words of a user: never read for control tokens
  std::string name;          // of the speaker or of the function, "" when not given
  std::string tool_call_id;  // of a tool message: the call that it answers, "" when not given
};

// The role's name on the wire ("system", "developer", "user", ...).
std::string_view role_name(Role role);

// The inverse of role_name(); nullopt for a name that is none of them.
std::optional<Role> role_from_name(std::string_view name);

// Every role name, as a sentence lists them: "system, developer, user, ...".
std::string role_names();

}  // namespace chasqui::chat
