// {"name": "f", "arguments": {...}}, in whatever order and under the names that models use.
#include <algorithm>
#include <array>
#include <optional>

#include "chat/internal/call_reader.h"
#include "chat/internal/json_scanner.h"

namespace json = boost::json;

namespace chasqui::chat {
namespace {

using Step = JsonScanner::Step;

constexpr std::array<std::string_view, 3> kNameKeys = {"name", "tool_name", "function"};
constexpr std::array<std::string_view, 3> kArgumentKeys = {"arguments", "parameters", "args"};
constexpr size_t kMaxKeyBytes = 1024;
constexpr size_t kMaxHeldBytes = 1 << 20;  // arguments that come before their name

bool is_one_of(std::string_view key, std::span<const std::string_view> keys) {
  return std::ranges::find(keys, key) != keys.end();
}

std::optional<std::string> unquoted(std::string_view text) {
  json::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_string()) return std::nullopt;
  return std::string(value.get_string());
}

// Arguments that are not an object as it stands: an object inside a string, or nothing.
std::optional<std::string> object_in(std::string_view text) {
  const std::optional<std::string> inner = text == "null" ? "{}" : unquoted(text);
  json::error_code error;
  if (!inner || !json::parse(*inner, error).is_object() || error) return std::nullopt;
  return inner;
}

class JsonReader final : public CallReader {
 public:
  explicit JsonReader(Tails tails) : tails_(tails), tail_(tails) {}

  Verdict push(char c, CallSink& sink) override {
    switch (place_) {
      case Place::kStart:
        return start(c);
      case Place::kKey:
        return in_key(c, sink);
      case Place::kColon:
        return is_blank(c) ? Verdict::kMore : go_if(c == ':', Place::kValue);
      case Place::kValue:
        return begin_value(c, sink);
      case Place::kInValue:
        return in_value(c, sink);
      case Place::kNext:
        return next_member(c, sink);
      case Place::kTail:
        return in_tail(c);
    }
    return Verdict::kNot;
  }

  bool may_end() const override { return place_ == Place::kTail; }

 private:
  enum class Place { kStart, kKey, kColon, kValue, kInValue, kNext, kTail };
  enum class Member { kName, kArguments, kOther };

  Verdict go_if(bool right, Place place) {
    place_ = place;
    return right ? Verdict::kMore : Verdict::kNot;
  }

  Verdict start(char c) {
    if (is_blank(c)) return Verdict::kMore;
    if (c == '[' && !in_list_) {
      in_list_ = true;
      return Verdict::kMore;
    }
    begin_object();
    return go_if(c == '{', Place::kKey);
  }

  void begin_object() {
    held_.clear();
    text_.clear();
    begun_ = streamed_ = false;
    scanner_ = {};
  }

  Verdict in_key(char c, CallSink& sink) {
    if (text_.empty() && is_blank(c)) return Verdict::kMore;
    if (text_.empty() && c == '}') return end_object(sink);
    if ((text_.empty() && c != '"') || text_.size() > kMaxKeyBytes) return Verdict::kNot;
    text_ += c;
    const Step step = scanner_.push(c);
    if (step == Step::kMore) return Verdict::kMore;
    const auto key = unquoted(text_);
    if (step != Step::kEnd || !key) return Verdict::kNot;
    member_ = is_one_of(*key, kNameKeys)       ? Member::kName
              : is_one_of(*key, kArgumentKeys) ? Member::kArguments
                                               : Member::kOther;
    return go_if(true, Place::kColon);
  }

  Verdict begin_value(char c, CallSink& sink) {
    if (is_blank(c)) return Verdict::kMore;
    text_.clear();
    scanner_ = {};
    if (member_ == Member::kArguments && (!held_.empty() || streamed_)) return Verdict::kNot;
    // An object whose function is known can be passed on while it comes.
    streamed_ = streamed_ || (member_ == Member::kArguments && begun_ && c == '{');
    place_ = Place::kInValue;
    return in_value(c, sink);
  }

  Verdict in_value(char c, CallSink& sink) {
    const bool passed_on = member_ == Member::kArguments && streamed_;
    const Step step = scanner_.push(c);
    if (step == Step::kBad) return Verdict::kNot;
    if (passed_on) {
      sink.arguments({&c, 1});
    } else if (step != Step::kEndBefore) {
      text_ += c;
    }
    if (text_.size() > kMaxHeldBytes) return Verdict::kNot;
    if (step == Step::kMore) return Verdict::kMore;
    if (!passed_on && !take_value(sink)) return Verdict::kNot;
    place_ = Place::kNext;
    return step == Step::kEndBefore ? next_member(c, sink) : Verdict::kMore;
  }

  bool take_value(CallSink& sink) {
    if (member_ == Member::kName) {
      const auto name = unquoted(text_);
      if (!name || begun_) return false;
      begun_ = sink.begin(*name);
      return begun_;
    }
    if (member_ != Member::kArguments) return true;
    const auto object = text_.front() == '{' ? std::optional(text_) : object_in(text_);
    held_ = object.value_or("");
    return object.has_value();
  }

  Verdict next_member(char c, CallSink& sink) {
    if (is_blank(c)) return Verdict::kMore;
    if (c == '}') return end_object(sink);
    text_.clear();
    scanner_ = {};
    return go_if(c == ',', Place::kKey);
  }

  Verdict end_object(CallSink& sink) {
    if (!begun_) return Verdict::kNot;
    if (!streamed_) sink.arguments(held_.empty() ? "{}" : held_);
    sink.end();
    tail_ = TailMatcher(tails_);
    place_ = Place::kTail;
    return tails_.empty() && !in_list_ ? Verdict::kDone : Verdict::kMore;
  }

  Verdict in_tail(char c) {
    if (in_list_) {
      if (is_blank(c)) return Verdict::kMore;
      if (c == ',') return go_if(true, Place::kStart);
      in_list_ = false;
      if (c != ']') return Verdict::kNot;
      return tails_.empty() ? Verdict::kDone : Verdict::kMore;
    }
    // A tail that leads on is the brace itself.
    return tail_.read(c, [this] {
      begin_object();
      place_ = Place::kKey;
    });
  }

  const Tails tails_;
  Place place_ = Place::kStart;
  Member member_ = Member::kOther;
  bool in_list_ = false;
  bool begun_ = false;       // of the object: its function has been reported
  bool streamed_ = false;    // and its arguments are reported as they come
  std::string held_, text_;  // arguments that wait for their name; what is being read
  JsonScanner scanner_;
  TailMatcher tail_;
};

}  // namespace

std::unique_ptr<CallReader> make_json_reader(Tails tails) {
  return std::make_unique<JsonReader>(tails);
}

}  // namespace chasqui::chat
