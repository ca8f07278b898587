#include "chat/internal/headed_parser.h"

#include <algorithm>

#include "chat/internal/call_reader.h"

namespace chasqui::chat {
namespace {

using Kind = OutputEvent::Kind;

constexpr size_t kMaxHeaderBytes = 512;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

size_t name_length(std::string_view text) {
  return static_cast<size_t>(std::ranges::find_if_not(text, is_name_char) - text.begin());
}

bool has(std::string_view text, std::string_view part) {
  return !part.empty() && text.find(part) != std::string_view::npos;
}

}  // namespace

void HeadedParser::push(char c, OutputEvents& out) {
  switch (place_) {
    case Place::kHeader:
      return in_header(c, out);
    case Place::kBeforeArguments:
      return before_arguments(c, out);
    case Place::kArguments:
      return in_arguments(c, out);
    case Place::kBody:
      return in_body(c, out);
  }
}

void HeadedParser::finish(OutputEvents& out) {
  if (place_ == Place::kArguments) {
    out.push_back({Kind::kCallEnd, ""});
    ++calls_ended_;
    return;
  }
  // A header that was cut off says nothing to anybody. One without marks may be words, but not
  // behind a call.
  const bool is_mark = (place_ == Place::kHeader && held_.starts_with("<|")) ||
                       (place_ != Place::kBody && style_.is_exact && calls_ended_ > 0);
  if (place_ == Place::kHeader || place_ == Place::kBeforeArguments) kind_ = Kind::kContent;
  const bool drops_blanks = calls_ended_ > 0 && held_.empty();
  if (!is_mark && !drops_blanks) say(blanks_ + held_, out);
}

bool HeadedParser::may_be_header() const {
  const std::string_view text = held_;
  const auto fits = [&](std::string_view start) {
    if (style_.is_exact) return fits_exactly(start);
    return start.starts_with(text) || text.starts_with(start);
  };
  if (text.size() > kMaxHeaderBytes) return false;
  const auto may_end_body = [&](std::string_view end) { return end.starts_with(text); };
  if (std::ranges::any_of(style_.body_ends, may_end_body)) return true;
  if (!style_.starts.empty()) return std::ranges::any_of(style_.starts, fits);
  std::string_view rest = text.substr(name_length(text));
  while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
  return is_name_char(text.front()) && style_.header_end.starts_with(rest);
}

bool HeadedParser::fits_exactly(std::string_view start) const {
  std::string_view text = held_;
  if (start.starts_with(text)) return true;
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  if (start.ends_with(style_.call_mark)) text.remove_prefix(name_length(text));
  return style_.header_end.starts_with(text);
}

void HeadedParser::in_header(char c, OutputEvents& out) {
  if (held_.empty() && is_blank(c)) {
    blanks_ += c;
    return;
  }
  held_ += c;
  if (std::ranges::find(style_.body_ends, held_) != style_.body_ends.end()) {
    blanks_.clear();
    return held_.clear();
  }
  if (!may_be_header()) return give_up(out);
  if (held_.ends_with(style_.header_end)) end_header(out);
}

std::string_view HeadedParser::named_in_header() const {
  std::string_view text = held_;
  const size_t at = text.find(style_.call_mark);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + style_.call_mark.size());
  return text.substr(0, name_length(text));
}

bool HeadedParser::knows(std::string_view name) const {
  return tools_ && std::ranges::find(*tools_, name, &Tool::name) != tools_->end();
}

void HeadedParser::end_header(OutputEvents& out) {
  name_ = named_in_header();
  if (knows(name_)) {
    place_ = Place::kBeforeArguments;
    return;
  }
  if (style_.is_exact && has(held_, style_.call_mark)) return give_up(out);
  kind_ = has(held_, style_.thought_mark) ? Kind::kReasoning : Kind::kContent;
  blanks_.clear();
  held_.clear();
  skip_blanks_ = true;
  place_ = Place::kBody;
}

void HeadedParser::before_arguments(char c, OutputEvents& out) {
  if (is_blank(c)) {
    held_ += c;
    return;
  }
  if (c != '{') {
    held_ += c;
    return give_up(out);
  }
  blanks_.clear();
  held_.clear();
  out.push_back({Kind::kCallBegin, name_});
  scanner_ = {};
  place_ = Place::kArguments;
  in_arguments(c, out);
}

void HeadedParser::in_arguments(char c, OutputEvents& out) {
  const JsonScanner::Step step = scanner_.push(c);
  const bool is_bad = step == JsonScanner::Step::kBad;
  if (!is_bad) add_text(out, Kind::kArguments, {&c, 1});
  if (step == JsonScanner::Step::kMore) return;
  out.push_back({Kind::kCallEnd, ""});
  ++calls_ended_;
  place_ = Place::kHeader;
  if (!is_bad) return;
  held_ = c;
  give_up(out);
}

void HeadedParser::in_body(char c, OutputEvents& out) {
  held_ += c;
  const auto may_end = [this](std::string_view end) { return end.starts_with(held_); };
  while (!held_.empty() && !may_end(style_.body_turn) &&
         std::ranges::none_of(style_.body_ends, may_end)) {
    say(std::string_view(held_).substr(0, 1), out);
    held_.erase(0, 1);
  }
  if (!held_.empty() && held_ == style_.body_turn) {
    place_ = Place::kHeader;
    blanks_ = held_.substr(0, 1);
    held_.erase(0, 1);
    return;
  }
  if (std::ranges::find(style_.body_ends, held_) == style_.body_ends.end()) return;
  held_.clear();
  place_ = Place::kHeader;
}

void HeadedParser::give_up(OutputEvents& out) {
  kind_ = Kind::kContent;
  place_ = Place::kBody;
  skip_blanks_ = false;
  const std::string text = blanks_ + held_;
  blanks_.clear();
  held_.clear();
  // A turn that has proved none would be found again.
  const bool is_turn = !style_.body_turn.empty() && text.starts_with(style_.body_turn);
  const size_t said = is_turn ? 1 : 0;
  say(std::string_view(text).substr(0, said), out);
  for (const char c : std::string_view(text).substr(said)) push(c, out);
}

void HeadedParser::say(std::string_view text, OutputEvents& out) {
  for (const char c : text) {
    if (skip_blanks_ && is_blank(c)) continue;
    skip_blanks_ = false;
    add_text(out, kind_, {&c, 1});
  }
}

}  // namespace chasqui::chat
