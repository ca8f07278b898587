#include "chat/internal/literal.h"

#include <algorithm>
#include <charconv>

#include "chat/internal/call_reader.h"

namespace json = boost::json;

namespace chasqui::chat {
namespace {

constexpr size_t kMaxDepth = 64;

void put_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  }
}

class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : rest_(text) {}

  std::optional<json::value> read() {
    auto value = this->value(0);
    skip_blanks();
    return rest_.empty() ? value : std::nullopt;
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
  }

  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  bool take_byte(char c) { return take({&c, 1}); }

  std::optional<json::value> value(size_t depth) {
    skip_blanks();
    if (rest_.empty() || depth > kMaxDepth) return std::nullopt;
    if (take("{")) return object(depth);
    if (take("[")) return list(depth, ']');
    if (take("(")) return list(depth, ')');
    if (auto text = string()) return json::value(*text);
    return word();
  }

  std::optional<json::value> list(size_t depth, char close) {
    json::array list;
    while (true) {
      skip_blanks();
      if (take_byte(close)) return list;
      auto each = value(depth + 1);
      if (!each) return std::nullopt;
      list.push_back(std::move(*each));
      skip_blanks();
      if (!take(",") && (rest_.empty() || rest_.front() != close)) return std::nullopt;
    }
  }

  std::optional<json::value> object(size_t depth) {
    json::object object;
    while (true) {
      skip_blanks();
      if (take("}")) return object;
      auto key = string();
      if (!key) key = bare_key();
      skip_blanks();
      if (!key || !take(":")) return std::nullopt;
      auto each = value(depth + 1);
      if (!each) return std::nullopt;
      object[*key] = std::move(*each);
      skip_blanks();
      if (!take(",") && !rest_.starts_with('}')) return std::nullopt;
    }
  }

  std::optional<std::string> bare_key() {
    const size_t end = rest_.find_first_of(":,{}[]\"' \n");
    if (end == 0 || end == std::string_view::npos) return std::nullopt;
    std::string key(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return key;
  }

  std::optional<std::string> string() {
    if (take(kBarQuote)) {
      const size_t end = rest_.find(kBarQuote);
      if (end == std::string_view::npos) return std::nullopt;
      std::string text(rest_.substr(0, end));
      rest_.remove_prefix(end + kBarQuote.size());
      return text;
    }
    if (take("\"")) return quoted('"');
    if (take("'")) return quoted('\'');
    return std::nullopt;
  }

  std::optional<std::string> quoted(char quote) {
    std::string text;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == quote) return text;
      if (c != '\\') {
        text += c;
      } else if (!escape(text)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  bool escape(std::string& text) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    constexpr std::string_view kNamed = "nrtbf0";
    constexpr std::string_view kMeant("\n\r\t\b\f\0", 6);
    if (c == 'u') return code_point(text);
    const size_t at = kNamed.find(c);
    text += at == std::string_view::npos ? c : kMeant[at];
    return true;
  }

  std::optional<uint32_t> hex4() {
    uint32_t code = 0;
    if (rest_.size() < 4) return std::nullopt;
    const auto read = std::from_chars(rest_.data(), rest_.data() + 4, code, 16);
    if (read.ptr != rest_.data() + 4) return std::nullopt;
    rest_.remove_prefix(4);
    return code;
  }

  // Behind \u. Two surrogates make one character; a lone one is none.
  bool code_point(std::string& text) {
    const auto first = hex4();
    if (!first) return false;
    if (*first < 0xD800 || *first > 0xDFFF) {
      put_utf8(text, *first);
      return true;
    }
    if (*first > 0xDBFF || !take("\\u")) return false;
    const auto second = hex4();
    if (!second || *second < 0xDC00 || *second > 0xDFFF) return false;
    const uint32_t code = 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
    text += static_cast<char>(0xF0 | code >> 18);
    text += static_cast<char>(0x80 | (code >> 12 & 63));
    text += static_cast<char>(0x80 | (code >> 6 & 63));
    text += static_cast<char>(0x80 | (code & 63));
    return true;
  }

  std::optional<json::value> word() {
    const size_t end = std::min(rest_.find_first_of(",:{}[]()\"' \n\r\t"), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (word == "True" || word == "true") return true;
    if (word == "False" || word == "false") return false;
    if (word == "None") return nullptr;
    json::error_code error;
    json::value value = json::parse(word, error);
    if (error) return std::nullopt;
    return value;
  }

  std::string_view rest_;
};

bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

}  // namespace

std::optional<json::value> read_literal(std::string_view text) {
  return LiteralReader(text).read();
}

bool LiteralScanner::ends_before(char c) {
  std::shift_left(std::begin(recent_), std::end(recent_), 1);
  recent_[kBarQuote.size() - 1] = c;
  const bool is_bar = std::string_view(recent_, kBarQuote.size()) == kBarQuote;
  if (quote_ == '|') {
    if (is_bar) quote_ = 0;
    return false;
  }
  if (quote_ != 0) {
    // The quote in <|"|> has opened a string that is none.
    if (is_bar && quote_ == '"') {
      quote_ = '|';
    } else if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == quote_) {
      quote_ = 0;
    }
    return false;
  }
  if (c == '"' || c == '\'') {
    quote_ = c;
  } else if (is_one_of(c, "([{")) {
    ++depth_;
  } else if (is_one_of(c, ")]}")) {
    if (depth_ == 0) return true;
    --depth_;
  }
  return c == ',' && depth_ == 0;
}

}  // namespace chasqui::chat
