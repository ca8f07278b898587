// Where `$ref` leads inside one document: JSON pointers, anchors, and the identifiers of embedded
// resources.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace chasqui::grammar {

// A schema in its document.
struct SchemaPlace {
  const boost::json::value* schema = nullptr;
  std::string pointer;                           // "#/properties/a"
  const boost::json::value* resource = nullptr;  // the schema with an `$id` around it, or the root
  size_t depth = 0;

  SchemaPlace below(const boost::json::value& value, std::string_view step) const;
  SchemaPlace below(const boost::json::value& value, std::string_view keyword,
                    std::string_view name) const;
};

class SchemaRefs {
 public:
  explicit SchemaRefs(const boost::json::value& root);

  // kUnsupported for documents elsewhere, kInvalidArgument for places that do not exist.
  Result<SchemaPlace> resolve(std::string_view ref, const SchemaPlace& from) const;
  // Whether a part of the document is a resource of its own, with an `$id`.
  bool has_resources() const { return has_resources_; }

 private:
  void index(const boost::json::value& value, const SchemaPlace& place, size_t depth);
  Result<SchemaPlace> follow(const SchemaPlace& base, std::string_view pointer) const;

  const boost::json::value& root_;
  bool has_resources_ = false;
  std::unordered_map<std::string, SchemaPlace> by_name_;  // "#anchor" and whole identifiers
};

}  // namespace chasqui::grammar
