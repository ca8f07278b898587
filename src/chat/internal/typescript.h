// Tools as declarations of TypeScript: how Functionary's models are told what they may call.
#pragma once

#include <span>
#include <string>

#include "chat/tool_dialect.h"

namespace chasqui::chat {

// A namespace `functions` with a type for each tool, without a line end behind it. Parameters that
// the schema does not require have a question mark; what `$defs` holds becomes types of its own,
// before the tools. For the model to read: nothing here constrains an answer, and what has no
// counterpart is `any`. `margin`: spaces before what stands in the namespace.
std::string typescript_of(std::span<const Tool> tools, size_t margin);

}  // namespace chasqui::chat
