#include "hub/hub_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <iterator>

#include "hub/internal/url.h"

namespace chasqui::hub {
namespace {

constexpr std::streamsize kLongestToken = 1024;

// The first of `names` that is set and not empty.
std::optional<std::string> first_of(const Environment& environment,
                                    std::initializer_list<const char*> names) {
  for (const char* name : names) {
    auto value = environment(name);
    if (value && !value->empty()) return value;
  }
  return std::nullopt;
}

// "~/x" as shells read it.
std::string expand_home(std::string path, const Environment& environment) {
  if (path != "~" && !path.starts_with("~/")) return path;
  return environment("HOME").value_or("") + path.substr(1);
}

std::string home_folder(const Environment& environment) {
  if (const auto home = first_of(environment, {"HF_HOME"})) return expand_home(*home, environment);
  if (const auto xdg = first_of(environment, {"XDG_CACHE_HOME"})) return *xdg + "/huggingface";
  const auto home = first_of(environment, {"HOME"});
  return home ? *home + "/.cache/huggingface" : "";
}

bool is_true(const std::optional<std::string>& value) {
  if (!value) return false;
  std::string word = *value;
  std::ranges::transform(word, word.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return word == "1" || word == "ON" || word == "YES" || word == "TRUE";
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

std::string read_token_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(static_cast<size_t>(kLongestToken), '\0');
  in.read(text.data(), kLongestToken);
  text.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return trimmed(text);
}

// A token goes into a header: what would end the line must not be in it.
Status check_token(const std::string& token, const std::string& source) {
  const bool good = std::ranges::all_of(token, [](char c) { return c > 0x20 && c < 0x7f; });
  if (good) return {};
  return fail(ErrorCode::kInvalidArgument,
              source + " is no token: it has spaces or characters that are not ASCII", source);
}

Status read_token(const Environment& environment, const std::string& home, HubOptions& options) {
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    options.token = trimmed(environment(name).value_or(""));
    if (!options.token.empty()) return check_token(options.token, name);
  }
  const auto named = first_of(environment, {"HF_TOKEN_PATH"});
  const std::string path = named ? expand_home(*named, environment) : home + "/token";
  options.token = read_token_file(path);
  return check_token(options.token, path);
}

}  // namespace

Result<HubOptions> options_from_environment(const Environment& environment) {
  HubOptions options;
  if (const auto endpoint = first_of(environment, {"HF_ENDPOINT"})) options.endpoint = *endpoint;
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  if (!parse_url(options.endpoint)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("HF_ENDPOINT is \"{}\"; it must begin with https:// or http:// and name a host",
                    options.endpoint),
        "HF_ENDPOINT");
  }
  const std::string home = home_folder(environment);
  const auto cache = first_of(environment, {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  if (!cache && home.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "there is no folder for downloads: set HF_HOME, or HOME", "HF_HOME");
  }
  options.cache_folder = cache ? expand_home(*cache, environment) : home + "/hub";
  const auto offline = first_of(environment, {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"});
  options.offline = is_true(offline);
  CHASQUI_TRY_STATUS(read_token(environment, home, options));
  return options;
}

}  // namespace chasqui::hub
