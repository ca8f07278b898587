// POST /extras/tokenize, /extras/tokenize/count, /extras/detokenize: the model's tokenizer for
// programs that count tokens before they ask. Names and shapes are the replaced server's; special
// tokens in the text count, and a BOS is put before it where the model wants one.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "api/internal/handlers.h"
#include "api/internal/plan.h"
#include "api/internal/requests.h"
#include "http/error.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using enum FieldType;

struct TokenizeBody {
  std::optional<std::string> model;
  std::string input;
};

struct DetokenizeBody {
  std::optional<std::string> model;
  std::vector<Input> tokens;
};

constexpr std::string_view kModelHelp = "Which model's tokenizer, when there are several.";

constexpr Field<TokenizeBody> kTokenizeFields[] = {
    {{.name = "model", .nullable = true, .help = kModelHelp}, store<&TokenizeBody::model>},
    {{.name = "input", .required = true, .help = "The text."}, store<&TokenizeBody::input>},
};

Status set_tokens(DetokenizeBody& body, const json::value& value, std::string_view path) {
  CHASQUI_TRY(body.tokens, read_inputs(value, path, 1));
  return {};
}

constexpr Field<DetokenizeBody> kDetokenizeFields[] = {
    {{.name = "model", .nullable = true, .help = kModelHelp}, store<&DetokenizeBody::model>},
    {{.name = "tokens", .type = kArray, .required = true, .help = "The token ids.",
      .schema = "TokenIds"}, set_tokens},
};

Status respond(const ExchangePtr& exchange, const json::object& object) {
  http::Response response;
  response.body = json::serialize(object);
  exchange->respond(std::move(response));
  return {};
}

Result<std::vector<text::TokenId>> tokens_of(const Service& service, const ExchangePtr& exchange) {
  CHASQUI_TRY(const json::object object, parse_body(exchange->request().body));
  TokenizeBody body;
  CHASQUI_TRY_STATUS(read_fields<TokenizeBody>(object, kTokenizeFields, body));
  CHASQUI_TRY(const ModelContext* const context, service.find(body.model));
  return context->model().tokenizer->encode(body.input,
                                            {.add_special = true, .parse_special = true});
}

Status tokenize(Service& service, const ExchangePtr& exchange) {
  CHASQUI_TRY(const auto tokens, tokens_of(service, exchange));
  return respond(exchange, {{"tokens", json::value_from(tokens)}});
}

Status count(Service& service, const ExchangePtr& exchange) {
  CHASQUI_TRY(const auto tokens, tokens_of(service, exchange));
  return respond(exchange, {{"count", tokens.size()}});
}

Status detokenize(Service& service, const ExchangePtr& exchange) {
  CHASQUI_TRY(const json::object object, parse_body(exchange->request().body));
  DetokenizeBody body;
  CHASQUI_TRY_STATUS(read_fields<DetokenizeBody>(object, kDetokenizeFields, body));
  CHASQUI_TRY(const ModelContext* const context, service.find(body.model));
  const text::Tokenizer& tokenizer = *context->model().tokenizer;
  std::vector<text::TokenId> ids;
  for (const Input& input : body.tokens) {
    for (size_t i = 0; i < input.tokens.size(); ++i) {
      const std::string path = fmt::format("tokens[{}]", i);
      CHASQUI_TRY_STATUS(check_token(tokenizer.vocab(), input.tokens[i], path));
      ids.push_back(static_cast<text::TokenId>(input.tokens[i]));
    }
  }
  // Bytes that are no UTF-8 by themselves (half a character) cannot stand in JSON.
  const std::string text = tokenizer.decode(ids, {.remove_special = true});
  return respond(exchange, {{"text", text::to_valid_utf8(text)}});
}

}  // namespace

std::vector<FieldSpec> tokenize_specs() {
  return specs_of<TokenizeBody>(kTokenizeFields);
}

std::vector<FieldSpec> detokenize_specs() {
  return specs_of<DetokenizeBody>(kDetokenizeFields);
}

void handle_tokenize(Service& service, ExchangePtr exchange) {
  prepare(service, std::move(exchange), tokenize);
}

void handle_token_count(Service& service, ExchangePtr exchange) {
  prepare(service, std::move(exchange), count);
}

void handle_detokenize(Service& service, ExchangePtr exchange) {
  prepare(service, std::move(exchange), detokenize);
}

}  // namespace chasqui::api
