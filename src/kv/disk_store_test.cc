// The file of a DiskStore in every state that a file can be in.
#include "kv/disk_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "kv/block_record.h"
#include "kv/internal/store_test_support.h"

namespace chasqui::kv {
namespace {

using ::testing::HasSubstr;
using testing::make_chain;
using testing::random_bytes;

constexpr int64_t kCapacity = 4 << 20;
constexpr RecordShape kShape{16, 40'000};
const Hash128 kModel{5, 6};

std::unique_ptr<BlockStore> open_or_fail(const std::string& folder, int64_t capacity = kCapacity) {
  auto store = open_disk_store(folder, capacity);
  if (!store) throw std::runtime_error(store.error().message);  // fails the test
  return std::move(*store);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& content) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

void execute(const std::string& path, const char* sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database);
  sqlite3_close(database);
}

class DiskStoreTest : public ::testing::Test {
 protected:
  static std::vector<std::byte> content(size_t block) { return random_bytes(40'000, block); }

  void put(BlockStore& store, size_t block) {
    BlockRecord record(kShape);
    std::ranges::copy(content(block), record.content().begin());
    record.seal(kModel, chain_[block].view());
    store.put(chain_[block].key, chain_[block].parent, record.bytes());
  }
  // As a tier reads: what is not right counts as not there.
  bool get(BlockStore& store, size_t block) {
    BlockRecord record(kShape);
    if (!store.get(chain_[block].key, record.bytes())) return false;
    if (!record.is(kModel, chain_[block].view())) return false;
    EXPECT_TRUE(std::ranges::equal(record.content(), content(block)));
    return true;
  }
  int count(BlockStore& store) {
    int found = 0;
    for (size_t i = 0; i < chain_.size(); ++i) found += get(store, i) ? 1 : 0;
    return found;
  }
  void fill() {
    const auto store = open_or_fail(folder_.path());
    for (size_t i = 0; i < chain_.size(); ++i) put(*store, i);
    EXPECT_EQ(count(*store), 20);
  }
  // Whatever it was before, it is a good store now.
  void expect_works(BlockStore& store) {
    for (size_t i = 0; i < chain_.size(); ++i) put(store, i);
    EXPECT_EQ(count(store), 20);
  }

  testing::TemporaryFolder folder_;
  std::vector<OwnedBlockName> chain_ = make_chain({3, 4}, 20, 16, 9);
};

TEST_F(DiskStoreTest, SurvivesARestart) {
  uint64_t secret = 0;
  {
    const auto store = open_or_fail(folder_.path());
    secret = store->secret();
    put(*store, 0);
    put(*store, 1);
  }
  const auto store = open_or_fail(folder_.path());
  EXPECT_EQ(store->secret(), secret);
  EXPECT_EQ(count(*store), 2);
  EXPECT_EQ(store->stats().records, 2);
  struct stat facts;
  ASSERT_EQ(::stat(folder_.path().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700U);
  ASSERT_EQ(::stat(folder_.file().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}

TEST_F(DiskStoreTest, TheFileIsBounded) {
  const int64_t capacity = 1 << 20;
  const auto store = open_or_fail(folder_.path(), capacity);
  const auto chain = make_chain({}, 300, 16, 100);
  for (size_t i = 0; i < chain.size(); ++i) {
    const auto bytes = random_bytes(1000 + i * 150, i);
    // Chains of ten: with one long one nothing might go.
    store->put(chain[i].key, i % 10 == 0 ? Hash128{} : chain[i].parent, bytes);
    store->settle();
  }
  EXPECT_GT(store->stats().evicted, 200);
  EXPECT_EQ(store->stats().failures, 0);
  EXPECT_LE(std::filesystem::file_size(folder_.file()), capacity + capacity / 16 + 32 * 16384);
}

TEST_F(DiskStoreTest, ASmallerCapacityShrinksTheFile) {
  fill();
  const auto before = std::filesystem::file_size(folder_.file());
  const auto store = open_or_fail(folder_.path(), kCapacity / 16);
  EXPECT_LE(store->stats().bytes, kCapacity / 16);
  const int left = count(*store);
  EXPECT_GT(left, 2);
  EXPECT_TRUE(get(*store, 0)) << "the end of the chain went";
  EXPECT_LT(std::filesystem::file_size(folder_.file()), before / 2);
}

TEST_F(DiskStoreTest, OneOwnerAtATime) {
  const auto store = open_or_fail(folder_.path());
  const auto second = open_disk_store(folder_.path(), kCapacity);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(second.error().param, "cache_dir");
  EXPECT_THAT(second.error().message, HasSubstr("in use by another"));
  expect_works(*store);
}

// The other process is killed with a transaction open.
TEST_F(DiskStoreTest, AnotherProcessAndItsSuddenEnd) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto store = open_disk_store(folder_.path(), kCapacity);
    if (!store) ::_exit(1);
    for (size_t i = 0; i < 10; ++i) put(**store, i);
    (*store)->settle();
    for (size_t i = 10; i < 15; ++i) put(**store, i);
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const auto refused = open_disk_store(folder_.path(), kCapacity);
  EXPECT_FALSE(refused);
  if (!refused) {
    EXPECT_THAT(refused.error().message, HasSubstr("in use by another"));
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const auto store = open_or_fail(folder_.path());
  EXPECT_EQ(count(*store), 10) << "what was settled";
  EXPECT_EQ(store->stats().failures, 0);
  expect_works(*store);
}

TEST_F(DiskStoreTest, AForeignFileIsSetAside) {
  write_file(folder_.file(), std::string(100'000, 'x'));
  const auto store = open_or_fail(folder_.path());
  expect_works(*store);
  EXPECT_EQ(read_file(folder_.file("kv-cache.sqlite.set-aside")), std::string(100'000, 'x'));
}

TEST_F(DiskStoreTest, AForeignDatabaseIsSetAside) {
  std::filesystem::create_directories(folder_.path());
  execute(folder_.file(), "CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine');");
  const std::string before = read_file(folder_.file());
  const auto store = open_or_fail(folder_.path());
  expect_works(*store);
  EXPECT_EQ(read_file(folder_.file("kv-cache.sqlite.set-aside")), before);
}

// Our mark, and tables that are not what they should be.
TEST_F(DiskStoreTest, AForgedSchemaIsSetAside) {
  std::filesystem::create_directories(folder_.path());
  execute(folder_.file(),
          "PRAGMA page_size=16384; PRAGMA application_id=1667789681; PRAGMA user_version=1;"
          "CREATE TABLE meta (secret); INSERT INTO meta VALUES (1);"
          "CREATE VIEW entries AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
          "  SELECT x AS name, x AS parent, x AS id, x AS bytes, x AS used FROM n;"
          "CREATE TABLE records (id INTEGER PRIMARY KEY, record);");
  const auto store = open_or_fail(folder_.path());
  expect_works(*store);
}

// Lines that promise what the file does not have.
TEST_F(DiskStoreTest, ForgedEntriesAreMisses) {
  fill();
  execute(folder_.file(),
          "UPDATE entries SET bytes = 9223372036854775807 WHERE id = 1;"
          "UPDATE entries SET bytes = -5 WHERE id = 2;"
          "UPDATE entries SET id = -1 WHERE id = 3;"
          "UPDATE entries SET id = 999 WHERE id = 4;"
          "UPDATE entries SET parent = x'00' WHERE id = 5;"
          "UPDATE entries SET bytes = 'many' WHERE id = 6;"
          "UPDATE entries SET used = -9 WHERE id = 7;"
          "UPDATE entries SET bytes = 5 WHERE id = 8;"
          "UPDATE records SET record = zeroblob(1000000) WHERE id = 9;"
          "UPDATE records SET record = zeroblob(40200) WHERE id = 10;"
          "UPDATE entries SET id = 12 WHERE id = 11;");
  const auto store = open_or_fail(folder_.path());
  const int found = count(*store);
  EXPECT_GE(found, 8);
  EXPECT_LE(found, 11);
  for (const OwnedBlockName& block : chain_) store->forget(block.key);
  expect_works(*store);
}

TEST_F(DiskStoreTest, AnotherVersionBeginsAnew) {
  fill();
  execute(folder_.file(), "PRAGMA user_version=2;");
  const auto store = open_or_fail(folder_.path());
  EXPECT_EQ(count(*store), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("kv-cache.sqlite.set-aside")));
  expect_works(*store);
}

TEST_F(DiskStoreTest, AFolderThatCannotBe) {
  write_file(folder_.path(), "a file");
  const auto store = open_disk_store(folder_.path(), kCapacity);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kIo);
  EXPECT_EQ(store.error().param, "cache_dir");
}

class DiskStoreDamage : public DiskStoreTest {
 protected:
  // Opens, reads, writes and reads again.
  void survive() {
    {
      const auto store = open_or_fail(folder_.path());
      count(*store);
      for (size_t i = 0; i < chain_.size(); ++i) put(*store, i);
      store->settle();
      count(*store);  // right or not there: get() has checked
    }
    // Damage that was found is gone by now, or is gone after one more try: records that cannot be
    // read are forgotten when somebody asks for them.
    const auto store = open_or_fail(folder_.path());
    for (int round = 0; round < 12 && count(*store) < 20; ++round) {
      for (size_t i = 0; i < chain_.size(); ++i) {
        if (!get(*store, i)) store->forget(chain_[i].key);
        put(*store, i);
      }
    }
    EXPECT_EQ(count(*store), 20);
  }
};

TEST_F(DiskStoreDamage, ChangedBytes) {
  fill();
  const std::string good = read_file(folder_.file());
  Rng rng(1);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(round);
    std::string bad = good;
    // In the whole file, or in its first pages, where the structure is.
    const size_t range = round % 2 == 0 ? bad.size() : 6 * 16384;
    for (uint64_t i = 1 + rng.below(40); i > 0; --i) {
      bad[rng.below(range)] = static_cast<char>(rng.below(256));
    }
    write_file(folder_.file(), bad);
    survive();
    if (HasFatalFailure()) return;
  }
}

TEST_F(DiskStoreDamage, CutFiles) {
  fill();
  const std::string good = read_file(folder_.file());
  Rng rng(2);
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE(round);
    size_t length = rng.below(good.size());
    if (round % 2 == 0) length = length / 16384 * 16384;
    write_file(folder_.file(), good.substr(0, length));
    survive();
    if (HasFatalFailure()) return;
  }
}

TEST_F(DiskStoreDamage, MixedPages) {
  fill();
  const std::string good = read_file(folder_.file());
  Rng rng(3);
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    std::string bad = good;
    for (uint64_t i = 1 + rng.below(4); i > 0; --i) {
      const size_t from = rng.below(good.size() / 16384) * 16384;
      const size_t to = rng.below(good.size() / 16384) * 16384;
      bad.replace(to, 16384, good, from, 16384);
    }
    write_file(folder_.file(), bad);
    survive();
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace chasqui::kv
