// The files of the pages /docs and /redoc, put into the binary when it is built (web/).
#pragma once

#include <span>
#include <string_view>

namespace chasqui::api {

struct WebAsset {
  std::string_view name;  // "docs.html"
  std::string_view bytes;
};

// All there are; those of npm packages are missing from a binary that was built without npm.
std::span<const WebAsset> web_assets();

}  // namespace chasqui::api
