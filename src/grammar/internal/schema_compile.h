// From JSON schemas to their machines.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/grammar.h"
#include "grammar/internal/machine.h"

namespace chasqui::grammar {

// The machine of a schema that accepts something; no clock bounds its use. Errors begin with the
// JSON pointer; kUnsupported also where the schema outgrows a bound or the deadline.
Result<std::unique_ptr<Machine>> compile_schema(const boost::json::value& schema,
                                                Deadline deadline);

// Schemas are kept as text, a tenth of what the document takes: machines are made anew when their
// caches overflow, and what compiled once compiles again. REQUIRES: `text` is that of a schema that
// compile_schema() has taken.
std::unique_ptr<Machine> recompile_schema(std::string_view text);

// The document of a schema's text. REQUIRES: it is JSON.
boost::json::value parse_schema(std::string_view text);

}  // namespace chasqui::grammar
