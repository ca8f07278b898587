#include "text/detokenizer.h"

#include "text/internal/utf8.h"

namespace chasqui::text {
namespace {

// Appends the whole characters of `bytes` to `out`, invalid parts as U+FFFD, and returns how many
// bytes at the end were left: an unfinished character, at most 3.
size_t append_whole_characters(std::string_view bytes, std::string& out) {
  size_t at = 0;
  while (at < bytes.size()) {
    const Utf8Scan scan = scan_utf8(bytes, at);
    if (scan.state == Utf8Scan::State::kTruncated) return bytes.size() - at;
    if (scan.state == Utf8Scan::State::kValid) {
      out.append(bytes, at, scan.length);
    } else {
      out += kReplacement;
    }
    at += scan.length;
  }
  return 0;
}

}  // namespace

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool at_start, bool show_special)
    : tokenizer_(tokenizer),
      strip_space_(at_start && tokenizer.strips_leading_space()),
      show_special_(show_special) {}

std::string Detokenizer::push(TokenId id) {
  std::string_view piece = tokenizer_.piece(id, show_special_);
  // The rule of decode(): only the very first token can lose its space, even when it is silent.
  if (strip_space_ && piece.starts_with(' ')) piece.remove_prefix(1);
  strip_space_ = false;

  held_ += piece;
  std::string out;
  const size_t left = append_whole_characters(held_, out);
  held_.erase(0, held_.size() - left);
  return out;
}

std::string Detokenizer::finish() {
  // What is held is one proper prefix of a character, hence one maximal invalid part.
  std::string out(held_.empty() ? std::string_view() : kReplacement);
  held_.clear();
  return out;
}

size_t complete_utf8_prefix(std::string_view bytes) {
  // Only the last three bytes can belong to an unfinished character.
  const size_t first = bytes.size() > 3 ? bytes.size() - 3 : 0;
  for (size_t at = first; at < bytes.size(); ++at) {
    const Utf8Scan scan = scan_utf8(bytes, at);
    if (scan.state == Utf8Scan::State::kTruncated) return at;
  }
  return bytes.size();
}

std::string to_valid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  if (append_whole_characters(bytes, out) > 0) out += kReplacement;
  return out;
}

}  // namespace chasqui::text
