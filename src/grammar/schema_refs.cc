#include "grammar/internal/schema_refs.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "grammar/grammar.h"

namespace json = boost::json;

namespace chasqui::grammar {
namespace {

// Keywords that hold a schema or a list of them, and those that hold schemas by name. Elsewhere an
// `$id` is data.
constexpr std::string_view kSchemas[] = {"items",
                                         "prefixItems",
                                         "additionalItems",
                                         "contains",
                                         "additionalProperties",
                                         "allOf",
                                         "anyOf",
                                         "oneOf",
                                         "not",
                                         "propertyNames",
                                         "if",
                                         "then",
                                         "else",
                                         "unevaluatedItems",
                                         "unevaluatedProperties"};
constexpr std::string_view kNamedSchemas[] = {
    "properties", "patternProperties", "$defs", "definitions", "dependencies", "dependentSchemas"};

std::string escaped(std::string_view step) {
  std::string out;
  for (const char c : step) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const bool is_escape = text[i] == '%' && i + 2 < text.size();
    const char* digits = text.data() + i + 1;
    if (is_escape && std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string unescaped(std::string_view step) {
  std::string out;
  for (size_t i = 0; i < step.size(); ++i) {
    const bool is_escape = step[i] == '~' && i + 1 < step.size();
    if (is_escape && step[i + 1] == '1') {
      out += '/';
      ++i;
    } else if (is_escape && step[i + 1] == '0') {
      out += '~';
      ++i;
    } else {
      out += step[i];
    }
  }
  return out;
}

const json::string* string_member(const json::value& schema, std::string_view name) {
  if (!schema.is_object()) return nullptr;
  const json::value* member = schema.get_object().if_contains(name);
  return member != nullptr ? member->if_string() : nullptr;
}

// The identifier that makes `schema` a resource of its own; null for none and for bare fragments.
const json::string* resource_id(const json::value& schema) {
  for (const char* name : {"$id", "id"}) {
    const json::string* id = string_member(schema, name);
    if (id != nullptr && !id->empty() && !id->starts_with('#')) return id;
  }
  return nullptr;
}

const json::value* child(const json::value& value, const std::string& step) {
  if (value.is_object()) return value.get_object().if_contains(step);
  size_t index = 0;
  const char* end = step.data() + step.size();
  const auto [rest, error] = std::from_chars(step.data(), end, index);
  if (!value.is_array() || error != std::errc() || rest != end) return nullptr;
  return value.get_array().if_contains(index);
}

}  // namespace

SchemaPlace SchemaPlace::below(const json::value& value, std::string_view step) const {
  SchemaPlace place = {&value, fmt::format("{}/{}", pointer, escaped(step)), resource, depth + 1};
  if (resource_id(value) != nullptr) place.resource = &value;
  return place;
}

SchemaPlace SchemaPlace::below(const json::value& value, std::string_view keyword,
                               std::string_view name) const {
  SchemaPlace place = below(value, name);
  place.pointer = fmt::format("{}/{}/{}", pointer, keyword, escaped(name));
  return place;
}

SchemaRefs::SchemaRefs(const json::value& root) : root_(root) {
  index(root, {&root, "#", &root, 0}, 0);
}

void SchemaRefs::index(const json::value& value, const SchemaPlace& place, size_t depth) {
  if (depth > 2 * CompileLimits::kDepth) return;  // the reader refuses such depths anyway
  if (const json::string* id = resource_id(value)) {
    by_name_.emplace(std::string(*id), place);
    has_resources_ = has_resources_ || &value != &root_;
  }
  for (const char* name : {"$anchor", "$dynamicAnchor"}) {
    const json::string* anchor = string_member(value, name);
    if (anchor != nullptr) by_name_.emplace("#" + std::string(*anchor), place);
  }
  for (const char* name : {"$id", "id"}) {
    const json::string* id = string_member(value, name);
    if (id != nullptr && id->starts_with('#')) by_name_.emplace(std::string(*id), place);
  }
  if (value.is_array()) {
    size_t i = 0;
    for (const json::value& item : value.get_array()) {
      index(item, place.below(item, fmt::format("{}", i++)), depth + 1);
    }
  }
  if (!value.is_object()) return;
  for (const auto& [key, member] : value.get_object()) {
    const std::string_view name = key;
    if (std::ranges::find(kSchemas, name) != std::end(kSchemas)) {
      index(member, place.below(member, name), depth + 1);
    }
    const bool holds_named = std::ranges::find(kNamedSchemas, name) != std::end(kNamedSchemas);
    if (!holds_named || !member.is_object()) continue;
    for (const auto& [inner, schema] : member.get_object()) {
      index(schema, place.below(schema, name, inner), depth + 1);
    }
  }
}

Result<SchemaPlace> SchemaRefs::follow(const SchemaPlace& base, std::string_view pointer) const {
  SchemaPlace place = base;
  std::string_view rest = pointer;
  while (!rest.empty()) {
    if (rest.front() != '/') return fail(ErrorCode::kInvalidArgument, "");
    rest.remove_prefix(1);
    const size_t end = std::min(rest.find('/'), rest.size());
    const std::string step = unescaped(rest.substr(0, end));
    const json::value* next = child(*place.schema, step);
    if (next == nullptr) return fail(ErrorCode::kInvalidArgument, "");
    place = place.below(*next, step);
    rest.remove_prefix(end);
  }
  return place;
}

Result<SchemaPlace> SchemaRefs::resolve(std::string_view ref, const SchemaPlace& from) const {
  const auto found = [&](SchemaPlace place) {
    place.depth = from.depth + 1;
    return place;
  };
  const std::string decoded = percent_decoded(ref);
  if (const auto named = by_name_.find(decoded); named != by_name_.end())
    return found(named->second);
  const size_t hash = std::min(decoded.find('#'), decoded.size());
  const std::string document = decoded.substr(0, hash);
  const std::string fragment = hash < decoded.size() ? decoded.substr(hash + 1) : "";
  SchemaPlace base = {from.resource, "#", from.resource, 0};
  if (!document.empty()) {
    const auto named = by_name_.find(document);
    const auto with_hash = by_name_.find(document + "#");
    if (named == by_name_.end() && with_hash == by_name_.end()) {
      return fail(ErrorCode::kUnsupported,
                  fmt::format("{}: $ref to another document ({}) is not supported", from.pointer,
                              ref.substr(0, 100)));
    }
    base = named != by_name_.end() ? named->second : with_hash->second;
  }
  if (auto place = follow(base, fragment)) return found(*place);
  // Generated schemas give identifiers to parts and refer to the whole.
  if (auto place = follow({&root_, "#", &root_, 0}, fragment)) return found(*place);
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}: $ref to {}, which does not exist",
                                                       from.pointer, ref.substr(0, 100)));
}

}  // namespace chasqui::grammar
