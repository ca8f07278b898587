// The rows of POST /v1/rerank.
#include <fmt/format.h>

#include "api/internal/requests.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using Body = RerankBody;
using enum FieldType;

Result<std::string> read_document(const json::value& value, const std::string& path) {
  if (value.is_string()) return std::string(value.get_string());
  const json::value* text = value.is_object() ? value.get_object().if_contains("text") : nullptr;
  if (text == nullptr) return bad_field(path, "a string or an object with a text", value);
  if (!text->is_string()) return bad_field(path + ".text", "a string", *text);
  return std::string(text->get_string());
}

Status set_documents(Body& body, const json::value& value, std::string_view path) {
  const json::array& documents = value.get_array();
  if (documents.empty()) return bad_field(path, "must have at least one entry");
  if (documents.size() > Limits::kInputs) {
    return bad_field(path, fmt::format("must have at most {} entries, but has {}", Limits::kInputs,
                                       documents.size()));
  }
  for (size_t i = 0; i < documents.size(); ++i) {
    CHASQUI_TRY(std::string document, read_document(documents[i], fmt::format("{}[{}]", path, i)));
    body.documents.push_back(std::move(document));
  }
  return {};
}

constexpr Field<Body> kFields[] = {
    {{.name = "model",
      .nullable = true,
      .help = "Name to echo; one model is served under any name."},
     store_model_name<Body>},
    {{.name = "query", .required = true, .help = "What the documents should answer."},
     store<&Body::query>},
    {{.name = "documents",
      .type = kArray,
      .required = true,
      .help = "Up to 2048 texts, or objects with a text.",
      .schema = "Documents"},
     set_documents},
    {{.name = "top_n",
      .type = kInteger,
      .nullable = true,
      .min = 1,
      .max = 1e6,
      .help = "Give the best so many; default: all."},
     store<&Body::top_n>},
    {{.name = "return_documents",
      .type = kBoolean,
      .fallback = "false",
      .nullable = true,
      .help = "Repeat each document in its result."},
     store<&Body::return_documents>},
    {{.name = "truncate",
      .type = kBoolean,
      .fallback = "false",
      .nullable = true,
      .help = "Cut documents that do not fit into the context behind the query."},
     store<&Body::truncate>},
    {{.name = "raw_scores",
      .type = kBoolean,
      .fallback = "false",
      .nullable = true,
      .help = "Scores as the model gives them (log-odds) instead of from 0 to 1."},
     store<&Body::raw_scores>},
};

}  // namespace

std::span<const Field<RerankBody>> rerank_fields() {
  return kFields;
}

std::vector<FieldSpec> rerank_specs() {
  return specs_of(rerank_fields());
}

Result<RerankBody> read_rerank(const json::object& object) {
  RerankBody body;
  CHASQUI_TRY_STATUS(read_fields<RerankBody>(object, rerank_fields(), body));
  return body;
}

}  // namespace chasqui::api
