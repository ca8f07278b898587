// The pack cache: used when good, ignored when anything is off, and never a reason to fail.
#include "backend/cpu/pack_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "base/rng.h"
#include "quant/quant_type.h"

namespace chasqui::backend::cpu {
namespace {

namespace fs = std::filesystem;

class PackCacheTest : public testing::Test {
 protected:
  static constexpr int64_t kRows = 37;
  static constexpr int64_t kCols = 512;
  static constexpr size_t kHeaderBytes = 88;
  // A byte of weights of row 0: behind two super-blocks and 16 groups of scales.
  static constexpr size_t kWeightAt = PackCache::kPayloadAt + 2 * 64 + 16 * 32;

  PackCacheTest() {
    folder_ =
        fs::temp_directory_path() / ("chasqui-pack-cache-" + std::to_string(getpid()) + "-" +
                                     testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    Rng rng(3);
    std::vector<float> values(static_cast<size_t>(kRows * kCols));
    for (float& v : values) v = static_cast<float>(rng.normal());
    x_.assign(values.begin(), values.begin() + 9 * kCols);
    bytes_.resize(static_cast<size_t>(kRows * kCols / 256 * 144));
    quant::find_quant_type(DType::kQ4_K)
        ->encode(values.data(), nullptr, bytes_.data(), kRows * kCols / 256);
  }
  ~PackCacheTest() override { fs::remove_all(folder_); }

  // The product with a fresh backend that uses `folder` (or no cache).
  std::vector<float> product(const std::string& folder, const std::string& key = "model/../key") {
    CpuOptions options;
    options.threads = 2;
    options.pack_cache = folder;
    options.model_key = key;
    auto backend = std::move(*make_cpu_backend(options));
    const TensorView view = {DType::kQ4_K, {kCols, kRows, 1, 1}, bytes_};
    auto weight = backend->prepare(view, WeightUse::kMatrix, "blk.0.ffn_up.weight");
    EXPECT_TRUE(weight) << weight.error().message;
    std::vector<float> y(9 * kRows);
    const LinearTarget target = {weight->get(), nullptr, dense(y.data(), 9, kRows)};
    backend->linear({dense(x_.data(), 9, kCols), {&target, 1}});
    return y;
  }

  std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    if (!fs::exists(folder_)) return all;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      if (entry.is_regular_file()) all.push_back(entry.path());
    }
    return all;
  }
  std::string contents(const fs::path& path) const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const fs::path& path, const std::string& text) const {
    std::ofstream(path, std::ios::binary) << text;
  }

  fs::path folder_;
  std::vector<float> x_;
  std::vector<std::byte> bytes_;
};

// A process that is ended in the middle of packing cannot clean up.
TEST_F(PackCacheTest, LeftoversOfEndedProcessesGo) {
  product(folder_.string());
  const fs::path inner = fs::directory_iterator(folder_)->path();
  for (const fs::path& file : fs::directory_iterator(inner)) fs::remove(file);
  const fs::path dead = inner / "abc.panels.999999999.tmp";
  const fs::path alive = inner / ("abc.panels." + std::to_string(getppid()) + ".tmp");
  std::ofstream(dead) << "x";
  std::ofstream(alive) << "x";
  product(folder_.string());
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_TRUE(fs::exists(alive));
}

TEST_F(PackCacheTest, FirstFillsThenMapsWithTheSameBits) {
  const auto want = product("");
  EXPECT_EQ(product(folder_), want);
  ASSERT_EQ(files().size(), 1u);
  // Proof that the file is what the second backend computes with: change a panel byte in it.
  std::string text = contents(files()[0]);
  EXPECT_EQ(product(folder_), want);
  text[kWeightAt] = static_cast<char>(text[kWeightAt] ^ 0x77);
  write(files()[0], text);
  EXPECT_NE(product(folder_), want);
}

TEST_F(PackCacheTest, EveryDamageToTheHeaderOrSizeIsNoticed) {
  const auto want = product(folder_);
  const fs::path file = files().at(0);
  const std::string good = contents(file);
  for (size_t at = 0; at < kHeaderBytes; at += 3) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    bad[kWeightAt] = static_cast<char>(bad[kWeightAt] ^ 0x77);  // would show if the file were used
    write(file, bad);
    ASSERT_EQ(product(folder_), want) << "header byte " << at;
    ASSERT_TRUE(contents(file) == good) << "not remade";
  }
  for (const std::string& bad :
       {good + "x", good.substr(0, good.size() - 1), good.substr(0, 50), std::string()}) {
    write(file, bad);
    ASSERT_EQ(product(folder_), want) << bad.size() << " bytes";
    ASSERT_TRUE(contents(file) == good);
  }
}

TEST_F(PackCacheTest, ModelsDoNotShareFiles) {
  product(folder_, "a");
  product(folder_, "b");
  EXPECT_EQ(files().size(), 2u);
}

TEST_F(PackCacheTest, WithoutAKeyNothingIsWritten) {
  product(folder_, "");
  EXPECT_TRUE(files().empty());
}

TEST_F(PackCacheTest, AFolderThatCannotBeIsOnlyAWarning) {
  const auto want = product("");
  fs::create_directories(folder_.parent_path());
  write(folder_, "a file where the folder should be");
  EXPECT_EQ(product(folder_), want);
}

}  // namespace
}  // namespace chasqui::backend::cpu
