#include "hub/reference.h"

#include <fmt/format.h>

#include <algorithm>

namespace chasqui::hub {
namespace {

constexpr size_t kLongestName = 96;   // the hub's limit
constexpr size_t kLongestPart = 255;  // of file systems
constexpr size_t kLongestPath = 1024;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return false;
  if (!std::ranges::all_of(name, is_name_char)) return false;
  if (name.find("..") != name.npos || name.find("--") != name.npos) return false;
  const auto at_end = [](char c) { return c == '-' || c == '.'; };
  return !at_end(name.front()) && !at_end(name.back());
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

bool is_safe_part(std::string_view part) {
  return !part.empty() && part.size() <= kLongestPart && part != "." && part != "..";
}

}  // namespace

bool is_safe_path(std::string_view path) {
  if (path.size() > kLongestPath || path.find('\\') != path.npos) return false;
  if (std::ranges::any_of(path, is_control)) return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (!is_safe_part(path.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

Status check_repo(std::string_view repo) {
  const size_t slash = repo.find('/');
  const bool good = slash == repo.npos
                        ? is_name(repo)
                        : is_name(repo.substr(0, slash)) && is_name(repo.substr(slash + 1));
  if (good) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("\"{}\" is no repository of the hub; write ORG/NAME, like "
                          "Qwen/Qwen3-0.6B-GGUF",
                          repo));
}

Status check_revision(std::string_view revision) {
  const bool good = is_safe_path(revision) && std::ranges::all_of(revision, [](char c) {
                      return is_name_char(c) || c == '/' || c == '+';
                    });
  if (good) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("\"{}\" is no revision; write a branch, a tag or a commit", revision));
}

bool names_a_file(std::string_view text) {
  return text.ends_with(".gguf") || text.find_first_of("*?[/") != text.npos;
}

Result<ModelReference> parse_reference(std::string_view text) {
  if (text.find("://") != text.npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" is a URL; write ORG/NAME, like Qwen/Qwen3-0.6B-GGUF", text));
  }
  ModelReference reference;
  const size_t colon = text.find(':');
  std::string_view repo = text.substr(0, colon);
  if (colon != text.npos) {
    reference.file = text.substr(colon + 1);
    if (reference.file.empty()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("\"{}\" ends with a colon; a quantisation or a file name belongs "
                              "behind it",
                              text));
    }
  }
  if (const size_t at = repo.find('@'); at != repo.npos) {
    reference.revision = repo.substr(at + 1);
    repo = repo.substr(0, at);
  }
  reference.repo = repo;
  CHASQUI_TRY_STATUS(check_repo(reference.repo));
  CHASQUI_TRY_STATUS(check_revision(reference.revision));
  return reference;
}

}  // namespace chasqui::hub
