// Keywords of objects, of arrays, and those that combine schemas.
#include <fmt/format.h>

#include <algorithm>

#include "grammar/internal/regex.h"
#include "grammar/internal/schema_keywords.h"

namespace json = boost::json;

namespace chasqui::grammar {

Status SchemaReader::read_object(const Site& site) {
  constexpr std::string_view kKeywords[] = {
      "properties",        "patternProperties", "additionalProperties", "propertyNames",
      "required",          "minProperties",     "maxProperties",        "dependencies",
      "dependentRequired", "dependentSchemas"};
  const auto is_there = [&](std::string_view keyword) { return member(site, keyword) != nullptr; };
  if (std::ranges::none_of(kKeywords, is_there)) return {};
  ObjectRules rules;
  CHASQUI_TRY_STATUS(read_properties(site, rules));
  CHASQUI_TRY(rules.additional, schema_member(site, "additionalProperties", kAnyValue));
  CHASQUI_TRY(rules.names, schema_member(site, "propertyNames", kNoNode));
  CHASQUI_TRY(rules.least, count_member(site, "minProperties", 0));
  CHASQUI_TRY(rules.most, count_member(site, "maxProperties", kUnbounded));
  if (const json::value* required = member(site, "required")) {
    CHASQUI_TRY(rules.required, name_list(*required, site, "required"));
  }
  CHASQUI_TRY_STATUS(read_dependencies(site, rules));
  site.node.object = std::move(rules);
  return {};
}

Status SchemaReader::read_properties(const Site& site, ObjectRules& rules) {
  if (const json::value* properties = member(site, "properties")) {
    if (!properties->is_object()) return bad(site, "properties", "an object");
    for (const auto& [key, schema] : properties->get_object()) {
      CHASQUI_TRY(const NodeId id, read_node(site.place.below(schema, "properties", key)));
      rules.properties.emplace_back(key, id);
    }
    std::ranges::sort(rules.properties);
  }
  const json::value* patterns = member(site, "patternProperties");
  if (patterns == nullptr) return {};
  if (!patterns->is_object()) return bad(site, "patternProperties", "an object");
  for (const auto& [pattern, schema] : patterns->get_object()) {
    const SchemaPlace place = site.place.below(schema, "patternProperties", pattern);
    auto expr = compile_regex_expr(pattern, RegexMatch::kSomewhere, pool_);
    if (!expr) {
      return fail(expr.error().code, fmt::format("{}: {}", place.pointer, expr.error().message));
    }
    CHASQUI_TRY(const NodeId id, read_node(place));
    rules.patterns.emplace_back(*expr, id);
  }
  return {};
}

Status SchemaReader::read_dependencies(const Site& site, ObjectRules& rules) {
  for (const char* keyword : {"dependencies", "dependentRequired", "dependentSchemas"}) {
    const json::value* value = member(site, keyword);
    if (value == nullptr) continue;
    if (!value->is_object()) return bad(site, keyword, "an object");
    for (const auto& [key, needs] : value->get_object()) {
      if (needs.is_array()) {
        CHASQUI_TRY(std::vector<std::string> names, name_list(needs, site, keyword));
        rules.needs.emplace_back(key, std::move(names));
        continue;
      }
      CHASQUI_TRY(const NodeId id, read_node(site.place.below(needs, keyword, key)));
      site.node.when_present.emplace_back(key, id);
    }
  }
  return {};
}

Status SchemaReader::read_array(const Site& site) {
  constexpr std::string_view kKeywords[] = {
      "items", "prefixItems", "additionalItems", "contains", "minItems", "maxItems", "uniqueItems"};
  const auto is_there = [&](std::string_view keyword) { return member(site, keyword) != nullptr; };
  if (std::ranges::none_of(kKeywords, is_there)) return {};
  ArrayRules rules;
  CHASQUI_TRY_STATUS(read_items(site, rules));
  CHASQUI_TRY(rules.contains, schema_member(site, "contains", kNoNode));
  CHASQUI_TRY(rules.least_contained, count_member(site, "minContains", 1));
  CHASQUI_TRY(rules.most_contained, count_member(site, "maxContains", kUnbounded));
  CHASQUI_TRY(rules.least, count_member(site, "minItems", 0));
  CHASQUI_TRY(rules.most, count_member(site, "maxItems", kUnbounded));
  if (const json::value* unique = member(site, "uniqueItems")) {
    if (!unique->is_bool()) return bad(site, "uniqueItems", "true or false");
    rules.unique = unique->get_bool() && rules.most > 1;
    if (rules.unique) {
      CHASQUI_TRY_STATUS(limit_repetitions(site, rules));
    }
  }
  site.node.array = std::move(rules);
  return {};
}

// uniqueItems over a few values that the items' schema lists: each is contained once at most.
Status SchemaReader::limit_repetitions(const Site& site, ArrayRules& rules) {
  constexpr size_t kMostValues = 64;
  const json::value* items = member(site, "items");
  SchemaPlace place = site.place;
  if (items != nullptr) place = site.place.below(*items, "items");
  for (int hop = 0; hop < 8 && items != nullptr && items->is_object(); ++hop) {
    const json::value* ref = items->get_object().if_contains("$ref");
    if (ref == nullptr || !ref->is_string()) break;
    CHASQUI_TRY(place, refs_.resolve(ref->get_string(), place));
    items = place.schema;
  }
  const json::value* values = nullptr;
  if (items != nullptr && items->is_object()) values = items->get_object().if_contains("enum");
  const auto is_distinct = [](const json::value& value) {  // as text, too
    return !value.is_structured() && !value.is_double();
  };
  const bool can_list = rules.prefix.empty() && values != nullptr && values->is_array() &&
                        values->get_array().size() <= kMostValues &&
                        std::ranges::all_of(values->get_array(), is_distinct);
  if (!can_list) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: uniqueItems is not supported but for items of an enum of at most "
                            "{} strings, whole numbers and literals",
                            site.place.pointer, kMostValues));
  }
  for (const json::value& value : values->get_array()) {
    SchemaNode once;
    once.array.emplace();
    CHASQUI_TRY(once.array->contains, value_node(value, site.place.depth));
    once.array->least_contained = 0;
    once.array->most_contained = 1;
    site.node.all_of.push_back(add_node(std::move(once)));
  }
  rules.most = std::min(rules.most, static_cast<uint32_t>(values->get_array().size()));
  return {};
}

// Up to 2019-09 a list in `items` is what `prefixItems` is now, and `additionalItems` the rest.
Status SchemaReader::read_items(const Site& site, ArrayRules& rules) {
  const json::value* items = member(site, "items");
  if (items != nullptr && items->is_array()) {
    CHASQUI_TRY(rules.prefix, schema_list(site, "items"));
    CHASQUI_TRY(rules.rest, schema_member(site, "additionalItems", kAnyValue));
    return {};
  }
  CHASQUI_TRY(rules.prefix, schema_list(site, "prefixItems"));
  CHASQUI_TRY(rules.rest, schema_member(site, "items", kAnyValue));
  return {};
}

Status SchemaReader::read_combinators(const Site& site) {
  CHASQUI_TRY(const std::vector<NodeId> all, schema_list(site, "allOf"));
  site.node.all_of.insert(site.node.all_of.end(), all.begin(), all.end());
  if (member(site, "anyOf") != nullptr) {
    CHASQUI_TRY(std::vector<NodeId> any, schema_list(site, "anyOf"));
    site.node.any_of.push_back(std::move(any));
  }
  if (member(site, "oneOf") != nullptr) {
    CHASQUI_TRY(std::vector<NodeId> one, schema_list(site, "oneOf"));
    site.node.one_of.push_back(std::move(one));
  }
  CHASQUI_TRY(site.node.negated, schema_member(site, "not", kNoNode));
  if (draft_ < Draft::k7) return {};
  CHASQUI_TRY(site.node.condition, schema_member(site, "if", kNoNode));
  CHASQUI_TRY(site.node.then_node, schema_member(site, "then", kAnyValue));
  CHASQUI_TRY(site.node.else_node, schema_member(site, "else", kAnyValue));
  return {};
}

}  // namespace chasqui::grammar
