// Answers made of messages with headers that say who each is for: calls, thoughts and words.
//   <|channel|>analysis<|message|>...<|end|><|start|>assistant to=functions.NAME...<|message|>{...}
// As OutputParser: byte by byte, and what is no valid call is content.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "chat/internal/json_scanner.h"
#include "chat/output_event.h"
#include "chat/tool_dialect.h"

namespace chasqui::chat {

class HeadedParser final {
 public:
  // `tools`: may be null. `in_body`: the prompt has written the first header.
  HeadedParser(const HeadedStyle& style, std::shared_ptr<const Tools> tools, bool in_body = false)
      : style_(style), tools_(std::move(tools)), place_(in_body ? Place::kBody : Place::kHeader) {}

  void push(char c, OutputEvents& out);
  void finish(OutputEvents& out);
  size_t calls_ended() const { return calls_ended_; }

 private:
  enum class Place { kHeader, kBeforeArguments, kArguments, kBody };

  void in_header(char c, OutputEvents& out);
  void before_arguments(char c, OutputEvents& out);
  void in_arguments(char c, OutputEvents& out);
  void in_body(char c, OutputEvents& out);
  bool may_be_header() const;
  bool fits_exactly(std::string_view start) const;
  void end_header(OutputEvents& out);
  std::string_view named_in_header() const;
  bool knows(std::string_view name) const;
  // What was held is content after all.
  void give_up(OutputEvents& out);
  void say(std::string_view text, OutputEvents& out);

  const HeadedStyle style_;
  const std::shared_ptr<const Tools> tools_;
  Place place_;
  OutputEvent::Kind kind_ = OutputEvent::Kind::kContent;  // of kBody
  bool skip_blanks_ = false;                              // nothing was said since the header
  std::string blanks_;                                    // before a header
  std::string held_;                                      // a header, or what may end a body
  std::string name_;                                      // of the call whose arguments come
  JsonScanner scanner_;
  size_t calls_ended_ = 0;
};

}  // namespace chasqui::chat
