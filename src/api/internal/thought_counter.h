// How many tokens of an answer were thoughts. Marks around thoughts count as thoughts; tokens whose
// text is held back count as what is decided next.
#pragma once

#include <cstdint>
#include <span>

#include "chat/output_parser.h"
#include "engine/request.h"

namespace chasqui::api {

class ThoughtCounter {
 public:
  explicit ThoughtCounter(const chat::OutputStyle& style) : parser_(style) {}

  // The next tokens of the answer, in order.
  void push(std::span<const engine::TokenOutput> tokens);
  int64_t count() const { return count_ + (thinking_ ? undecided_ : 0); }

 private:
  chat::OutputParser parser_;
  bool thinking_ = false;  // the last token that was decided
  int64_t count_ = 0;      // thoughts among those that are decided
  int64_t undecided_ = 0;  // since then
};

}  // namespace chasqui::api
