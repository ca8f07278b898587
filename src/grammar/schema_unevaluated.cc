// unevaluatedProperties and unevaluatedItems, where it is plain from the schema alone what the
// keywords beside them evaluate: own keywords, allOf and references. What depends on the value
// (anyOf, oneOf, if, dependentSchemas, contains) is refused.
#include <fmt/format.h>

#include <algorithm>

#include "grammar/grammar.h"
#include "grammar/internal/regex.h"
#include "grammar/internal/schema_keywords.h"

namespace json = boost::json;

namespace chasqui::grammar {
namespace {

constexpr std::string_view kConditional[] = {
    "anyOf", "oneOf", "if", "dependentSchemas", "contains", "$dynamicRef", "$recursiveRef"};

}  // namespace

Status SchemaReader::add_evaluated(const SchemaPlace& place, bool is_outermost,
                                   Evaluated& evaluated) {
  if (!place.schema->is_object()) return {};
  if (place.depth > CompileLimits::kDepth || ++evaluated.schemas > kMostEvaluated) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: the schema is nested too deeply or too large", place.pointer));
  }
  const Object& object = place.schema->get_object();
  for (const std::string_view keyword : kConditional) {
    if (!object.contains(keyword)) continue;
    return fail(ErrorCode::kUnsupported, fmt::format("{}/{}: is not supported beside or below {}",
                                                     place.pointer, keyword, evaluated.keyword));
  }
  const auto has = [&](std::string_view keyword) { return object.contains(keyword); };
  evaluated.all_members |=
      has("additionalProperties") || (!is_outermost && has("unevaluatedProperties"));
  evaluated.all_items |= has("items") || (!is_outermost && has("unevaluatedItems"));
  if (const json::value* properties = object.if_contains("properties")) {
    for (const auto& [key, schema] : properties->get_object()) evaluated.names.emplace_back(key);
  }
  if (const json::value* patterns = object.if_contains("patternProperties")) {
    for (const auto& [pattern, schema] : patterns->get_object()) {
      evaluated.patterns.emplace_back(pattern);
    }
  }
  if (const json::value* prefix = object.if_contains("prefixItems")) {
    evaluated.items = std::max(evaluated.items, prefix->get_array().size());
  }
  if (const json::value* ref = object.if_contains("$ref")) {
    CHASQUI_TRY(const SchemaPlace target, refs_.resolve(ref->get_string(), place));
    CHASQUI_TRY_STATUS(add_evaluated(target, false, evaluated));
  }
  const json::value* all = object.if_contains("allOf");
  if (all == nullptr) return {};
  size_t index = 0;
  for (const json::value& part : all->get_array()) {
    const SchemaPlace below = place.below(part, "allOf", fmt::format("{}", index++));
    CHASQUI_TRY_STATUS(add_evaluated(below, false, evaluated));
  }
  return {};
}

// Last of the groups: what other keywords hold has the right type by now.
Status SchemaReader::read_unevaluated(const Site& site) {
  for (const std::string_view keyword : {"unevaluatedProperties", "unevaluatedItems"}) {
    const json::value* value = member(site, keyword);
    if (value == nullptr || draft_ < Draft::k2019) continue;
    CHASQUI_TRY(const NodeId others, read_node(site.place.below(*value, keyword)));
    if (others == kAnyValue) continue;
    // Lists of `items` were prefixes in 2019-09.
    if (draft_ == Draft::k2019 && keyword == "unevaluatedItems") return unsupported(site, keyword);
    Evaluated evaluated = {.keyword = keyword};
    CHASQUI_TRY_STATUS(add_evaluated(site.place, true, evaluated));
    SchemaNode rest;
    if (keyword == "unevaluatedItems") {
      if (evaluated.all_items) continue;
      rest.array =
          ArrayRules{.prefix = std::vector<NodeId>(evaluated.items, kAnyValue), .rest = others};
    } else {
      if (evaluated.all_members) continue;
      ObjectRules rules;
      std::ranges::sort(evaluated.names);
      evaluated.names.erase(std::unique(evaluated.names.begin(), evaluated.names.end()),
                            evaluated.names.end());
      for (const std::string& name : evaluated.names) {
        rules.properties.emplace_back(name, kAnyValue);
      }
      for (const std::string& pattern : evaluated.patterns) {
        CHASQUI_TRY(const ExprId expr, compile_regex_expr(pattern, RegexMatch::kSomewhere, pool_));
        rules.patterns.emplace_back(expr, kAnyValue);
      }
      rules.additional = others;
      rest.object = std::move(rules);
    }
    site.node.all_of.push_back(add_node(std::move(rest)));
  }
  return {};
}

}  // namespace chasqui::grammar
