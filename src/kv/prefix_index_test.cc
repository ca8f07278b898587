#include "kv/prefix_index.h"

#include <gtest/gtest.h>

#include <vector>

namespace chasqui::kv {
namespace {

const std::vector<int32_t> kOne{1, 2, 3, 4};
const std::vector<int32_t> kTwo{1, 2, 3, 5};

TEST(PrefixIndex, NamesDependOnTokensParentSaltAndSecret) {
  const Hash128 root = root_key(0, 0);
  EXPECT_NE(block_key(root, kOne), block_key(root, kTwo));
  EXPECT_NE(block_key(root, kOne), block_key(block_key(root, kTwo), kOne));
  EXPECT_NE(root, root_key(1, 0));
  EXPECT_NE(root, root_key(0, 1));
  EXPECT_EQ(block_key(root, kOne), block_key(root_key(0, 0), kOne));
}

TEST(PrefixIndex, FindsWhatWasInsertedAndNothingErased) {
  PrefixIndex index(4, 4);
  const Hash128 root = root_key(0, 0);
  const BlockName one{block_key(root, kOne), root, kOne};
  EXPECT_EQ(index.find(one), kNoUnit);
  EXPECT_TRUE(index.insert(one, 3));
  EXPECT_EQ(index.find(one), 3);
  EXPECT_FALSE(index.insert(one, 2)) << "computed twice: the second stays private";
  EXPECT_EQ(index.find(one), 3);
  index.erase(one.key);
  EXPECT_EQ(index.find(one), kNoUnit);
  EXPECT_EQ(index.size(), 0);
}

TEST(PrefixIndex, FindsTheSiblingThatBeginsMostAlike) {
  PrefixIndex index(40, 4);
  const Hash128 root = root_key(0, 0);
  const auto insert = [&](const std::vector<int32_t>& tokens, UnitId unit) {
    return index.insert({block_key(root, tokens), root, tokens}, unit);
  };
  EXPECT_EQ(index.similar(root, kOne).common, 0);
  ASSERT_TRUE(insert(kOne, 3));
  ASSERT_TRUE(insert({1, 2, 9, 9}, 1));
  ASSERT_TRUE(insert({8, 2, 3, 4}, 0));
  const PrefixIndex::Similar found = index.similar(root, kTwo);
  EXPECT_EQ(found.common, 3);
  EXPECT_EQ(index.find(found.block), 3);
  EXPECT_EQ(index.similar(root, std::vector<int32_t>{1, 2}).common, 2);
  EXPECT_EQ(index.similar(root_key(1, 0), kTwo).common, 0) << "another parent";
  index.erase(block_key(root, kOne));
  EXPECT_EQ(index.similar(root, kTwo).common, 2);
  index.erase(block_key(root, std::vector<int32_t>{8, 2, 3, 4}));
  EXPECT_EQ(index.similar(root, kTwo).common, 2);
  index.erase(block_key(root, std::vector<int32_t>{1, 2, 9, 9}));
  EXPECT_EQ(index.similar(root, kTwo).common, 0);
}

TEST(PrefixIndex, LooksAtTheYoungestSiblingsOnly) {
  PrefixIndex index(40, 4);
  const Hash128 root = root_key(0, 0);
  for (int32_t i = 0; i <= PrefixIndex::kMaxSiblings; ++i) {
    const std::vector<int32_t> tokens{1, 2, i == 0 ? 3 : 50, i};
    ASSERT_TRUE(index.insert({block_key(root, tokens), root, tokens}, i));
  }
  EXPECT_EQ(index.similar(root, kOne).common, 2) << "the first is too old to be looked at";
}

// A forged key stands for a collision of the 128-bit hash.
TEST(PrefixIndex, ACollisionIsAMissAndNeverForeignContent) {
  PrefixIndex index(4, 4);
  const Hash128 root = root_key(0, 0);
  const Hash128 forged{7, 7};
  EXPECT_TRUE(index.insert({forged, root, kOne}, 0));
  EXPECT_EQ(index.find({forged, root, kTwo}), kNoUnit) << "other tokens";
  EXPECT_EQ(index.find({forged, root_key(1, 0), kOne}), kNoUnit) << "another parent";
  EXPECT_FALSE(index.insert({forged, root, kTwo}, 1));
  EXPECT_EQ(index.find({forged, root, kOne}), 0);
}

}  // namespace
}  // namespace chasqui::kv
