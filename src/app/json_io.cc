#include "app/json_io.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "chat/json_value.h"

namespace chasqui::app {
namespace {

namespace json = boost::json;

tl::unexpected<Error> bad_field(std::string_view where, std::string_view field,
                                std::string_view expected) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {} must be {}", where, field, expected),
              std::string(field));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<std::string> read_input(const std::string& path) {
  if (path == "-") return std::string{std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::kNotFound, "cannot read " + path);
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

Result<json::value> read_json_input(const std::string& path) {
  CHASQUI_TRY(const std::string text, read_input(path));
  auto document = chat::parse_json(text);
  if (document) return document;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is not JSON: {}", path == "-" ? "standard input" : path,
                          document.error().message));
}

void print_json(const json::value& value) {
  fmt::print("{}\n", json::serialize(value));
  std::fflush(stdout);
}

std::string spaced_json(const json::value& value) {
  std::string out;
  if (value.is_array()) {
    for (const json::value& item : value.get_array()) {
      out += out.empty() ? "" : ", ";
      out += spaced_json(item);
    }
    return "[" + out + "]";
  }
  if (value.is_object()) {
    for (const auto& [key, member] : value.get_object()) {
      out += out.empty() ? "" : ", ";
      out += json::serialize(json::string(key)) + ": " + spaced_json(member);
    }
    return "{" + out + "}";
  }
  if (!value.is_double()) return json::serialize(value);
  out = fmt::format("{}", value.get_double());
  return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
}

Result<std::vector<int32_t>> index_list(const json::object& object, std::string_view field,
                                        int32_t end, std::string_view noun,
                                        std::string_view where) {
  const std::string expected = fmt::format("{} from 0 to {}", noun, end - 1);
  const json::value* list = object.if_contains(field);
  if (list == nullptr || !list->is_array()) {
    return bad_field(where, field, "an array, each entry " + expected);
  }
  std::vector<int32_t> indices;
  for (const json::value& item : list->get_array()) {
    const int64_t* index = item.if_int64();
    if (index == nullptr || *index < 0 || *index >= end) {
      return bad_field(where, fmt::format("{}[{}]", field, indices.size()), expected);
    }
    indices.push_back(static_cast<int32_t>(*index));
  }
  return indices;
}

Result<int64_t> int_field(const json::object& object, std::string_view field, int64_t min,
                          int64_t max, std::optional<int64_t> fallback, std::string_view where) {
  const json::value* value = object.if_contains(field);
  if ((value == nullptr || value->is_null()) && fallback) return *fallback;
  const int64_t* number = value != nullptr ? value->if_int64() : nullptr;
  if (number == nullptr || *number < min || *number > max) {
    return bad_field(where, field, fmt::format("an integer from {} to {}", min, max));
  }
  return *number;
}

Result<bool> bool_field(const json::object& object, std::string_view field, bool fallback,
                        std::string_view where) {
  const json::value* value = object.if_contains(field);
  if (value == nullptr || value->is_null()) return fallback;
  if (!value->is_bool()) return bad_field(where, field, "true or false");
  return value->get_bool();
}

std::optional<std::string> bytes_from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_digit(hex[i]);
    const int low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

std::string hex_from_bytes(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<uint8_t>(c));
  return hex;
}

}  // namespace chasqui::app
