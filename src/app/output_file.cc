#include "app/output_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace chasqui::app {

Status check_output_file(const std::string& path, bool overwrite) {
  const std::filesystem::path file = path;
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    if (!overwrite) {
      return fail(ErrorCode::kInvalidArgument, path + " exists already; --overwrite replaces it");
    }
    if (!std::filesystem::is_regular_file(file, error)) {
      return fail(ErrorCode::kInvalidArgument, path + " is not a regular file");
    }
  }
  const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
  return fail(ErrorCode::kIo, fmt::format("cannot create {}: {}", path, std::strerror(errno)));
}

}  // namespace chasqui::app
