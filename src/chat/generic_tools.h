// Tools for chat formats that do not know any: the conversation said again in words. The tools are
// described in the system message, in the shape that the "generic" dialect reads; earlier calls
// and their results become text.
#pragma once

#include <span>
#include <vector>

#include "chat/message.h"
#include "chat/tool_dialect.h"

namespace chasqui::chat {

// Which message describes the tools: the system's (a new one where there is none), or the first one
// of the user.
enum class Place { kSystem, kUser };

// `tools` may be empty: then earlier calls and their results are rewritten, and a conversation
// without calls stays as it is.
std::vector<Message> with_tools_in_words(std::span<const Message> messages, const Tools& tools,
                                         Place place);

}  // namespace chasqui::chat
