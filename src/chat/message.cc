#include "chat/message.h"

#include <array>
#include <utility>

namespace chasqui::chat {
namespace {

constexpr std::array<std::pair<Role, std::string_view>, 6> kRoles = {{
    {Role::kSystem, "system"},
    {Role::kDeveloper, "developer"},
    {Role::kUser, "user"},
    {Role::kAssistant, "assistant"},
    {Role::kTool, "tool"},
    {Role::kFunction, "function"},
}};

}  // namespace

std::string_view role_name(Role role) {
  for (const auto& [known, name] : kRoles) {
    if (known == role) return name;
  }
  return "user";
}

std::optional<Role> role_from_name(std::string_view name) {
  for (const auto& [role, known] : kRoles) {
    if (known == name) return role;
  }
  return std::nullopt;
}

std::string role_names() {
  std::string out;
  for (const auto& [role, name] : kRoles) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

}  // namespace chasqui::chat
