#include "chat/output_parser.h"

#include <algorithm>

namespace chasqui::chat {

using Kind = OutputEvent::Kind;

void add_text(OutputEvents& events, Kind kind, std::string_view text) {
  if (text.empty()) return;
  if (!events.empty() && events.back().kind == kind) {
    events.back().text += text;
  } else {
    events.push_back({kind, std::string(text)});
  }
}

OutputParser::OutputParser(OutputStyle style)
    : style_(std::move(style)),
      place_(style_.starts_thinking      ? Place::kThinking
             : style_.think.open.empty() ? Place::kContent
                                         : Place::kMaybeThinking),
      skip_blanks_(style_.starts_thinking) {
  if (style_.dialect == nullptr || style_.dialect->headed == nullptr) return;
  headed_ =
      std::make_unique<HeadedParser>(*style_.dialect->headed, style_.tools, style_.starts_in_body);
}

void OutputParser::push(std::string_view text, OutputEvents& out) {
  if (headed_) {
    for (const char c : text) headed_->push(c, out);
    return;
  }
  out_ = &out;
  for (const char c : text) push(c);
  out_ = nullptr;
}

void OutputParser::push(char c) {
  switch (place_) {
    case Place::kMaybeThinking:
      return maybe_thinking(c);
    case Place::kThinking:
      return thinking(c);
    case Place::kContent:
      return content(c);
    case Place::kCall:
      return call(c);
  }
}

void OutputParser::finish(OutputEvents& out) {
  if (headed_) return headed_->finish(out);
  out_ = &out;
  if (place_ == Place::kCall) {
    const bool was_cut = call_open_;
    if (was_cut) end();
    if (!was_cut && !reader_->may_end()) held_ = std::move(raw_);
    place_ = Place::kContent;
  }
  if (place_ == Place::kThinking) {
    for (const char c : held_) say(Kind::kReasoning, c);
  } else {
    for (const char c : held_) say(Kind::kContent, c);
    if (calls_ended_ == 0 || said_) emit(Kind::kContent, blanks_);
  }
  out_ = nullptr;
}

void OutputParser::emit(Kind kind, std::string_view text) {
  add_text(*out_, kind, text);
}

void OutputParser::say(Kind kind, char c) {
  if (is_blank(c)) {
    if (!skip_blanks_) blanks_ += c;
    return;
  }
  skip_blanks_ = false;
  said_ = said_ || kind == Kind::kContent;
  emit(kind, blanks_);
  blanks_.clear();
  emit(kind, {&c, 1});
}

void OutputParser::maybe_thinking(char c) {
  held_ += c;
  const size_t blanks =
      static_cast<size_t>(std::ranges::find_if_not(held_, is_blank) - held_.begin());
  const std::string_view text = std::string_view(held_).substr(blanks);
  if (text == style_.think.open) {
    held_.clear();
    skip_blanks_ = true;
    place_ = Place::kThinking;
  } else if (!style_.think.open.starts_with(text)) {
    place_ = Place::kContent;
    const std::string again = std::move(held_);
    held_.clear();
    for (const char byte : again) push(byte);
  }
}

void OutputParser::thinking(char c) {
  held_ += c;
  while (!style_.think.close.starts_with(held_)) {
    say(Kind::kReasoning, held_.front());
    held_.erase(0, 1);
  }
  if (held_ != style_.think.close) return;
  held_.clear();
  blanks_.clear();
  skip_blanks_ = true;
  place_ = Place::kContent;
}

bool OutputParser::is_opener(std::string_view text) const {
  if (style_.dialect == nullptr || (is_bracket(text) && said_)) return false;
  const auto openers = style_.openers();
  return std::ranges::find(openers, text) != openers.end();
}

bool OutputParser::may_become_opener(std::string_view text) const {
  if (style_.dialect == nullptr) return text.empty();
  return std::ranges::any_of(style_.openers(), [&](std::string_view opener) {
    return opener.starts_with(text) && (!is_bracket(opener) || !said_ || text.empty());
  });
}

void OutputParser::content(char c) {
  held_ += c;
  while (!may_become_opener(held_)) {
    say(Kind::kContent, held_.front());
    held_.erase(0, 1);
  }
  if (is_opener(held_)) begin_call();
}

void OutputParser::begin_call() {
  raw_ = std::move(held_);
  held_.clear();
  place_ = Place::kCall;
  reader_ = style_.dialect->make_reader(*style_.tools);
  // A bracket is a part of the call itself, also at the end of an opener.
  const std::string_view last = std::string_view(raw_).substr(raw_.size() - 1);
  if (is_bracket(last)) static_cast<void>(reader_->push(last.front(), *this));
}

void OutputParser::call(char c) {
  raw_ += c;
  const CallReader::Verdict verdict = reader_->push(c, *this);
  if (verdict == CallReader::Verdict::kNot) return give_up_call();
  if (verdict != CallReader::Verdict::kDone) return;
  raw_.clear();
  blanks_.clear();
  skip_blanks_ = true;
  place_ = Place::kContent;
}

// What was read is content; its last byte may begin a mark.
void OutputParser::give_up_call() {
  std::string text = std::move(raw_);  // not empty: it has at least the byte just read
  if (call_open_) end();
  raw_.clear();
  place_ = Place::kContent;
  const char last = text.back();
  text.pop_back();
  for (const char c : text) say(Kind::kContent, c);
  content(last);
}

bool OutputParser::begin(std::string_view name) {
  const Tools& tools = *style_.tools;
  if (std::ranges::find(tools, name, &Tool::name) == tools.end()) return false;
  blanks_.clear();
  raw_.clear();
  call_open_ = true;
  out_->push_back({Kind::kCallBegin, std::string(name)});
  return true;
}

void OutputParser::arguments(std::string_view text) {
  raw_.clear();
  emit(Kind::kArguments, text);
}

void OutputParser::end() {
  raw_.clear();
  call_open_ = false;
  ++calls_ended_;
  out_->push_back({Kind::kCallEnd, ""});
}

}  // namespace chasqui::chat
