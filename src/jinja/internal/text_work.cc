#include "jinja/internal/text_work.h"

#include <algorithm>

#include "jinja/internal/unicode.h"

namespace chasqui::jinja {
namespace {

std::string_view entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '\'':
      return "&#39;";
    case '"':
      return "&#34;";
    default:
      return {};
  }
}

bool is_line_end(int32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 ||
         code == 0x2028 || code == 0x2029;
}

// Bytes at the front of `text` whose characters are in `set`.
size_t leading_of(std::string_view text, std::string_view set) {
  size_t at = 0;
  while (at < text.size()) {
    const std::string_view character = text.substr(at, char_bytes(text.substr(at)));
    if (set.find(character) == std::string_view::npos) break;
    at += character.size();
  }
  return at;
}

// Bytes at the end of `text` whose characters are in `set`.
size_t trailing_of(std::string_view text, std::string_view set) {
  if (is_ascii(set)) {
    const size_t last = text.find_last_not_of(set);
    return last == std::string_view::npos ? text.size() : text.size() - last - 1;
  }
  const std::vector<size_t> offsets = char_offsets(text);
  size_t kept = offsets.size() - 1;
  while (kept > 0) {
    const size_t begin = offsets[kept - 1];
    if (set.find(text.substr(begin, offsets[kept] - begin)) == std::string_view::npos) break;
    --kept;
  }
  return text.size() - offsets[kept];
}

// Where `separator` occurs, without overlaps, at most `limit` times.
std::vector<size_t> occurrences(std::string_view text, std::string_view separator, int64_t limit,
                                bool from_right) {
  std::vector<size_t> found;
  size_t end = text.size();
  size_t at = 0;
  while (limit < 0 || static_cast<int64_t>(found.size()) < limit) {
    const std::string_view window = text.substr(0, end);
    const size_t place = from_right ? window.rfind(separator) : window.find(separator, at);
    if (place == std::string_view::npos) break;
    found.push_back(place);
    at = place + separator.size();
    if (from_right) end = place;
  }
  if (from_right) std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace

Text escape_markup(Machine& machine, const Text& text) {
  machine.charge(text.size() * 2);
  return map_runs(text, [](std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
      const std::string_view replacement = entity(c);
      if (replacement.empty()) {
        out += c;
      } else {
        out += replacement;
      }
    }
    return out;
  });
}

std::vector<Text> split_by(const Text& text, std::string_view separator, int64_t limit,
                           bool from_right) {
  std::vector<Text> pieces;
  size_t begin = 0;
  for (const size_t place : occurrences(text.view(), separator, limit, from_right)) {
    pieces.push_back(text.substr(begin, place - begin));
    begin = place + separator.size();
  }
  pieces.push_back(text.substr(begin));
  return pieces;
}

std::vector<Text> split_by_space(const Text& text, int64_t limit, bool from_right) {
  // Words as [begin, end) bytes.
  std::vector<std::pair<size_t, size_t>> words;
  const std::string_view view = text.view();
  bool inside = false;
  for (size_t at = 0; at < view.size();) {
    const size_t size = char_bytes(view.substr(at));
    const bool space = is_space(code_point(view.substr(at, size)));
    if (!space && !inside) words.emplace_back(at, at);
    if (!space) words.back().second = at + size;
    inside = !space;
    at += size;
  }
  std::vector<Text> pieces;
  const size_t cuts = limit < 0 ? words.size() : static_cast<size_t>(limit);
  const size_t whole =
      words.size() > cuts + 1 ? words.size() - cuts : 1;  // words in the long piece
  for (size_t i = 0; i < words.size();) {
    const bool is_long = whole > 1 && (from_right ? i == 0 : i == cuts);
    const size_t last = is_long ? i + whole - 1 : i;
    size_t begin = words[i].first, end = words[last].second;
    // The piece that is not cut keeps the space at the far end of the text.
    if (is_long && from_right) begin = 0;
    if (is_long && !from_right) end = view.size();
    pieces.push_back(text.substr(begin, end - begin));
    i = last + 1;
  }
  // With nothing to cut, one word still loses its space only towards where cutting begins.
  if (limit == 0 && words.size() == 1) {
    const size_t begin = from_right ? 0 : words[0].first;
    const size_t end = from_right ? words[0].second : view.size();
    pieces[0] = text.substr(begin, end - begin);
  }
  return pieces;
}

std::vector<Text> split_lines(const Text& text, bool keep_ends) {
  std::vector<Text> lines;
  const std::string_view view = text.view();
  size_t begin = 0;
  for (size_t at = 0; at < view.size();) {
    size_t size = char_bytes(view.substr(at));
    if (!is_line_end(code_point(view.substr(at, size)))) {
      at += size;
      continue;
    }
    if (view.substr(at).starts_with("\r\n")) size = 2;
    lines.push_back(text.substr(begin, at - begin + (keep_ends ? size : 0)));
    at += size;
    begin = at;
  }
  if (begin < view.size()) lines.push_back(text.substr(begin));
  return lines;
}

Text strip(const Text& text, const std::optional<std::string>& set, Side side) {
  const std::string_view view = text.view();
  size_t begin = 0;
  if (side != Side::kRight) begin = set ? leading_of(view, *set) : leading_space(view);
  const std::string_view rest = view.substr(begin);
  size_t tail = 0;
  if (side != Side::kLeft) tail = set ? trailing_of(rest, *set) : trailing_space(rest);
  if (begin == 0 && tail == 0) return text;
  return text.substr(begin, rest.size() - tail);
}

Text replace(Machine& machine, const Text& text, std::string_view old, const Text& with,
             int64_t limit) {
  Text out;
  const std::string_view view = text.view();
  size_t begin = 0, at = 0;
  for (int64_t done = 0; limit < 0 || done < limit; ++done) {
    const size_t place = old.empty() ? at : view.find(old, at);
    if (place == std::string_view::npos || place > view.size()) break;
    machine.charge(with.size() + place - begin);
    out.append(text, begin, place - begin);
    out.append(with);
    begin = place + old.size();
    // An empty text is found between any two characters, and at both ends.
    at = old.empty() ? place + std::max<size_t>(char_bytes(view.substr(place)), 1) : begin;
  }
  machine.charge(view.size() - begin);
  out.append(text, begin, view.size() - begin);
  return out;
}

std::vector<Value> text_values(std::vector<Text> texts) {
  std::vector<Value> values;
  values.reserve(texts.size());
  for (Text& text : texts) values.push_back(Value::string(std::move(text)));
  return values;
}

}  // namespace chasqui::jinja
