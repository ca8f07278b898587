#include "jinja/internal/print.h"

#include <array>
#include <charconv>
#include <cmath>

#include "jinja/internal/machine.h"
#include "jinja/internal/unicode.h"

namespace chasqui::jinja {
namespace {

constexpr std::array<std::string_view, 9> kTypeNames = {
    "Undefined", "NoneType", "bool", "int", "float", "str", "list", "dict", "object"};

std::string_view list_type(ListKind kind) {
  constexpr std::array<std::string_view, 6> kNames = {"list",      "tuple",       "range",
                                                      "dict_keys", "dict_values", "dict_items"};
  return kNames[static_cast<size_t>(kind)];
}

class ReprWriter {
 public:
  explicit ReprWriter(Machine& machine) : machine_(machine) {}

  void write(const Value& value) {
    const DepthGuard depth(machine_);
    machine_.step();
    switch (value.kind()) {
      case Kind::kString:
        return write_string(value.text());
      case Kind::kList:
        return write_list(value.as_list());
      case Kind::kDict:
        return write_dict(value.as_dict());
      case Kind::kObject:
        return write_object(value.as_object());
      case Kind::kUndefined:
        return out_.append("Undefined", true);
      default:
        return out_.append(to_text(machine_, value));
    }
  }

  Text take() { return std::move(out_); }

 private:
  // Single quotes, unless the text has those and no double ones.
  void write_string(const Text& text) {
    machine_.charge(text.size());
    const bool has_single = text.view().find('\'') != std::string_view::npos;
    const bool has_double = text.view().find('"') != std::string_view::npos;
    const char quote = has_single && !has_double ? '"' : '\'';
    out_.append({&quote, 1}, true);
    text.each_run([&](std::string_view run, bool trusted) {
      std::string escaped;
      for (size_t at = 0; at < run.size();) {
        const std::string_view character = run.substr(at, char_bytes(run.substr(at)));
        append_escaped(escaped, character, quote);
        at += character.size();
      }
      out_.append(escaped, trusted);
    });
    out_.append({&quote, 1}, true);
  }

  static void append_escaped(std::string& out, std::string_view character, char quote) {
    const int32_t code = code_point(character);
    if (code == '\n') {
      out += "\\n";
    } else if (code == '\r') {
      out += "\\r";
    } else if (code == '\t') {
      out += "\\t";
    } else if (code == '\\' || code == quote) {
      out += '\\';
      out += character;
    } else if (code < 32 || (code >= 0x7F && code < 0xA0) || code == 0xAD) {
      constexpr char kHex[] = "0123456789abcdef";
      out += "\\x";
      out += kHex[code >> 4 & 15];
      out += kHex[code & 15];
    } else {
      out += character;
    }
  }

  template <typename Items, typename One>
  void write_all(const Items& items, const One& one) {
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_.append(", ", true);
      first = false;
      one(item);
    }
  }

  void write_list(const List& list) {
    if (list.kind == ListKind::kRange) return write_range(list);
    const bool tuple = list.kind == ListKind::kTuple;
    const bool view = !tuple && list.kind != ListKind::kList;
    if (view) out_.append(std::string(list_type(list.kind)) + "(", true);
    out_.append(tuple ? "(" : "[", true);
    write_all(list.items, [this](const Value& item) { write(item); });
    if (tuple && list.items.size() == 1) out_.append(",", true);
    out_.append(tuple ? ")" : "]", true);
    if (view) out_.append(")", true);
  }

  // Lists keep no bounds; those of an empty range are not known any more.
  void write_range(const List& list) {
    const std::vector<Value>& items = list.items;
    const int64_t begin = items.empty() ? 0 : items.front().as_int();
    const int64_t step = items.size() < 2 ? 1 : items[1].as_int() - begin;
    const int64_t end = items.empty() ? 0 : items.back().as_int() + step;
    std::string text = "range(" + std::to_string(begin) + ", " + std::to_string(end);
    if (step != 1) text += ", " + std::to_string(step);
    out_.append(text + ")", true);
  }

  void write_entry(const Value& key, const Value& value) {
    write(key);
    out_.append(": ", true);
    write(value);
  }

  void write_dict(const Dict& dict) {
    out_.append("{", true);
    write_all(dict.entries(),
              [this](const Dict::Entry& entry) { write_entry(entry.first, entry.second); });
    out_.append("}", true);
  }

  void write_object(const Object& object) {
    const auto* space = dynamic_cast<const NamespaceObject*>(&object);
    if (space == nullptr) {
      out_.append("<" + std::string(object.type_name()) + ">", true);
      return;
    }
    out_.append("<Namespace {", true);
    write_all(space->attributes(), [this](const auto& attribute) {
      write_entry(Value::string(attribute.first, Origin::kTemplate), attribute.second);
    });
    out_.append("}>", true);
  }

  Machine& machine_;
  Text out_;
};

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 40> buffer{};
  const auto shortest = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                      std::chars_format::scientific);
  const std::string_view scientific(buffer.data(),
                                    static_cast<size_t>(shortest.ptr - buffer.data()));
  int exponent = 0;
  const size_t e = scientific.find('e');
  const char* begin = scientific.data() + e + (scientific[e + 1] == '+' ? 2 : 1);
  std::from_chars(begin, scientific.data() + scientific.size(), exponent);
  if (exponent < -4 || exponent >= 16) return std::string(scientific);
  const auto fixed =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  std::string text(buffer.data(), fixed.ptr);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

Text to_text(Machine& machine, const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return {};
    case Kind::kNone:
      return Text("None", true);
    case Kind::kBool:
      return Text(value.as_bool() ? "True" : "False", value.trusted());
    case Kind::kInt:
      return Text(std::to_string(value.as_int()), value.trusted());
    case Kind::kFloat:
      return Text(float_text(value.as_float()), value.trusted());
    case Kind::kString:
      return value.text();
    default:
      return repr(machine, value);
  }
}

Text repr(Machine& machine, const Value& value) {
  ReprWriter writer(machine);
  writer.write(value);
  return writer.take();
}

std::string type_name(const Value& value) {
  if (value.is(Kind::kObject)) return std::string(value.as_object().type_name());
  if (value.is(Kind::kList)) return std::string(list_type(value.as_list().kind));
  return std::string(kTypeNames[static_cast<size_t>(value.kind())]);
}

std::string owner_name(Kind kind) {
  if (kind == Kind::kNone) return "None";
  return std::string(kTypeNames[static_cast<size_t>(kind)]) + " object";
}

}  // namespace chasqui::jinja
