// The reader's state and the keywords by what they apply to; see schema_reader.cc for the walk.
#pragma once

#include <boost/json.hpp>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "grammar/internal/schema.h"
#include "grammar/internal/schema_refs.h"

namespace chasqui::grammar {

enum class Draft { k4, k6, k7, k2019, k2020 };

class SchemaReader {
 public:
  SchemaReader(const boost::json::value& root, ExprPool& pool);
  Result<SchemaGraph> read();

 private:
  using Object = boost::json::object;
  // `place` of the schema that `object` is; keywords write into `node`.
  struct Site {
    const Object& object;
    const SchemaPlace& place;
    SchemaNode& node;
  };
  using Keywords = Status (SchemaReader::*)(const Site& site);

  // The node of a schema, read once however many refer to it.
  Result<NodeId> read_node(const SchemaPlace& place);
  Status fill(const SchemaPlace& place, SchemaNode& node);
  NodeId add_node(SchemaNode node);
  Status finish();  // order and texts
  Status sort_in_place();
  Status check_sizes() const;
  ExprId text_of(NodeId id);

  Status read_reference(const Site& site);
  Status read_type(const Site& site);
  Status read_values(const Site& site);
  Status read_text(const Site& site);
  Status read_number(const Site& site);
  Status read_object(const Site& site);
  Status read_properties(const Site& site, ObjectRules& rules);
  Status read_dependencies(const Site& site, ObjectRules& rules);
  Status read_array(const Site& site);
  Status read_items(const Site& site, ArrayRules& rules);
  Status read_combinators(const Site& site);
  Status read_unevaluated(const Site& site);
  Status limit_repetitions(const Site& site, ArrayRules& rules);

  // What is known of a schema's members and items from the schema alone.
  struct Evaluated {
    std::string_view keyword;  // that asks
    std::vector<std::string> names;
    std::vector<std::string> patterns;
    size_t items = 0;  // the first so many
    bool all_members = false;
    bool all_items = false;
    size_t schemas = 0;  // looked at
  };
  static constexpr size_t kMostEvaluated = 10'000;
  Status add_evaluated(const SchemaPlace& place, bool is_outermost, Evaluated& evaluated);

  Result<NodeId> value_node(const boost::json::value& value, size_t depth);
  Result<NodeId> values_node(const boost::json::array& values, size_t depth);

  // Members of `site.object`.
  const boost::json::value* member(const Site& site, std::string_view keyword) const;
  Result<NodeId> schema_member(const Site& site, std::string_view keyword, NodeId fallback);
  Result<std::vector<NodeId>> schema_list(const Site& site, std::string_view keyword);
  Result<uint32_t> count_member(const Site& site, std::string_view keyword, uint32_t fallback);
  Result<std::vector<std::string>> name_list(const boost::json::value& value, const Site& site,
                                             std::string_view keyword) const;
  static tl::unexpected<Error> bad(const Site& site, std::string_view keyword,
                                   std::string_view expected);
  static tl::unexpected<Error> unsupported(const Site& site, std::string_view keyword);

  const boost::json::value& root_;
  ExprPool& pool_;
  SchemaRefs refs_;
  Draft draft_ = Draft::k2020;
  SchemaGraph graph_;
  std::unordered_map<const boost::json::value*, NodeId> known_;
};

// A JSON number as text, as Python and JavaScript write it.
std::string number_text(const boost::json::value& number);

}  // namespace chasqui::grammar
