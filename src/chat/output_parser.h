// What a model writes to what a client sees: content, thoughts and calls of tools, while the text
// arrives. It works byte by byte, so the events joined do not depend on how the text was cut. It
// never fails: what is not a valid call of a tool that exists is content. Only the marks around
// thoughts and calls are left out, and white space around them.
//
// Once a call has begun its arguments are passed on as they come; where they then turn out not to
// be JSON, the call ends there and the rest is content.
//
// One object per answer, not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/internal/call_reader.h"
#include "chat/internal/headed_parser.h"
#include "chat/output_event.h"
#include "chat/tool_dialect.h"

namespace chasqui::chat {

struct OutputStyle {
  const ToolDialect* dialect = nullptr;  // null: calls are not looked for
  std::shared_ptr<const Tools> tools;    // not null with a dialect
  ThinkMarks think;
  bool starts_thinking = false;  // the prompt has opened the thoughts
  bool starts_in_body = false;   // of dialects with headers: the prompt has written the first one
  bool holds_calls = false;      // calls are constrained: only dialect->held_openers open them

  // REQUIRES: there is a dialect.
  std::span<const std::string_view> openers() const {
    const bool fewer = holds_calls && !dialect->held_openers.empty();
    return fewer ? dialect->held_openers : dialect->openers;
  }
  bool has_thoughts() const { return !think.close.empty(); }
  bool is_plain() const { return dialect == nullptr && !has_thoughts(); }
};

class OutputParser final : private CallSink {
 public:
  explicit OutputParser(OutputStyle style);

  // Appends what `text` completes to `out`.
  void push(std::string_view text, OutputEvents& out);
  // The end of the answer. Not to be used afterwards.
  void finish(OutputEvents& out);
  size_t calls_ended() const { return headed_ ? headed_->calls_ended() : calls_ended_; }

 private:
  enum class Place { kMaybeThinking, kThinking, kContent, kCall };

  void push(char c);
  void maybe_thinking(char c);
  void thinking(char c);
  void content(char c);
  void call(char c);
  void begin_call();
  void give_up_call();
  void emit(OutputEvent::Kind kind, std::string_view text);
  // A byte of content or thoughts; blanks wait for what comes behind them.
  void say(OutputEvent::Kind kind, char c);
  bool is_opener(std::string_view text) const;
  bool may_become_opener(std::string_view text) const;

  bool begin(std::string_view name) override;
  void arguments(std::string_view text) override;
  void end() override;

  const OutputStyle style_;
  Place place_;
  std::string held_;          // what may become a mark
  std::string blanks_;        // what is dropped before a mark
  std::string raw_;           // of a call: read but not reported
  bool skip_blanks_ = false;  // a mark was the last
  bool said_ = false;         // there is content other than blanks
  bool call_open_ = false;    // begun, not ended
  size_t calls_ended_ = 0;
  std::unique_ptr<CallReader> reader_;
  std::unique_ptr<HeadedParser> headed_;  // does all the work where the dialect has headers
  OutputEvents* out_ = nullptr;           // of the call of push() or finish() that runs
};

}  // namespace chasqui::chat
