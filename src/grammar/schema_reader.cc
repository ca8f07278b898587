#include "grammar/internal/schema_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "grammar/grammar.h"
#include "grammar/internal/schema_keywords.h"

namespace json = boost::json;

namespace chasqui::grammar {
namespace {

constexpr size_t kMaxNodes = 200'000;

Draft draft_of(const json::value& root) {
  if (!root.is_object()) return Draft::k2020;
  const json::value* value = root.get_object().if_contains("$schema");
  if (value == nullptr || !value->is_string()) return Draft::k2020;
  const std::string_view uri = value->get_string();
  constexpr std::pair<std::string_view, Draft> kDrafts[] = {
      {"draft-03", Draft::k4}, {"draft-04", Draft::k4},         {"draft-06", Draft::k6},
      {"draft-07", Draft::k7}, {"draft/2019-09", Draft::k2019},
  };
  for (const auto& [name, draft] : kDrafts) {
    if (uri.find(name) != std::string_view::npos) return draft;
  }
  return Draft::k2020;
}

}  // namespace

SchemaReader::SchemaReader(const json::value& root, ExprPool& pool)
    : root_(root), pool_(pool), refs_(root), draft_(draft_of(root)) {}

NodeId SchemaReader::add_node(SchemaNode node) {
  graph_.nodes.push_back(std::move(node));
  return static_cast<NodeId>(graph_.nodes.size() - 1);
}

Result<SchemaGraph> SchemaReader::read() {
  add_node(SchemaNode());                          // kAnyValue
  graph_.nodes[add_node(SchemaNode())].kinds = 0;  // kNoValue
  CHASQUI_TRY(graph_.root, read_node({&root_, "#", &root_, 0}));
  CHASQUI_TRY_STATUS(finish());
  return std::move(graph_);
}

Result<NodeId> SchemaReader::read_node(const SchemaPlace& place) {
  if (place.schema->is_bool()) return place.schema->get_bool() ? kAnyValue : kNoValue;
  if (const auto found = known_.find(place.schema); found != known_.end()) return found->second;
  if (place.depth > CompileLimits::kDepth || graph_.nodes.size() > kMaxNodes) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: the schema is nested too deeply or too large", place.pointer));
  }
  if (!place.schema->is_object()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: a schema must be an object, true or false", place.pointer));
  }
  CHASQUI_TRY_STATUS(pool_.check_bounds());
  const NodeId id = add_node({});
  known_.emplace(place.schema, id);
  SchemaNode node;
  CHASQUI_TRY_STATUS(fill(place, node));
  graph_.nodes[id] = std::move(node);
  return id;
}

Status SchemaReader::fill(const SchemaPlace& place, SchemaNode& node) {
  const Site site = {place.schema->get_object(), place, node};
  // Up to draft 7 nothing counts beside a reference.
  const json::value* ref = site.object.if_contains("$ref");
  if (draft_ <= Draft::k7 && ref != nullptr && ref->is_string()) return read_reference(site);
  constexpr Keywords kGroups[] = {
      &SchemaReader::read_reference,   &SchemaReader::read_type,
      &SchemaReader::read_values,      &SchemaReader::read_text,
      &SchemaReader::read_number,      &SchemaReader::read_object,
      &SchemaReader::read_array,       &SchemaReader::read_combinators,
      &SchemaReader::read_unevaluated,
  };
  for (const Keywords group : kGroups) CHASQUI_TRY_STATUS((this->*group)(site));
  return {};
}

Status SchemaReader::finish() {
  CHASQUI_TRY_STATUS(sort_in_place());
  CHASQUI_TRY_STATUS(check_sizes());
  graph_.texts.assign(graph_.nodes.size(), kNever);
  for (const NodeId id : graph_.order) graph_.texts[id] = text_of(id);
  return {};
}

// Depth first, with a stack of our own: chains of references may be as long as the document.
Status SchemaReader::sort_in_place() {
  enum : uint8_t { kNew, kOpen, kDone };
  std::vector<uint8_t> state(graph_.nodes.size(), kNew);
  std::vector<NodeId> todo;
  for (NodeId start = 0; start < graph_.nodes.size(); ++start) {
    todo.push_back(start);
    while (!todo.empty()) {
      const NodeId id = todo.back();
      if (state[id] != kNew) {
        todo.pop_back();
        if (state[id] == kOpen) graph_.order.push_back(id);
        state[id] = kDone;
        continue;
      }
      state[id] = kOpen;
      bool is_loop = false;
      for_each_in_place(graph_.nodes[id], [&](NodeId child) {
        is_loop = is_loop || state[child] == kOpen;
        if (state[child] == kNew) todo.push_back(child);
      });
      if (is_loop) {
        return fail(ErrorCode::kUnsupported,
                    "#: a schema that applies itself to the same value is not supported");
      }
    }
  }
  return {};
}

// What a machine looks at for each member of an object: every schema in place times every key that
// one of them names. Counted with repetition, so never too low.
Status SchemaReader::check_sizes() const {
  constexpr size_t kMostOneOf = 1'000;  // each is held against all others
  constexpr uint64_t kMostSchemas = 100'000;
  constexpr uint64_t kMostPairs = 2'000'000;
  std::vector<uint64_t> schemas(graph_.nodes.size(), 0);
  std::vector<uint64_t> keys(graph_.nodes.size(), 0);
  for (const NodeId id : graph_.order) {
    const SchemaNode& node = graph_.nodes[id];
    for (const auto& group : node.one_of) {
      if (group.size() <= kMostOneOf) continue;
      return fail(ErrorCode::kUnsupported,
                  "#: oneOf with more than 1,000 schemas is not supported");
    }
    schemas[id] = 1;
    keys[id] = node.when_present.size();
    if (node.object) {
      keys[id] += node.object->properties.size() + node.object->required.size();
      for (const auto& [key, names] : node.object->needs) keys[id] += 1 + names.size();
    }
    for_each_in_place(node, [&](NodeId child) {
      schemas[id] = std::min(schemas[id] + schemas[child], kMostSchemas + 1);
      keys[id] = std::min(keys[id] + keys[child], kMostPairs + 1);
    });
    if (schemas[id] <= kMostSchemas && schemas[id] * keys[id] <= kMostPairs) continue;
    return fail(ErrorCode::kUnsupported,
                "#: too many schemas and properties apply to one value at the same time");
  }
  return {};
}

// REQUIRES: the nodes applied in place have theirs.
ExprId SchemaReader::text_of(NodeId id) {
  const SchemaNode& node = graph_.nodes[id];
  if ((node.kinds & kStringBit) == 0) return kNever;
  const auto texts = [this](const std::vector<NodeId>& ids) {
    std::vector<ExprId> list;
    for (const NodeId child : ids) {
      if (graph_.texts[child] != kNever) list.push_back(graph_.texts[child]);
    }
    return list;
  };
  const auto inverse = [this](ExprId text) {
    if (text == kNever) return pool_.any_text();
    if (text == pool_.any_text()) return kNever;
    return pool_.all_of({pool_.any_text(), pool_.negate(text)});
  };
  std::vector<ExprId> all = {node.text == kNever ? pool_.any_text() : node.text};
  for (const NodeId child : node.all_of) all.push_back(graph_.texts[child]);
  for (const auto& group : node.any_of) all.push_back(pool_.any_of(texts(group)));
  for (const auto& group : node.one_of) {
    const std::vector<ExprId> list = texts(group);
    std::vector<ExprId> exactly_one;
    for (size_t i = 0; i < list.size(); ++i) {
      std::vector<ExprId> only = {list[i]};
      for (size_t j = 0; j < list.size(); ++j) {
        if (j != i) only.push_back(pool_.negate(list[j]));
      }
      exactly_one.push_back(list.size() == 1 ? list[0] : pool_.all_of(std::move(only)));
    }
    all.push_back(pool_.any_of(std::move(exactly_one)));
  }
  if (node.negated != kNoNode) all.push_back(inverse(graph_.texts[node.negated]));
  if (node.condition != kNoNode) {
    const ExprId condition = graph_.texts[node.condition];
    all.push_back(pool_.any_of({pool_.all_of({condition, graph_.texts[node.then_node]}),
                                pool_.all_of({inverse(condition), graph_.texts[node.else_node]})}));
  }
  if (std::ranges::find(all, kNever) != all.end()) return kNever;
  const ExprId text = pool_.all_of(std::move(all));
  return pool_.can_match(text) ? text : kNever;
}

Result<SchemaGraph> read_schema(const json::value& schema, ExprPool& pool) {
  return SchemaReader(schema, pool).read();
}

}  // namespace chasqui::grammar
