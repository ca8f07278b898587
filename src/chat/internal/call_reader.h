// Reads the calls that follow an opener of a dialect, byte by byte. What it sees depends on the
// bytes alone and not on how they were cut into pieces.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "chat/tool_dialect.h"

namespace chasqui::chat {

// Where a reader reports calls: begin, arguments..., end, one call after another.
class CallSink {
 public:
  virtual ~CallSink() = default;
  // False: there is no such tool, and nothing has begun.
  virtual bool begin(std::string_view name) = 0;
  // More of the arguments' JSON text. All of them together are one JSON object.
  virtual void arguments(std::string_view text) = 0;
  virtual void end() = 0;
};

class CallReader {
 public:
  enum class Verdict {
    kMore,
    kDone,  // the byte was the last one of the calls
    kNot,   // with this byte it is no call any more; what was not reported is plain text
  };
  virtual ~CallReader() = default;
  virtual Verdict push(char c, CallSink& sink) = 0;
  // The text is over: whether what was not reported may be dropped.
  virtual bool may_end() const = 0;
};

// What may stand behind a call, white space aside.
struct Tail {
  std::string_view text;
  enum class Then { kSkip, kNext, kDone } then = Then::kSkip;
};
using Tails = std::span<const Tail>;

// Matches one of several tails byte by byte. REQUIRES: none is the beginning of another.
class TailMatcher {
 public:
  explicit TailMatcher(Tails tails) : tails_(tails) {}
  // The reader's verdict; `next` is called where another call begins.
  template <typename Next>
  CallReader::Verdict read(char c, const Next& next) {
    switch (push(c)) {
      case Step::kNext:
        next();
        return CallReader::Verdict::kMore;
      case Step::kDone:
        return CallReader::Verdict::kDone;
      case Step::kNot:
        return CallReader::Verdict::kNot;
      default:
        return CallReader::Verdict::kMore;
    }
  }

 private:
  enum class Step { kMore, kSkip, kNext, kDone, kNot };
  Step push(char c);

  Tails tails_;
  std::string read_;
};

// Calls as JSON objects {name, arguments} (under several names), one or a list.
std::unique_ptr<CallReader> make_json_reader(Tails tails);

// Calls as a header that holds the name, and the arguments as a JSON object.
std::unique_ptr<CallReader> make_header_reader(Tails tails);

// Calls as tags: a name and parameters one by one, as text.
struct TagStyle {
  std::string_view name_before;
  std::string_view name_after;
  std::string_view key_before;
  std::string_view key_after;
  std::string_view value_before;  // "": at once
  std::string_view value_after;
  std::string_view call_after;  // "": the first of the tails
  Tails tails;
};
std::unique_ptr<CallReader> make_tag_reader(const TagStyle& style, const Tools& tools);

// Calls as NAME and arguments by name, whose values are literals (internal/literal.h).
struct LooseStyle {
  std::string_view before_name;
  char open = '(';  // '(': the calls may stand in a list
  char assign = '=';
  char close = ')';
  Tails tails;
};
std::unique_ptr<CallReader> make_loose_reader(const LooseStyle& style);

// JSON where the first byte that is no blank and no [ is {, `other` else.
std::unique_ptr<CallReader> make_either_reader(std::unique_ptr<CallReader> json,
                                               std::unique_ptr<CallReader> other);

bool is_blank(char c);

}  // namespace chasqui::chat
