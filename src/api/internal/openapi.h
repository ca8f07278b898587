// The description of the API as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1).
//
// Requests come from the rows that check them (field.h), so what is promised is what is enforced.
// Responses, and what arrays and objects of requests hold, are the named schemas of
// openapi_components.cc; tests/clients holds what the server answers against them.
#pragma once

#include <boost/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/internal/field.h"

namespace chasqui::api {

// What one endpoint takes and gives, beside its row in endpoints.cc. Names are schemas of
// openapi_components.cc; "" is none.
struct Operation {
  std::string_view method;
  std::string_view pattern;  // as in endpoints.cc
  std::string_view tag;
  std::string_view description;
  std::string_view request = "";                 // name for the schema of `fields`
  std::vector<FieldSpec> (*fields)() = nullptr;  // rows of the request body
  std::string_view examples = "{}";              // JSON: name to request body
  std::string_view response = "";                // of 200; "" is no JSON
  std::string_view content_type = "application/json";
  std::string_view chunk = "";  // of each server-sent event's data
  bool can_fail = true;         // whether it answers with errors at all
};
std::span<const Operation> operations();

// The named schemas, responses apart from requests built of rows.
boost::json::object component_schemas();

// The JSON schema of a field, and of an object of such fields. Unknown members are allowed.
boost::json::object schema_of(const FieldSpec& spec);
boost::json::object schema_of(std::span<const FieldSpec> fields);

// The whole document. `root_path`: where the API begins, "" is "/". `needs_key`: whether requests
// must bring an API key.
boost::json::object openapi_document(std::string_view root_path, bool needs_key);

}  // namespace chasqui::api
