#include "hub/internal/cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "hub/internal/listing.h"

namespace chasqui::hub {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCommitDigits = 40;

Status make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return {};
  return fail(ErrorCode::kIo, fmt::format("cannot make the folder {}: {} (HF_HUB_CACHE names "
                                          "another place for downloads)",
                                          folder.string(), error.message()));
}

// A name in the same folder that no other thread of the machine uses.
std::string scratch_name(const std::string& path) {
  return fmt::format("{}.{}.tmp", path, ::gettid());
}

Status move_into_place(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (!error) return {};
  std::error_code ignored;
  fs::remove(from, ignored);
  return fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", to, error.message()));
}

}  // namespace

CacheRepo::CacheRepo(const std::string& cache_folder, const std::string& repo) {
  std::string name = "models--" + repo;
  if (const size_t slash = name.find('/'); slash != name.npos) name.replace(slash, 1, "--");
  folder_ = cache_folder + '/' + name;
  locks_ = cache_folder + "/.locks/" + name;
}

std::optional<std::string> CacheRepo::commit_of(const std::string& revision) const {
  if (is_hex(revision, kCommitDigits)) return revision;
  std::ifstream in(folder_ + "/refs/" + revision);
  std::string commit(kCommitDigits, '\0');
  if (!in.read(commit.data(), static_cast<std::streamsize>(commit.size()))) return std::nullopt;
  if (!is_hex(commit, kCommitDigits)) return std::nullopt;
  return commit;
}

std::vector<std::string> CacheRepo::files_of(const std::string& commit) const {
  const fs::path root = folder_ + "/snapshots/" + commit;
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(root, error), end; it != end && !error;
       it.increment(error)) {
    std::error_code ignored;
    if (fs::is_regular_file(it->path(), ignored)) {
      files.push_back(it->path().lexically_relative(root).string());
    }
  }
  std::ranges::sort(files);
  return files;
}

Status CacheRepo::prepare() const {
  CHASQUI_TRY_STATUS(make_folder(folder_ + "/blobs"));
  return make_folder(locks_);
}

Status CacheRepo::remember(const std::string& revision, const std::string& commit) const {
  if (revision == commit || commit_of(revision) == commit) return {};
  const std::string path = folder_ + "/refs/" + revision;
  CHASQUI_TRY_STATUS(make_folder(fs::path(path).parent_path()));
  const std::string scratch = scratch_name(path);
  std::ofstream out(scratch, std::ios::binary | std::ios::trunc);
  if (!(out << commit).flush()) return fail(ErrorCode::kIo, "cannot write " + scratch);
  out.close();
  return move_into_place(scratch, path);
}

Status CacheRepo::link(const std::string& commit, const std::string& path,
                       const std::string& etag) const {
  const fs::path place = snapshot(commit, path);
  CHASQUI_TRY_STATUS(make_folder(place.parent_path()));
  const fs::path target = fs::path(blob(etag)).lexically_relative(place.parent_path());
  std::error_code error;
  if (fs::read_symlink(place, error) == target) return {};
  const std::string scratch = scratch_name(place.string());
  fs::remove(scratch, error);
  fs::create_symlink(target, scratch, error);
  if (error) {
    return fail(ErrorCode::kIo,
                fmt::format("cannot make the link {}: {} (the cache folder must lie "
                            "on a file system that has links)",
                            place.string(), error.message()));
  }
  return move_into_place(scratch, place.string());
}

}  // namespace chasqui::hub
