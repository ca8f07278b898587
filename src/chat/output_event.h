// What an answer consists of, as parsers report it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chasqui::chat {

struct OutputEvent {
  enum class Kind { kContent, kReasoning, kCallBegin, kArguments, kCallEnd };
  Kind kind = Kind::kContent;
  std::string text;  // more content, thoughts or arguments; of kCallBegin the tool's name
  bool operator==(const OutputEvent&) const = default;
};
using OutputEvents = std::vector<OutputEvent>;

// Appends text to the last event where that is of the same kind, else as an event of its own.
void add_text(OutputEvents& events, OutputEvent::Kind kind, std::string_view text);

}  // namespace chasqui::chat
