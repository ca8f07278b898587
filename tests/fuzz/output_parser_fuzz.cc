// Random bytes as what a model writes, read in the dialect that the first byte chooses. Checked:
// the events joined do not depend on how the text was cut, calls begin and end in turn and name
// tools that exist, and a text without calls and thoughts comes back whole; of dialects with
// headers, without the marks of the messages.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "chat/output_parser.h"

namespace {

using namespace chasqui::chat;
using Kind = OutputEvent::Kind;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property violated: %s\n", what);
  std::abort();
}

OutputStyle style_of(uint8_t first) {
  const auto rows = tool_dialects();
  OutputStyle style;
  style.dialect = &rows[(first >> 2) % rows.size()];
  style.tools = std::make_shared<const Tools>(
      Tools{{"f", "", {{"properties", {{"n", {{"type", "integer"}}}}}}}, {"get_it", "", {}}});
  if ((first & 1) != 0) style.think = {"<think>", "</think>"};
  style.starts_thinking = (first & 3) == 3;
  style.holds_calls = (first & 2) != 0;
  return style;
}

OutputEvents read(const OutputStyle& style, std::string_view text, size_t piece) {
  OutputParser parser(style);
  OutputEvents events;
  for (size_t at = 0; at < text.size(); at += piece) parser.push(text.substr(at, piece), events);
  parser.finish(events);
  return events;
}

// Whether `part` is what is left of `whole` when some bytes are taken out.
bool is_left_of(std::string_view part, std::string_view whole) {
  size_t at = 0;
  for (const char byte : whole) {
    if (at < part.size() && part[at] == byte) ++at;
  }
  return at == part.size();
}

void check(const OutputEvents& events, std::string_view text, const OutputStyle& style) {
  bool open = false, called = false;
  std::string content;
  for (const OutputEvent& event : events) {
    if (event.kind == Kind::kCallBegin) {
      require(!open && (event.text == "f" || event.text == "get_it"), "calls begin in turn");
      open = called = true;
    } else if (event.kind == Kind::kCallEnd) {
      require(open, "calls end once");
      open = false;
    } else if (event.kind == Kind::kArguments) {
      require(open, "arguments belong to a call");
    } else {
      require(!open, "nothing is said inside a call");
      content += event.text;
    }
  }
  require(!open, "calls end");
  const bool has_marks = called || style.has_thoughts() || style.dialect->headed != nullptr;
  require(has_marks || content == text, "nothing is lost");
  require(is_left_of(content, text), "nothing is made up");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const OutputStyle style = style_of(data[0]);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const OutputEvents whole = read(style, text, text.size() + 1);
  check(whole, text, style);
  require(read(style, text, 1) == whole, "cutting changes nothing");
  require(read(style, text, 7) == whole, "cutting changes nothing");
  return 0;
}
