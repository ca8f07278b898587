// The hub's cache folder, as its own tools keep it, so that files are shared with them:
//
//   models--ORG--NAME/blobs/ETAG                  the bytes
//   models--ORG--NAME/snapshots/COMMIT/PATH       a link to its blob
//   models--ORG--NAME/refs/REVISION               the commit that a branch or tag meant last
//   .locks/models--ORG--NAME/ETAG.lock            held by whoever downloads the blob
//
// https://huggingface.co/docs/huggingface_hub/guides/manage-cache
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace chasqui::hub {

class CacheRepo {
 public:
  // REQUIRES: `repo` passed check_repo(); revisions, commits, etags and paths below their checks.
  CacheRepo(const std::string& cache_folder, const std::string& repo);

  const std::string& folder() const { return folder_; }
  std::string blob(const std::string& etag) const { return folder_ + "/blobs/" + etag; }
  std::string partial(const std::string& etag) const { return blob(etag) + ".incomplete"; }
  std::string lock(const std::string& etag) const { return locks_ + '/' + etag + ".lock"; }
  std::string snapshot(const std::string& commit, const std::string& path) const {
    return folder_ + "/snapshots/" + commit + '/' + path;
  }

  // What `revision` meant when it was asked for last; a commit means itself. nullopt: unknown.
  std::optional<std::string> commit_of(const std::string& revision) const;
  // Files of a snapshot whose bytes are there, sorted.
  std::vector<std::string> files_of(const std::string& commit) const;

  // Makes the folders for blobs and locks. kIo names the folder.
  Status prepare() const;
  // Each takes effect at once or not at all, whatever else happens on the machine.
  Status remember(const std::string& revision, const std::string& commit) const;
  Status link(const std::string& commit, const std::string& path, const std::string& etag) const;

 private:
  std::string folder_;
  std::string locks_;
};

}  // namespace chasqui::hub
