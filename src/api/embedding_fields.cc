// The rows of POST /v1/embeddings.
#include "api/internal/requests.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using Body = EmbeddingBody;
using enum FieldType;

Status set_input(Body& body, const json::value& value, std::string_view path) {
  CHASQUI_TRY(body.inputs, read_inputs(value, path, Limits::kInputs));
  if (body.inputs.empty()) return bad_field(path, "must have at least one entry");
  return {};
}

Status set_encoding(Body& body, const json::value& value, std::string_view) {
  body.base64 = value.get_string() == "base64";
  return {};
}

constexpr Field<Body> kFields[] = {
    {{.name = "model",
      .nullable = true,
      .help = "Name to echo; one model is served under any name."},
     store_model_name<Body>},
    {{.name = "input",
      .type = kStringOrArray,
      .required = true,
      .help = "Text, token ids, or up to 2048 of either.",
      .schema = "Prompt"},
     set_input},
    {{.name = "encoding_format",
      .type = kString,
      .fallback = "\"float\"",
      .nullable = true,
      .choices = "float|base64",
      .help = "base64: little-endian 32-bit floats."},
     set_encoding},
    {{.name = "dimensions",
      .type = kInteger,
      .nullable = true,
      .min = 1,
      .max = 1e6,
      .help = "Keep this many first numbers of each vector and normalise again."},
     store<&Body::dimensions>},
    {{.name = "truncate",
      .type = kBoolean,
      .fallback = "false",
      .nullable = true,
      .help = "Cut inputs that do not fit into the context."},
     store<&Body::truncate>},
    {{.name = "user", .type = kString, .nullable = true, .help = "Accepted; has no effect."},
     store<&Body::user>},
};

}  // namespace

std::span<const Field<EmbeddingBody>> embedding_fields() {
  return kFields;
}

std::vector<FieldSpec> embedding_specs() {
  return specs_of(embedding_fields());
}

Result<EmbeddingBody> read_embedding(const json::object& object) {
  EmbeddingBody body;
  CHASQUI_TRY_STATUS(read_fields<EmbeddingBody>(object, embedding_fields(), body));
  return body;
}

}  // namespace chasqui::api
