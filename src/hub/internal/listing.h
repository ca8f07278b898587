// What the hub says of a repository: GET /api/models/ORG/NAME/revision/REVISION?blobs=true.
// https://huggingface.co/docs/hub/api
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace chasqui::hub {

struct RemoteFile {
  std::string path;   // checked with is_safe_path()
  uint64_t size = 0;  // bytes
  // What the cache calls the file and its bytes are checked against: 64 hexadecimal digits are
  // their SHA-256 (large files), 40 git's SHA-1 of a blob; "" where the hub names neither.
  std::string etag;
};

struct Listing {
  std::string commit;  // 40 hexadecimal digits
  std::vector<RemoteFile> files;
};

// kCorrupt names what is missing, of the wrong type or unsafe.
Result<Listing> parse_listing(std::string_view text, std::string_view repo);

// Whether `text` is `digits` hexadecimal digits, small ones.
bool is_hex(std::string_view text, size_t digits);

}  // namespace chasqui::hub
