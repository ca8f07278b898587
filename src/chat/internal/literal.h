// Values as models write them in calls: JSON, Python's literals, and Gemma's strings.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string_view>

namespace chasqui::chat {

// What Gemma writes before and after a string; nothing inside is escaped.
inline constexpr std::string_view kBarQuote = "<|\"|>";

// Numbers, strings in ", ' or <|"|>, true/True, null/None, lists [] and (), and objects whose keys
// may lack quotes. nullopt where `text` is none of it, or nests above 64 deep.
std::optional<boost::json::value> read_literal(std::string_view text);

// Finds byte by byte where a literal ends: at a byte of ")]},", outside brackets and strings.
class LiteralScanner {
 public:
  // Whether `c` is behind the literal.
  bool ends_before(char c);
  bool is_nested() const { return depth_ > 0; }

 private:
  size_t depth_ = 0;  // open brackets
  char quote_ = 0;    // of the string that is open; '|' for Gemma's
  bool escaped_ = false;
  char recent_[kBarQuote.size()] = {};  // the last bytes, the newest last
};

}  // namespace chasqui::chat
