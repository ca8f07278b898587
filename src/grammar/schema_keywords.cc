#include "grammar/internal/schema_keywords.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "grammar/grammar.h"
#include "grammar/internal/regex.h"
#include "grammar/internal/schema_reader.h"

namespace json = boost::json;

namespace chasqui::grammar {
namespace {

constexpr uint8_t kBooleanBits = kTrueBit | kFalseBit;

struct TypeName {
  std::string_view name;
  uint8_t kinds;
};
constexpr TypeName kTypes[] = {
    {"null", kNullBit},      {"boolean", kBooleanBits}, {"number", kNumberBit},
    {"integer", kNumberBit}, {"string", kStringBit},    {"array", kArrayBit},
    {"object", kObjectBit},
};

}  // namespace

std::string number_text(const json::value& number) {
  if (number.is_int64()) return fmt::format("{}", number.get_int64());
  if (number.is_uint64()) return fmt::format("{}", number.get_uint64());
  std::string text = fmt::format("{}", number.get_double());
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

tl::unexpected<Error> SchemaReader::bad(const Site& site, std::string_view keyword,
                                        std::string_view expected) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}/{}: must be {}", site.place.pointer, keyword, expected));
}

tl::unexpected<Error> SchemaReader::unsupported(const Site& site, std::string_view keyword) {
  return fail(ErrorCode::kUnsupported,
              fmt::format("{}: {} is not supported", site.place.pointer, keyword));
}

const json::value* SchemaReader::member(const Site& site, std::string_view keyword) const {
  return site.object.if_contains(keyword);
}

Result<NodeId> SchemaReader::schema_member(const Site& site, std::string_view keyword,
                                           NodeId fallback) {
  const json::value* value = member(site, keyword);
  if (value == nullptr) return fallback;
  return read_node(site.place.below(*value, keyword));
}

Result<std::vector<NodeId>> SchemaReader::schema_list(const Site& site, std::string_view keyword) {
  std::vector<NodeId> nodes;
  const json::value* value = member(site, keyword);
  if (value == nullptr) return nodes;
  if (!value->is_array()) return bad(site, keyword, "a list of schemas");
  for (const json::value& item : value->get_array()) {
    CHASQUI_TRY(const NodeId id,
                read_node(site.place.below(item, keyword, fmt::format("{}", nodes.size()))));
    nodes.push_back(id);
  }
  return nodes;
}

Result<uint32_t> SchemaReader::count_member(const Site& site, std::string_view keyword,
                                            uint32_t fallback) {
  const json::value* value = member(site, keyword);
  if (value == nullptr) return fallback;
  const double number = value->is_number() ? value->to_number<double>() : -1;
  if (number < 0 || std::trunc(number) != number) return bad(site, keyword, "a count");
  return static_cast<uint32_t>(std::min(number, 4e9));
}

Result<std::vector<std::string>> SchemaReader::name_list(const json::value& value, const Site& site,
                                                         std::string_view keyword) const {
  std::vector<std::string> names;
  if (!value.is_array()) return bad(site, keyword, "a list of names");
  for (const json::value& item : value.get_array()) {
    if (!item.is_string()) return bad(site, keyword, "a list of names");
    names.emplace_back(item.get_string());
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// A dynamic reference is a plain one where the document is one resource: whatever the way to it,
// the outermost resource that has the anchor is the document.
Status SchemaReader::read_reference(const Site& site) {
  for (const char* keyword : {"$ref", "$dynamicRef", "$recursiveRef"}) {
    const json::value* ref = member(site, keyword);
    if (ref == nullptr) continue;
    const bool is_dynamic = std::string_view(keyword) != "$ref";
    if (is_dynamic && draft_ < Draft::k2019) continue;
    if (is_dynamic && refs_.has_resources()) return unsupported(site, keyword);
    if (!ref->is_string()) return bad(site, keyword, "a string");
    CHASQUI_TRY(const SchemaPlace target, refs_.resolve(ref->get_string(), site.place));
    CHASQUI_TRY(const NodeId id, read_node(target));
    site.node.all_of.push_back(id);
  }
  return {};
}

Status SchemaReader::read_type(const Site& site) {
  const json::value* type = member(site, "type");
  if (type == nullptr) return {};
  json::array names;
  if (type->is_array()) {
    names = type->get_array();
  } else {
    names.push_back(*type);
  }
  uint8_t kinds = 0;
  bool any_number = false;
  for (const json::value& name : names) {
    const auto* known = std::ranges::find_if(kTypes, [&](const TypeName& row) {
      return name.is_string() && name.get_string() == row.name;
    });
    if (known == std::end(kTypes))
      return bad(site, "type", "the name of a type, or a list of them");
    kinds |= known->kinds;
    any_number = any_number || known->name == "number";
  }
  // The extension of OpenAPI 3.0.
  const json::value* nullable = member(site, "nullable");
  if (nullable != nullptr && nullable->is_bool() && nullable->get_bool()) kinds |= kNullBit;
  site.node.kinds &= kinds;
  site.node.integers_only = (kinds & kNumberBit) != 0 && !any_number;
  return {};
}

Status SchemaReader::read_values(const Site& site) {
  if (const json::value* value = member(site, "const")) {
    auto id = value_node(*value, site.place.depth);
    if (!id) return bad(site, "const", id.error().message);
    site.node.all_of.push_back(*id);
  }
  const json::value* list = member(site, "enum");
  if (list == nullptr) return {};
  if (!list->is_array()) return bad(site, "enum", "a list");
  auto id = values_node(list->get_array(), site.place.depth);
  if (!id) return bad(site, "enum", id.error().message);
  site.node.all_of.push_back(*id);
  return {};
}

// A node for one of `values`: scalars together in one node, and a node for each list or object.
Result<NodeId> SchemaReader::values_node(const json::array& values, size_t depth) {
  SchemaNode scalars;
  scalars.kinds = 0;
  std::vector<std::string> texts;
  std::vector<std::string> numbers;
  std::vector<NodeId> group;
  for (const json::value& value : values) {
    if (value.is_null()) scalars.kinds |= kNullBit;
    if (value.is_bool()) scalars.kinds |= value.get_bool() ? kTrueBit : kFalseBit;
    if (value.is_string()) texts.emplace_back(value.get_string());
    if (value.is_number()) numbers.push_back(number_text(value));
    if (!value.is_structured()) continue;
    CHASQUI_TRY(const NodeId id, value_node(value, depth + 1));
    group.push_back(id);
  }
  if (!texts.empty()) {
    scalars.kinds |= kStringBit;
    scalars.text = pool_.words(std::move(texts));
  }
  if (!numbers.empty()) {
    scalars.kinds |= kNumberBit;
    scalars.number = NumberRules{.values = std::move(numbers)};
  }
  const NodeId id = add_node(std::move(scalars));
  if (group.empty()) return id;
  group.push_back(id);
  SchemaNode choice;
  choice.any_of.push_back(std::move(group));
  return add_node(std::move(choice));
}

// Exactly this value.
Result<NodeId> SchemaReader::value_node(const json::value& value, size_t depth) {
  if (depth > CompileLimits::kDepth) return fail(ErrorCode::kUnsupported, "less deeply nested");
  if (!value.is_structured()) {
    json::array one;
    one.push_back(value);
    return values_node(one, depth);
  }
  SchemaNode node;
  if (value.is_array()) {
    node.kinds = kArrayBit;
    ArrayRules rules;
    for (const json::value& item : value.get_array()) {
      CHASQUI_TRY(const NodeId id, value_node(item, depth + 1));
      rules.prefix.push_back(id);
    }
    rules.least = rules.most = static_cast<uint32_t>(rules.prefix.size());
    node.array = std::move(rules);
    return add_node(std::move(node));
  }
  node.kinds = kObjectBit;
  ObjectRules rules;
  rules.additional = kNoValue;
  for (const auto& [key, item] : value.get_object()) {
    CHASQUI_TRY(const NodeId id, value_node(item, depth + 1));
    rules.properties.emplace_back(key, id);
    rules.required.emplace_back(key);
  }
  std::ranges::sort(rules.properties);
  std::ranges::sort(rules.required);
  node.object = std::move(rules);
  return add_node(std::move(node));
}

Status SchemaReader::read_text(const Site& site) {
  std::vector<ExprId> parts;
  CHASQUI_TRY(const uint32_t least, count_member(site, "minLength", 0));
  CHASQUI_TRY(const uint32_t most, count_member(site, "maxLength", kUnbounded));
  if (least > most) {
    site.node.kinds &= static_cast<uint8_t>(~kStringBit);
    return {};
  }
  if (least > 0 || most != kUnbounded) parts.push_back(pool_.repeat(pool_.any_char(), least, most));
  if (const json::value* pattern = member(site, "pattern")) {
    if (!pattern->is_string()) return bad(site, "pattern", "a string");
    auto expr = compile_regex_expr(pattern->get_string(), RegexMatch::kSomewhere, pool_);
    if (!expr) {
      return fail(expr.error().code,
                  fmt::format("{}/pattern: {}", site.place.pointer, expr.error().message));
    }
    parts.push_back(*expr);
  }
  if (const json::value* format = member(site, "format");
      format != nullptr && format->is_string()) {
    auto expr = format_expr(format->get_string(), pool_);
    if (!expr) {
      return fail(expr.error().code,
                  fmt::format("{}: {}", site.place.pointer, expr.error().message));
    }
    if (*expr) parts.push_back(**expr);
  }
  if (parts.empty()) return {};
  site.node.text = pool_.all_of(std::move(parts));
  if (!pool_.can_match(site.node.text)) site.node.kinds &= static_cast<uint8_t>(~kStringBit);
  return {};
}

Status SchemaReader::read_number(const Site& site) {
  NumberRules rules = {.integers_only = site.node.integers_only};
  bool has_rules = false;
  const auto bound = [&](std::string_view keyword, std::string_view exclusive,
                         std::optional<Decimal>& limit, bool& open) -> Status {
    const json::value* value = member(site, keyword);
    if (value != nullptr && !value->is_number()) return bad(site, keyword, "a number");
    if (value != nullptr) limit = Decimal::parse(number_text(*value));
    const json::value* other = member(site, exclusive);
    if (other == nullptr) return {};
    if (other->is_bool()) {
      open = other->get_bool();
      return {};
    }
    if (!other->is_number()) return bad(site, exclusive, "a number");
    const Decimal edge = Decimal::parse(number_text(*other));
    const int order = limit ? compare(edge, *limit) : 0;
    const bool is_tighter = !limit || (keyword == "minimum" ? order >= 0 : order <= 0);
    if (!is_tighter) return {};
    limit = edge;
    open = true;
    return {};
  };
  CHASQUI_TRY_STATUS(bound("minimum", "exclusiveMinimum", rules.least, rules.above_least));
  CHASQUI_TRY_STATUS(bound("maximum", "exclusiveMaximum", rules.most, rules.below_most));
  has_rules = rules.least || rules.most;
  if (const json::value* unit = member(site, "multipleOf")) {
    if (!unit->is_number() || unit->to_number<double>() <= 0) {
      return bad(site, "multipleOf", "a number above 0");
    }
    rules.multiple_of.push_back(Decimal::parse(number_text(*unit)));
    if (rules.multiple_of[0].digits.size() > 18) return unsupported(site, "this multipleOf");
    has_rules = true;
  }
  if (has_rules) site.node.number = std::move(rules);
  return {};
}

}  // namespace chasqui::grammar
