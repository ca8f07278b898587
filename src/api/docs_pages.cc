// GET /openapi.json, and the pages that show it: /docs (Swagger UI), /redoc (Redoc) and their files
// under /docs/. Everything comes from this server; the content security policy holds the browser to
// that.
#include <algorithm>

#include "api/internal/answer_error.h"
#include "api/internal/handlers.h"
#include "api/internal/web_assets.h"

namespace chasqui::api {
namespace {

// Styles are set by the packages' scripts; Redoc searches in a worker made from a blob.
constexpr const char* kPolicy =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "worker-src 'self' blob:";

struct ContentType {
  std::string_view ending;
  const char* type;
};
constexpr ContentType kContentTypes[] = {{".html", "text/html; charset=utf-8"},
                                         {".css", "text/css; charset=utf-8"},
                                         {".js", "text/javascript; charset=utf-8"},
                                         {".txt", "text/plain; charset=utf-8"},
                                         {".png", "image/png"}};

const char* content_type_of(std::string_view name) {
  for (const ContentType& known : kContentTypes) {
    if (name.ends_with(known.ending)) return known.type;
  }
  return "application/octet-stream";
}

void send_asset(http::Exchange& exchange, std::string_view name) {
  const auto all = web_assets();
  const auto asset = std::ranges::find(all, name, &WebAsset::name);
  if (asset == all.end()) {
    return answer_error(exchange,
                        {ErrorCode::kNotFound, "There is no such file of the documentation", ""});
  }
  http::Response response;
  response.content_type = content_type_of(name);
  response.headers.add("Content-Security-Policy", kPolicy);
  response.headers.add("Cache-Control", "max-age=3600");
  response.body = asset->bytes;
  exchange.respond(std::move(response));
}

}  // namespace

void handle_openapi(Service& service, ExchangePtr exchange) {
  http::Response response;
  response.body = service.openapi();
  exchange->respond(std::move(response));
}

void handle_docs(Service&, ExchangePtr exchange) {
  send_asset(*exchange, "docs.html");
}

void handle_redoc(Service&, ExchangePtr exchange) {
  send_asset(*exchange, "redoc.html");
}

void handle_oauth2_redirect(Service&, ExchangePtr exchange) {
  send_asset(*exchange, "oauth2-redirect.html");
}

void handle_docs_file(Service&, ExchangePtr exchange) {
  send_asset(*exchange, exchange->request().param("file"));
}

}  // namespace chasqui::api
