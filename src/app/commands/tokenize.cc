// chasqui tokenize / detokenize: text to ids and back, for people and, with --input, for programs
// (the JSON forms are part of the parity commands: docs/contracts/parity.md).

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/commands/command.h"
#include "app/json_io.h"
#include "app/model_source.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"

namespace chasqui::app {
namespace {

namespace json = boost::json;

struct TokenizeArgs {
  std::string model;
  std::string text;
  std::string input;
  std::vector<int32_t> ids;
  bool parse_special = false;
  bool no_special = false;
  std::shared_ptr<SettingOptions> settings;
};

Result<std::shared_ptr<const text::Tokenizer>> load_tokenizer(const TokenizeArgs& args) {
  CHASQUI_TRY(const Settings settings, args.settings->resolve());
  CHASQUI_TRY(const gguf::File file, open_model(args.model, settings));
  return text::Tokenizer::load(file);
}

// The "text" or "bytes_hex" of a case.
Result<std::string> case_text(const json::object& item, const std::string& where) {
  if (const json::value* text = item.if_contains("text"); text != nullptr && text->is_string()) {
    return std::string(text->get_string());
  }
  if (const json::value* hex = item.if_contains("bytes_hex"); hex != nullptr && hex->is_string()) {
    if (auto bytes = bytes_from_hex(hex->get_string())) return *bytes;
  }
  return fail(ErrorCode::kInvalidArgument, where + ": needs a string \"text\" or \"bytes_hex\"");
}

// Runs `one` on every object of a JSON array and prints the array of its results.
template <typename One>
Status for_each_case(const std::string& input, const One& one) {
  CHASQUI_TRY(const json::value document, read_json_input(input));
  if (!document.is_array()) {
    return fail(ErrorCode::kInvalidArgument, "the input must be a JSON array of objects");
  }
  json::array results;
  for (const json::value& item : document.get_array()) {
    const std::string where = fmt::format("case {}", results.size());
    if (!item.is_object()) return fail(ErrorCode::kInvalidArgument, where + " is no object");
    CHASQUI_TRY(json::value result, one(item.get_object(), where));
    results.push_back(std::move(result));
  }
  print_json(results);
  return {};
}

Status tokenize_cases(const text::Tokenizer& tokenizer, const std::string& input) {
  return for_each_case(
      input, [&](const json::object& item, const std::string& where) -> Result<json::value> {
        CHASQUI_TRY(const std::string text, case_text(item, where));
        text::EncodeOptions options;
        CHASQUI_TRY(options.add_special, bool_field(item, "add_special", true, where));
        CHASQUI_TRY(options.parse_special, bool_field(item, "parse_special", false, where));
        return json::value{{"ids", json::value_from(tokenizer.encode(text, options))}};
      });
}

Status detokenize_cases(const text::Tokenizer& tokenizer, const std::string& input) {
  return for_each_case(
      input, [&](const json::object& item, const std::string& where) -> Result<json::value> {
        CHASQUI_TRY(const auto ids,
                    index_list(item, "ids", tokenizer.vocab().size(), "a token id", where));
        text::DecodeOptions options;
        CHASQUI_TRY(options.remove_special, bool_field(item, "remove_special", false, where));
        CHASQUI_TRY(options.unparse_special, bool_field(item, "unparse_special", false, where));
        const std::string text = tokenizer.decode(ids, options);
        if (text::to_valid_utf8(text) == text) return json::value{{"text", text}};
        return json::value{{"hex", hex_from_bytes(text)}};
      });
}

Status tokenize(const TokenizeArgs& args) {
  CHASQUI_TRY(const auto tokenizer, load_tokenizer(args));
  if (!args.input.empty()) return tokenize_cases(*tokenizer, args.input);
  const auto ids = tokenizer->encode(
      args.text, {.add_special = !args.no_special, .parse_special = args.parse_special});
  for (const int32_t id : ids) {
    const std::string piece = text::to_valid_utf8(tokenizer->piece(id, true));
    fmt::print("{:8}  {}\n", id, json::serialize(json::string(piece)));
  }
  fmt::print(stderr, "{} tokens\n", ids.size());
  return {};
}

Status detokenize(const TokenizeArgs& args) {
  CHASQUI_TRY(const auto tokenizer, load_tokenizer(args));
  if (!args.input.empty()) return detokenize_cases(*tokenizer, args.input);
  for (const int32_t id : args.ids) {
    if (id < 0 || id >= tokenizer->vocab().size()) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("token id {} is not from 0 to {}", id,
                                                           tokenizer->vocab().size() - 1));
    }
  }
  fmt::print("{}\n", tokenizer->decode(args.ids, {}));
  return {};
}

}  // namespace

Action declare_tokenize(CLI::App& parser) {
  auto args = std::make_shared<TokenizeArgs>();
  parser.add_option("MODEL", args->model, "GGUF file")->required();
  auto* text = parser.add_option("TEXT", args->text, "text to split");
  parser.add_option("--input", args->input, "JSON cases, a file or - (see docs)")->excludes(text);
  parser.add_flag("--parse-special,--parse_special", args->parse_special,
                  "recognise control tokens in the text");
  parser.add_flag("--no-special,--no_special", args->no_special, "add no BOS or EOS");
  args->settings = SettingOptions::add(parser, {"kv_overrides"});
  return [args] { return tokenize(*args); };
}

Action declare_detokenize(CLI::App& parser) {
  auto args = std::make_shared<TokenizeArgs>();
  parser.add_option("MODEL", args->model, "GGUF file")->required();
  auto* ids = parser.add_option("IDS", args->ids, "token ids");
  parser.add_option("--input", args->input, "JSON cases, a file or - (see docs)")->excludes(ids);
  args->settings = SettingOptions::add(parser, {"kv_overrides"});
  return [args] { return detokenize(*args); };
}

}  // namespace chasqui::app
