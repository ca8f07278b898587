// The formats that are written in C++: one file and one row (chat_format.cc) each.
#pragma once

#include <memory>

#include "chat/chat_format.h"

namespace chasqui::chat {

std::shared_ptr<const ChatFormat> make_chatml_format(const SpecialTexts& special);
std::shared_ptr<const ChatFormat> make_llama2_format(const SpecialTexts& special);

// Appends `text` to `parts`, joined to the last part when that has the same mark.
void append(std::vector<PromptPart>& parts, std::string_view text, bool trusted);

}  // namespace chasqui::chat
