#include "api/internal/openapi.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "api/internal/requests.h"
#include "api/internal/test_server.h"
#include "api/internal/web_assets.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

TEST(OpenApi, EveryListedEndpointIsDescribedAndNoOther) {
  std::set<std::pair<std::string_view, std::string_view>> listed, described;
  for (const Endpoint& endpoint : endpoints()) {
    if (endpoint.listed) listed.emplace(endpoint.method, endpoint.pattern);
  }
  for (const Operation& operation : operations()) {
    EXPECT_TRUE(described.emplace(operation.method, operation.pattern).second);
  }
  EXPECT_EQ(listed, described);
}

void collect_references(const json::value& value, std::set<std::string>& references) {
  if (value.is_array()) {
    for (const json::value& item : value.get_array()) collect_references(item, references);
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.get_object()) {
      if (key == "$ref") references.emplace(member.as_string());
      collect_references(member, references);
    }
  }
}

TEST(OpenApi, EveryReferenceLeadsSomewhereAndEverySchemaIsUsed) {
  const json::value document = openapi_document("", true);
  std::set<std::string> references;
  collect_references(document, references);
  for (const std::string& reference : references) {
    json::error_code error;
    EXPECT_NE(document.find_pointer(reference.substr(1), error), nullptr) << reference;
  }
  for (const auto& [name, schema] : document.at_pointer("/components/schemas").as_object()) {
    EXPECT_TRUE(references.contains("#/components/schemas/" + std::string(name))) << name;
  }
}

TEST(OpenApi, SaysWhatARowSays) {
  const FieldSpec range = {.name = "x",
                           .type = FieldType::kInteger,
                           .fallback = "3",
                           .nullable = true,
                           .min = 0,
                           .max = 20,
                           .help = "Help."};
  EXPECT_EQ(json::value(schema_of(range)), json::parse(R"({"type": ["integer", "null"],
      "minimum": 0, "maximum": 20, "default": 3, "description": "Help."})"));
  const FieldSpec choice = {.name = "x", .choices = "a|b", .required = true};
  EXPECT_EQ(json::value(schema_of(choice)),
            json::parse(R"({"type": "string", "enum": ["a", "b"], "description": ""})"));
}

TEST(OpenApi, ExamplesAreTakenByTheReaders) {
  for (const Operation& operation : operations()) {
    const json::value examples = json::parse(operation.examples);
    for (const auto& [name, example] : examples.as_object()) {
      const json::object& body = example.as_object();
      if (operation.request == "CompletionRequest") {
        EXPECT_TRUE(read_completion(body)) << name;
      } else if (operation.request == "ChatCompletionRequest") {
        EXPECT_TRUE(read_chat(body)) << name;
      } else if (operation.request == "EmbeddingRequest") {
        EXPECT_TRUE(read_embedding(body)) << name;
      } else if (operation.request == "RerankRequest") {
        EXPECT_TRUE(read_rerank(body)) << name;
      }
    }
  }
}

TEST(OpenApi, NamesTheRootPathAndTheKey) {
  const json::value open = openapi_document("", false);
  EXPECT_EQ(open.at_pointer("/servers/0/url"), "/");
  EXPECT_FALSE(open.as_object().contains("security"));
  const json::value closed = openapi_document("/llm", true);
  EXPECT_EQ(closed.at_pointer("/servers/0/url"), "/llm");
  EXPECT_EQ(closed.at_pointer("/components/securitySchemes/key/scheme"), "bearer");
  EXPECT_TRUE(closed.at_pointer("/paths/~1v1~1models/get/responses").as_object().contains("401"));
  EXPECT_TRUE(closed.at_pointer("/paths/~1health/get/security").as_array().empty());
}

TEST(DocsPages, ServeTheirFilesAndNothingElse) {
  const testing::TestServer server;
  EXPECT_EQ(server.request("GET", "/openapi.json").json().at("info").at("title"), "chasqui");
  for (const char* page : {"/docs", "/redoc"}) {
    const testing::Reply reply = server.request("GET", page);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("content-type"), "text/html; charset=utf-8");
    EXPECT_NE(reply.body.find("openapi.json"), std::string::npos);
  }
  for (const WebAsset& asset : web_assets()) {
    EXPECT_EQ(server.request("GET", "/docs/" + std::string(asset.name)).body, asset.bytes);
  }
  const auto has = [](std::string_view name) {
    return std::ranges::find(web_assets(), name, &WebAsset::name) != web_assets().end();
  };
  EXPECT_EQ(has("swagger-ui-bundle.js"), has("swagger-ui-dist.LICENSE.txt"));
  EXPECT_EQ(has("redoc.standalone.js"), has("redoc.LICENSE.txt"));
  EXPECT_EQ(server.request("GET", "/docs/..%2fdocs.html").status, 404);
  EXPECT_EQ(server.request("GET", "/docs/other.js").status, 404);
}

}  // namespace
}  // namespace chasqui::api
