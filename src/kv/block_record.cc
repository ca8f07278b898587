#include "kv/block_record.h"

#include <cstring>
#include <type_traits>

#include "base/check.h"

namespace chasqui::kv {
namespace {

constexpr char kMagic[8] = {'c', 'h', 'a', 's', 'q', 'k', 'v', '1'};  // the last one: the version

struct Header {
  char magic[8];
  Hash128 fingerprint;
  Hash128 key;
  Hash128 parent;
  int64_t tokens;
  int64_t content_bytes;
  Hash128 checksum;  // last, so that what it covers is two pieces
};
static_assert(std::has_unique_object_representations_v<Header>);  // compared as bytes

Header make_header(const RecordShape& shape, const Hash128& fingerprint, const BlockName& block) {
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.fingerprint = fingerprint;
  header.key = block.key;
  header.parent = block.parent;
  header.tokens = shape.block_tokens;
  header.content_bytes = shape.content_bytes;
  return header;
}

}  // namespace

int64_t RecordShape::record_bytes() const {
  return static_cast<int64_t>(sizeof(Header)) + block_tokens * 4 + content_bytes;
}

BlockRecord::BlockRecord(const RecordShape& shape)
    : shape_(shape), bytes_(static_cast<size_t>(shape.record_bytes())) {}

size_t BlockRecord::content_at() const {
  return sizeof(Header) + static_cast<size_t>(shape_.block_tokens) * sizeof(int32_t);
}

Hash128 BlockRecord::checksum() const {
  const std::span<const std::byte> all(bytes_);
  return hash_bytes(all.subspan(sizeof(Header)), hash_bytes(all.first(offsetof(Header, checksum))));
}

void BlockRecord::seal(const Hash128& fingerprint, const BlockName& block) {
  CHASQUI_CHECK(static_cast<int64_t>(block.tokens.size()) == shape_.block_tokens,
                "{} tokens in a block of {}", block.tokens.size(), shape_.block_tokens);
  Header header = make_header(shape_, fingerprint, block);
  std::memcpy(bytes_.data(), &header, sizeof(header));
  std::memcpy(bytes_.data() + sizeof(header), block.tokens.data(), block.tokens.size_bytes());
  header.checksum = checksum();
  std::memcpy(bytes_.data(), &header, sizeof(header));
}

bool BlockRecord::is(const Hash128& fingerprint, const BlockName& block) const {
  if (static_cast<int64_t>(block.tokens.size()) != shape_.block_tokens) return false;
  const Header want = make_header(shape_, fingerprint, block);
  if (std::memcmp(bytes_.data(), &want, offsetof(Header, checksum)) != 0) return false;
  const std::byte* tokens = bytes_.data() + sizeof(Header);
  if (std::memcmp(tokens, block.tokens.data(), block.tokens.size_bytes()) != 0) return false;
  Hash128 found;
  std::memcpy(&found, bytes_.data() + offsetof(Header, checksum), sizeof(found));
  return found == checksum();
}

}  // namespace chasqui::kv
