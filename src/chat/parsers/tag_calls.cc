// Calls as tags, with each parameter's value as text. The schema says which texts are strings; of
// the others those that are JSON stay as they are.
#include <algorithm>
#include <optional>

#include "chat/internal/call_reader.h"
#include "chat/internal/literal.h"

namespace json = boost::json;

namespace chasqui::chat {
namespace {

constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxValueBytes = 1 << 20;

bool says_string(const json::value& type) {
  if (type.is_string()) return type.get_string() == "string";
  if (!type.is_array()) return false;
  return std::ranges::any_of(type.get_array(), [](const json::value& each) {
    return each.is_string() && each.get_string() == "string";
  });
}

// Whether the parameter is a string, or nothing says what it is.
bool is_string(const Tool& tool, std::string_view key) {
  const json::value* properties = tool.parameters.if_contains("properties");
  if (properties == nullptr || !properties->is_object()) return true;
  const json::value* schema = properties->get_object().if_contains(key);
  if (schema == nullptr || !schema->is_object()) return true;
  const json::value* type = schema->get_object().if_contains("type");
  return type != nullptr && says_string(*type);
}

// A value that is no string: JSON as it stands, or what a template wrote as Python would. nullopt
// where it is neither.
std::optional<std::string> as_json(std::string_view text) {
  json::error_code error;
  static_cast<void>(json::parse(text, error));
  if (!error) return std::string(text);
  const auto value = read_literal(text);
  return value ? std::optional(json::serialize(*value)) : std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// One line end behind the opening tag and one before the closing tag belong to the tags.
std::string_view without_line_ends(std::string_view text) {
  if (text.starts_with('\n')) text.remove_prefix(1);
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

class TagReader final : public CallReader {
 public:
  TagReader(const TagStyle& style, const Tools& tools)
      : style_(style), tools_(tools), tail_(style.tails) {}

  Verdict push(char c, CallSink& sink) override {
    switch (place_) {
      case Place::kNameBefore:
        return words(c, style_.name_before, Place::kName);
      case Place::kName:
        return name(c, sink);
      case Place::kNameAfter:
        return words(c, style_.name_after, Place::kNext);
      case Place::kNext:
        return next(c, sink);
      case Place::kKey:
        return key(c);
      case Place::kKeyAfter:
        return words(c, style_.key_after, Place::kValueBefore);
      case Place::kValueBefore:
        // ">": further attributes of the tag may come first.
        if (style_.value_before == ">" && c != '>') return Verdict::kMore;
        return words(c, style_.value_before, Place::kValue);
      case Place::kValue:
        return value(c, sink);
      case Place::kTail:
        return tail(c);
    }
    return Verdict::kNot;
  }

  bool may_end() const override { return place_ == Place::kTail; }

 private:
  enum class Place {
    kNameBefore,
    kName,
    kNameAfter,
    kNext,
    kKey,
    kKeyAfter,
    kValueBefore,
    kValue,
    kTail
  };

  Verdict go(Place place) {
    place_ = place;
    read_.clear();
    return Verdict::kMore;
  }

  // Reads exactly `wanted`, after blanks; where nothing is wanted the byte belongs to what follows.
  Verdict words(char c, std::string_view wanted, Place then) {
    if (wanted.empty()) {
      go(then);
      if (then == Place::kName || then == Place::kValue) read_ += c;
      return Verdict::kMore;
    }
    if (read_.empty() && is_blank(c)) return Verdict::kMore;
    read_ += c;
    if (!wanted.starts_with(read_)) return Verdict::kNot;
    return read_ == wanted ? go(then) : Verdict::kMore;
  }

  // Until the first byte of what follows a name; a blank or a tag where nothing follows.
  bool ends_name(char c) const {
    return style_.name_after.empty() ? is_blank(c) || c == '<' : c == style_.name_after.front();
  }

  Verdict name(char c, CallSink& sink) {
    if (!ends_name(c)) {
      read_ += c;
      return read_.size() > kMaxNameBytes ? Verdict::kNot : Verdict::kMore;
    }
    const std::string called(trimmed(read_));
    if (called.empty() && is_blank(c)) return Verdict::kMore;
    if (!sink.begin(called)) return Verdict::kNot;
    tool_ = &*std::ranges::find(tools_, called, &Tool::name);
    any_ = false;
    go(style_.name_after.empty() ? Place::kNext : Place::kNameAfter);
    return is_blank(c) ? Verdict::kMore : push(c, sink);
  }

  // The next parameter, or the end of the call.
  Verdict next(char c, CallSink& sink) {
    if (read_.empty() && is_blank(c)) return Verdict::kMore;
    read_ += c;
    if (read_ == style_.key_before) return go(Place::kKey);
    if (read_ == style_.call_after) {
      sink.arguments(any_ ? "}" : "{}");
      sink.end();
      tail_ = TailMatcher(style_.tails);
      const bool is_over = style_.tails.empty();
      go(Place::kTail);
      return is_over ? Verdict::kDone : Verdict::kMore;
    }
    const bool may = style_.key_before.starts_with(read_) || style_.call_after.starts_with(read_);
    return may ? Verdict::kMore : Verdict::kNot;
  }

  Verdict key(char c) {
    if (c != style_.key_after.front()) {
      read_ += c;
      return read_.size() > kMaxNameBytes ? Verdict::kNot : Verdict::kMore;
    }
    key_ = trimmed(read_);
    go(Place::kKeyAfter);
    return words(c, style_.key_after, Place::kValueBefore) == Verdict::kNot
               ? Verdict::kNot
               : skip_empty_value_before();
  }

  Verdict skip_empty_value_before() {
    if (place_ == Place::kValueBefore && style_.value_before.empty()) go(Place::kValue);
    return Verdict::kMore;
  }

  Verdict value(char c, CallSink& sink) {
    read_ += c;
    if (read_.size() > kMaxValueBytes) return Verdict::kNot;
    if (!read_.ends_with(style_.value_after)) return Verdict::kMore;
    const auto text = std::string_view(read_).substr(0, read_.size() - style_.value_after.size());
    std::optional<std::string> whole;
    if (!is_string(*tool_, key_)) whole = as_json(trimmed(text));
    sink.arguments(any_ ? ", " : "{");
    sink.arguments(json::serialize(json::string(key_)) + ": ");
    sink.arguments(whole ? *whole : json::serialize(json::string(without_line_ends(text))));
    any_ = true;
    return go(Place::kNext);
  }

  // A tail that leads on is what stands before a name.
  Verdict tail(char c) {
    return tail_.read(c, [this] { go(Place::kName); });
  }

  const TagStyle style_;
  const Tools& tools_;
  Place place_ = Place::kNameBefore;
  std::string read_;
  std::string key_;
  const Tool* tool_ = nullptr;  // of tools_
  bool any_ = false;            // the call has parameters
  TailMatcher tail_;
};

}  // namespace

std::unique_ptr<CallReader> make_tag_reader(const TagStyle& style, const Tools& tools) {
  return std::make_unique<TagReader>(style, tools);
}

}  // namespace chasqui::chat
