// Values as text: Python's str() and repr().
#pragma once

#include <string>

#include "jinja/text.h"
#include "jinja/value.h"

namespace chasqui::jinja {

class Machine;

// str(value); "" for undefined. Numbers of a caller are untrusted text.
Text to_text(Machine& machine, const Value& value);
// repr(value): strings in quotes.
Text repr(Machine& machine, const Value& value);
// How Python prints a float: the shortest digits that read back, "1.0", "1e+16", "inf".
std::string float_text(double value);
// Python's name of the type: "str", "NoneType", "Undefined".
std::string type_name(const Value& value);
// The same as Jinja's messages have it: "str object", "None".
std::string owner_name(Kind kind);

}  // namespace chasqui::jinja
