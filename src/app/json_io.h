// JSON in and out of the commands: one document from a file or standard input, one to standard
// output.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace chasqui::app {

// Parses `path`, or standard input for "-". kInvalidArgument says where it stops being JSON.
Result<boost::json::value> read_json_input(const std::string& path);

// Prints one line of JSON to standard output.
void print_json(const boost::json::value& value);

// JSON text with ", " and ": " between its parts and numbers as Python writes them: what the golden
// instances of schemas are compared as.
std::string spaced_json(const boost::json::value& value);

// The file's bytes, or standard input's for "-".
Result<std::string> read_input(const std::string& path);

// Fields of an object; `where` begins the error message ("case 3"). index_list() reads an array of
// integers from 0 to `end` - 1, which the message calls `noun` ("a token id").
Result<std::vector<int32_t>> index_list(const boost::json::object& object, std::string_view field,
                                        int32_t end, std::string_view noun, std::string_view where);
Result<int64_t> int_field(const boost::json::object& object, std::string_view field, int64_t min,
                          int64_t max, std::optional<int64_t> fallback, std::string_view where);
Result<bool> bool_field(const boost::json::object& object, std::string_view field, bool fallback,
                        std::string_view where);

// "48 65" style hexadecimal without spaces, both ways; nullopt when it is none.
std::optional<std::string> bytes_from_hex(std::string_view hex);
std::string hex_from_bytes(std::string_view bytes);

}  // namespace chasqui::app
