// One block of a second tier as bytes: a header that says which block of which model it is, the
// block's tokens, its content in all cache groups one after another, and a checksum of everything.
//
//   header   magic and version 8, fingerprint 16, key 16, parent 16, tokens 8, content bytes 8,
//            checksum 16 (XXH3-128 of the record with these 16 bytes left out)
//   tokens   int32 each
//   content
//
// In the byte order of the machine: a cache does not travel. Records come from files that anybody
// may have changed, so none is believed: is() compares every byte of it, by value or by checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/hash.h"
#include "kv/prefix_index.h"

namespace chasqui::kv {

// The sizes of all records of one model.
struct RecordShape {
  int64_t block_tokens = 0;
  int64_t content_bytes = 0;
  int64_t record_bytes() const;
};

class BlockRecord {
 public:
  // As large as the shape says; the bytes mean nothing yet.
  explicit BlockRecord(const RecordShape& shape);

  std::span<std::byte> bytes() { return bytes_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::span<std::byte> content() { return std::span(bytes_).subspan(content_at()); }
  std::span<const std::byte> content() const { return std::span(bytes_).subspan(content_at()); }

  // Writes everything around the content, which must be there. `fingerprint` says what computed
  // it: bytes of one model mean nothing to another.
  void seal(const Hash128& fingerprint, const BlockName& block);

  // Whether these are the bytes of this very block, as they were sealed.
  bool is(const Hash128& fingerprint, const BlockName& block) const;

 private:
  size_t content_at() const;
  Hash128 checksum() const;

  RecordShape shape_;
  std::vector<std::byte> bytes_;
};

}  // namespace chasqui::kv
