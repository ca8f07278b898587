// Prompts and embedding inputs: the four JSON shapes that OpenAI's API allows.
#include <fmt/format.h>

#include "api/internal/requests.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

constexpr const char* kShapes =
    "a string, an array of strings, an array of token ids or an array of arrays of token ids";

Result<Input> read_tokens(const json::array& ids, std::string_view path) {
  Input input;
  input.is_tokens = true;
  input.tokens.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::optional<int64_t> id = as_integer(ids[i]);
    if (!id) return bad_field(fmt::format("{}[{}]", path, i), "a token id (an integer)", ids[i]);
    input.tokens.push_back(*id);
  }
  return input;
}

Result<Input> read_one(const json::value& value, std::string_view path) {
  if (value.is_string()) return Input{std::string(value.get_string()), {}, false};
  if (value.is_array()) return read_tokens(value.get_array(), path);
  return bad_field(path, "a string or an array of token ids", value);
}

}  // namespace

Result<std::vector<Input>> read_inputs(const json::value& value, std::string_view path,
                                       size_t most) {
  if (!value.is_string() && !value.is_array()) return bad_field(path, kShapes, value);
  std::vector<Input> inputs;
  const bool is_list =
      value.is_array() && !value.get_array().empty() && !value.get_array().front().is_number();
  if (!is_list) {
    if (value.is_array() && value.get_array().empty()) return inputs;
    CHASQUI_TRY(Input input, read_one(value, path));
    inputs.push_back(std::move(input));
    return inputs;
  }
  const json::array& list = value.get_array();
  if (list.size() > most) {
    return bad_field(path,
                     fmt::format("must have at most {} entries, but has {}", most, list.size()));
  }
  for (size_t i = 0; i < list.size(); ++i) {
    CHASQUI_TRY(Input input, read_one(list[i], fmt::format("{}[{}]", path, i)));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

}  // namespace chasqui::api
