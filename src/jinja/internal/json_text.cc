// json.dumps, as Hugging Face's tojson calls it.
#include <algorithm>
#include <cmath>

#include "jinja/internal/fault.h"
#include "jinja/internal/operators.h"
#include "jinja/internal/print.h"
#include "jinja/internal/text_work.h"
#include "jinja/internal/unicode.h"

namespace chasqui::jinja {
namespace {

void append_u(std::string& out, int32_t unit) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[unit >> shift & 15];
}

void append_escaped(std::string& out, std::string_view character, bool ensure_ascii) {
  const int32_t code = code_point(character);
  constexpr std::string_view kPlain = "\"\\\n\r\t\b\f";
  constexpr std::string_view kLetter = "\"\\nrtbf";
  const size_t known = code < 0x80 ? kPlain.find(static_cast<char>(code)) : std::string_view::npos;
  if (known != std::string_view::npos) {
    out += '\\';
    out += kLetter[known];
  } else if (code < 0x20) {
    append_u(out, code);
  } else if (code < 0x80 || !ensure_ascii) {
    out += character;
  } else if (code > 0xFFFF) {
    append_u(out, 0xD800 + ((code - 0x10000) >> 10));
    append_u(out, 0xDC00 + ((code - 0x10000) & 0x3FF));
  } else {
    append_u(out, code);
  }
}

class JsonWriter {
 public:
  JsonWriter(Machine& machine, const JsonStyle& style) : machine_(machine), style_(style) {}

  void write(const Value& value, int level) {
    const DepthGuard depth(machine_);
    machine_.step();
    switch (value.kind()) {
      case Kind::kNone:
        return out_.append("null", true);
      case Kind::kBool:
        return out_.append(value.as_bool() ? "true" : "false", value.trusted());
      case Kind::kInt:
      case Kind::kFloat:
        return out_.append(number(value), value.trusted());
      case Kind::kString:
        return write_string(value.text());
      case Kind::kList:
        if (value.as_list().kind > ListKind::kTuple) break;
        return write_list(value.items(), level);
      case Kind::kDict:
        return write_dict(value.as_dict(), level);
      default:
        break;
    }
    type_fault("Object of type " + type_name(value) + " is not JSON serializable");
  }

  Text take() { return std::move(out_); }

 private:
  static std::string number(const Value& value) {
    if (value.is(Kind::kInt)) return std::to_string(value.as_int());
    const double number = value.as_float();
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
    return float_text(number);
  }

  void write_string(const Text& text) {
    machine_.charge(text.size() + 2);
    out_.append("\"", true);
    text.each_run([this](std::string_view run, bool trusted) {
      std::string escaped;
      escaped.reserve(run.size());
      for (size_t at = 0; at < run.size();) {
        const std::string_view character = run.substr(at, char_bytes(run.substr(at)));
        append_escaped(escaped, character, style_.ensure_ascii);
        at += character.size();
      }
      out_.append(escaped, trusted);
    });
    out_.append("\"", true);
  }

  void new_line(int level) {
    if (!style_.indent) return;
    machine_.charge(style_.indent->size() * static_cast<size_t>(level) + 1);
    out_.append("\n", true);
    for (int i = 0; i < level; ++i) out_.append(*style_.indent, true);
  }

  void between(bool first, int level) {
    if (!first) out_.append(style_.between_items);
    new_line(level);
  }

  void write_list(const std::vector<Value>& items, int level) {
    if (items.empty()) return out_.append("[]", true);
    out_.append("[", true);
    for (size_t i = 0; i < items.size(); ++i) {
      between(i == 0, level + 1);
      write(items[i], level + 1);
    }
    new_line(level);
    out_.append("]", true);
  }

  void write_key(const Value& key) {
    if (key.is(Kind::kString)) return write_string(key.text());
    if (!key.is_number() && !key.is(Kind::kNone)) {
      type_fault("keys must be str, int, float, bool or None, not " + type_name(key));
    }
    out_.append("\"", true);
    write(key, 0);
    out_.append("\"", true);
  }

  void write_dict(const Dict& dict, int level) {
    if (dict.entries().empty()) return out_.append("{}", true);
    std::vector<const Dict::Entry*> entries;
    for (const Dict::Entry& entry : dict.entries()) entries.push_back(&entry);
    if (style_.sort_keys) {
      std::ranges::stable_sort(entries, [this](const Dict::Entry* a, const Dict::Entry* b) {
        return in_order(machine_, a->first, Order::kLess, b->first);
      });
    }
    out_.append("{", true);
    for (size_t i = 0; i < entries.size(); ++i) {
      between(i == 0, level + 1);
      write_key(entries[i]->first);
      out_.append(style_.after_key);
      write(entries[i]->second, level + 1);
    }
    new_line(level);
    out_.append("}", true);
  }

  Machine& machine_;
  const JsonStyle& style_;
  Text out_;
};

}  // namespace

Text to_json(Machine& machine, const Value& value, const JsonStyle& style) {
  JsonWriter writer(machine, style);
  writer.write(value, 0);
  return writer.take();
}

}  // namespace chasqui::jinja
