// JSON schema documents to SchemaGraph. Drafts 4, 6, 7, 2019-09 and 2020-12, told apart by
// `$schema`; without it the newest. https://json-schema.org/specification
#pragma once

#include <boost/json.hpp>
#include <memory>

#include "base/result.h"
#include "grammar/internal/schema.h"

namespace chasqui::grammar {

// Expressions go into `pool`. Errors begin with the JSON pointer: kInvalidArgument for keywords
// with impossible values, kUnsupported for keywords that cannot be honoured.
Result<SchemaGraph> read_schema(const boost::json::value& schema, ExprPool& pool);

// The expression of a `format`; nullopt for one that means nothing (and is then ignored);
// kUnsupported for one that drafts define and that is refused.
Result<std::optional<ExprId>> format_expr(std::string_view format, ExprPool& pool);

}  // namespace chasqui::grammar
