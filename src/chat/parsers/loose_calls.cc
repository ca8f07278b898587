// Calls with named arguments whose values are literals:
//   [get_it(s="x", n=1), put()]    call:get_it{s:<|"|>x<|"|>,n:1}
// Each argument is passed on when it is whole. Between { and }, a first key in quotes says that
// they are JSON, which is passed on as it comes.
#include "chat/internal/call_reader.h"
#include "chat/internal/json_scanner.h"
#include "chat/internal/literal.h"

namespace json = boost::json;

namespace chasqui::chat {
namespace {

constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxValueBytes = 1 << 20;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

class LooseReader final : public CallReader {
 public:
  explicit LooseReader(const LooseStyle& style) : style_(style), tail_(style.tails) {}

  Verdict push(char c, CallSink& sink) override {
    switch (place_) {
      case Place::kStart:
        if (is_blank(c)) return Verdict::kMore;
        if (style_.open == '(' && c == '[' && !in_list_) {
          in_list_ = true;
          return Verdict::kMore;
        }
        place_ = Place::kName;
        [[fallthrough]];
      case Place::kName:
        return name(c, sink);
      case Place::kKey:
        return key(c, sink);
      case Place::kValue:
        return value(c, sink);
      case Place::kJson:
        return json_arguments(c, sink);
      case Place::kNext:
        return next(c);
      case Place::kTail:
        return tail(c);
    }
    return Verdict::kNot;
  }

  bool may_end() const override { return place_ == Place::kNext || place_ == Place::kTail; }

 private:
  enum class Place { kStart, kName, kKey, kValue, kJson, kNext, kTail };

  Verdict go(Place place) {
    place_ = place;
    read_.clear();
    return Verdict::kMore;
  }

  Verdict name(char c, CallSink& sink) {
    if (c != style_.open) {
      read_ += c;
      return read_.size() > kMaxNameBytes || c == '\n' ? Verdict::kNot : Verdict::kMore;
    }
    std::string_view called = trimmed(read_);
    if (!called.starts_with(style_.before_name)) return Verdict::kNot;
    called.remove_prefix(style_.before_name.size());
    if (called.ends_with(".call")) called.remove_suffix(5);  // Llama's built-in tools
    if (!sink.begin(called)) return Verdict::kNot;
    any_ = false;
    return go(Place::kKey);
  }

  Verdict key(char c, CallSink& sink) {
    if (c == style_.close) return trimmed(read_).empty() ? end_call(sink) : Verdict::kNot;
    if (c == '"' && style_.open == '{' && !any_ && trimmed(read_).empty()) return begin_json(sink);
    if (c != style_.assign) {
      read_ += c;
      return read_.size() > kMaxNameBytes ? Verdict::kNot : Verdict::kMore;
    }
    key_ = trimmed(read_);
    if (key_.size() > 1 && (key_.front() == '"' || key_.front() == '<')) {
      const auto quoted = read_literal(key_);
      if (!quoted || !quoted->is_string()) return Verdict::kNot;
      key_ = quoted->get_string();
    }
    scanner_ = {};
    return key_.empty() ? Verdict::kNot : go(Place::kValue);
  }

  // Behind {, with the quote of the first key.
  Verdict begin_json(CallSink& sink) {
    json_ = {};
    static_cast<void>(json_.push('{'));
    sink.arguments("{");
    go(Place::kJson);
    return json_arguments('"', sink);
  }

  Verdict json_arguments(char c, CallSink& sink) {
    const JsonScanner::Step step = json_.push(c);
    if (step == JsonScanner::Step::kBad) return Verdict::kNot;
    sink.arguments({&c, 1});
    return step == JsonScanner::Step::kEnd ? finish_call(sink) : Verdict::kMore;
  }

  Verdict value(char c, CallSink& sink) {
    if (!scanner_.ends_before(c)) {
      read_ += c;
      return read_.size() > kMaxValueBytes ? Verdict::kNot : Verdict::kMore;
    }
    const auto value = read_literal(read_);
    if (!value || (c != ',' && c != style_.close)) return Verdict::kNot;
    sink.arguments(std::string(any_ ? ", " : "{") + json::serialize(json::string(key_)) + ": " +
                   json::serialize(*value));
    any_ = true;
    if (c == style_.close) return end_call(sink);
    return go(Place::kKey);
  }

  Verdict end_call(CallSink& sink) {
    sink.arguments(any_ ? "}" : "{}");
    return finish_call(sink);
  }

  Verdict finish_call(CallSink& sink) {
    sink.end();
    if (in_list_) return go(Place::kNext);
    tail_ = TailMatcher(style_.tails);
    go(Place::kTail);
    return style_.tails.empty() ? Verdict::kDone : Verdict::kMore;
  }

  Verdict next(char c) {
    if (is_blank(c)) return Verdict::kMore;
    if (c == ',') return go(Place::kName);
    if (c != ']') return Verdict::kNot;
    in_list_ = false;
    tail_ = TailMatcher(style_.tails);
    go(Place::kTail);
    return style_.tails.empty() ? Verdict::kDone : Verdict::kMore;
  }

  Verdict tail(char c) {
    return tail_.read(c, [this] { go(Place::kStart); });
  }

  const LooseStyle style_;
  Place place_ = Place::kStart;
  bool in_list_ = false;
  bool any_ = false;  // the call has arguments
  std::string read_, key_;
  LiteralScanner scanner_;
  JsonScanner json_;
  TailMatcher tail_;
};

}  // namespace

std::unique_ptr<CallReader> make_loose_reader(const LooseStyle& style) {
  return std::make_unique<LooseReader>(style);
}

}  // namespace chasqui::chat
