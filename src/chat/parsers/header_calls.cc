// A header that holds the function's name, then the arguments as a JSON object:
//   NAME[ARGS]{...}    function<sep>NAME\n```json\n{...}    functions.NAME:0<begin>{...}
#include "chat/internal/call_reader.h"
#include "chat/internal/json_scanner.h"

namespace chasqui::chat {
namespace {

constexpr size_t kMaxHeaderBytes = 512;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// What the header says besides the name is fixed words of the dialects.
std::string_view name_in(std::string_view header) {
  constexpr std::string_view kBefore[] = {"<｜tool▁call▁begin｜>", "<|tool_call_begin|>",
                                          "function<｜tool▁sep｜>", "<|tool_call:name|>",
                                          "functions."};
  for (const std::string_view words : kBefore) {
    const size_t at = header.find(words);
    if (at != std::string_view::npos) header.remove_prefix(at + words.size());
  }
  while (!header.empty() && is_blank(header.front())) header.remove_prefix(1);
  size_t length = 0;
  while (length < header.size() && is_name_char(header[length])) ++length;
  return header.substr(0, length);
}

class HeaderReader final : public CallReader {
 public:
  explicit HeaderReader(Tails tails) : tails_(tails), tail_(tails) {}

  Verdict push(char c, CallSink& sink) override {
    if (place_ == Place::kHeader) {
      if (c != '{') {
        header_ += c;
        return header_.size() > kMaxHeaderBytes ? Verdict::kNot : Verdict::kMore;
      }
      if (!sink.begin(name_in(header_))) return Verdict::kNot;
      scanner_ = {};
      place_ = Place::kArguments;
    }
    return place_ == Place::kArguments ? in_arguments(c, sink) : in_tail(c);
  }

  bool may_end() const override { return place_ == Place::kTail; }

 private:
  enum class Place { kHeader, kArguments, kTail };

  Verdict in_arguments(char c, CallSink& sink) {
    const JsonScanner::Step step = scanner_.push(c);
    if (step == JsonScanner::Step::kBad) return Verdict::kNot;
    sink.arguments({&c, 1});
    if (step != JsonScanner::Step::kEnd) return Verdict::kMore;
    sink.end();
    tail_ = TailMatcher(tails_);
    place_ = Place::kTail;
    return Verdict::kMore;
  }

  Verdict in_tail(char c) {
    return tail_.read(c, [this] {
      header_.clear();
      place_ = Place::kHeader;
    });
  }

  const Tails tails_;
  Place place_ = Place::kHeader;
  std::string header_;
  JsonScanner scanner_;
  TailMatcher tail_;
};

}  // namespace

std::unique_ptr<CallReader> make_header_reader(Tails tails) {
  return std::make_unique<HeaderReader>(tails);
}

}  // namespace chasqui::chat
