// One file of a repository into the cache: resumed where it was left, checked against its checksum.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "hub/internal/cache.h"
#include "hub/internal/fetch.h"
#include "hub/internal/listing.h"

namespace chasqui::hub {

struct DownloadHooks {
  std::function<void(uint64_t bytes)> progress;  // of this file, that are there
  std::function<void(const std::string&)> note;  // a sentence for the user
};

// After success `cache.blob(file.etag)` has the bytes. Waits while another process downloads the
// same. Errors: kCorrupt when the bytes are not those that the hub promised (they are removed),
// kIo of the disk, kResourceExhausted when patience is over, kCancelled; what came stays, but for
// the first, as cache.partial() for the next time.
// REQUIRES: file.etag is set, cache.prepare() succeeded.
Status download(const Session& session, const CacheRepo& cache, const std::string& commit,
                const RemoteFile& file, const DownloadHooks& hooks);

}  // namespace chasqui::hub
