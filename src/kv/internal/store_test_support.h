// What the tests of stores and tiers share.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kv/prefix_index.h"

namespace chasqui::kv::testing {

// A folder that is gone afterwards, in memory where there is such a place: tests that rewrite a
// file hundreds of times should not wait for a disk that others use.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_((std::filesystem::exists("/dev/shm") ? std::string("/dev/shm/")
                                                   : ::testing::TempDir()) +
              "kv_test_" + std::to_string(getpid()) + "_" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name = "kv-cache.sqlite") const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline Hash128 name_of(uint64_t number) {
  return hash_bytes(std::as_bytes(std::span(&number, 1)));
}

inline std::vector<std::byte> random_bytes(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(rng.below(256));
  return bytes;
}

// Blocks of `tokens` tokens, each after the one before it.
inline std::vector<OwnedBlockName> make_chain(const Hash128& root, size_t blocks, size_t tokens,
                                              int32_t first_token) {
  std::vector<OwnedBlockName> chain;
  Hash128 parent = root;
  for (size_t i = 0; i < blocks; ++i) {
    const std::vector<int32_t> content(tokens, first_token + static_cast<int32_t>(i));
    const BlockName block{block_key(parent, content), parent, content};
    chain.emplace_back(block);
    parent = block.key;
  }
  return chain;
}

}  // namespace chasqui::kv::testing
