#include "grammar/internal/schema_compile.h"

#include <limits>

#include "grammar/internal/schema_machine.h"
#include "grammar/internal/schema_reader.h"

namespace json = boost::json;

namespace chasqui::grammar {

Result<std::unique_ptr<Machine>> compile_schema(const json::value& schema, Deadline deadline) {
  auto pool = std::make_shared<ExprPool>(deadline);
  CHASQUI_TRY(SchemaGraph graph, read_schema(schema, *pool));
  CHASQUI_TRY_STATUS(pool->check_bounds());
  auto machine =
      std::make_unique<SchemaMachine>(pool, std::make_shared<const SchemaGraph>(std::move(graph)));
  CHASQUI_TRY_STATUS(pool->check_bounds());
  if (machine->start() == kDead) {
    return fail(ErrorCode::kInvalidArgument, "#: no value is accepted by this schema");
  }
  pool->lift_deadline();
  return machine;
}

json::value parse_schema(std::string_view text) {
  json::parse_options options;
  options.max_depth = std::numeric_limits<size_t>::max();  // it was a document before
  return json::parse(text, {}, options);
}

std::unique_ptr<Machine> recompile_schema(std::string_view text) {
  return *compile_schema(parse_schema(text), Deadline::max());
}

}  // namespace chasqui::grammar
