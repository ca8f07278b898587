// One file over a bad network: cuts, lies, pauses, company.
#include "hub/internal/download.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "base/rng.h"
#include "hub/internal/file_lock.h"
#include "hub/internal/hub_for_test.h"
#include "hub/internal/partial_file.h"

namespace chasqui::hub {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::HubForTest;
using testing::HubPeer;
using testing::HubRequest;

constexpr size_t kBytes = 200'000;

class DownloadTest : public ::testing::Test {
 protected:
  DownloadTest()
      : bytes_(testing::noise(kBytes)),
        file_{"m.gguf", kBytes, testing::sha256(bytes_)},
        options_(hub_.options()),
        cache_(options_.cache_folder, HubForTest::kRepo) {
    hub_.files = {{"m.gguf", bytes_}};
    EXPECT_TRUE(cache_.prepare());
  }

  void TearDown() override { hub_.stop(); }

  Status run() {
    const Session session{options_, stop_, HubForTest::kRepo, "main"};
    return download(session, cache_, HubForTest::kCommit, file_,
                    {.note = [this](const std::string& text) { notes_ += text + '\n'; }});
  }
  std::string error() {
    const Status done = run();
    return done ? "downloaded" : done.error().message;
  }
  void leave_partial(const std::string& bytes) const {
    std::ofstream(cache_.partial(file_.etag), std::ios::binary) << bytes;
  }
  std::string partial() const { return testing::read_file(cache_.partial(file_.etag)); }
  void expect_whole() const {
    EXPECT_TRUE(testing::read_file(cache_.blob(file_.etag)) == bytes_);
    EXPECT_FALSE(fs::exists(cache_.partial(file_.etag)));
  }
  // Sends the answer to each request up to `bytes` of its body.
  void cut_after(size_t bytes) {
    hub_.instead = [this, bytes](const HubRequest& request, HubPeer& peer) {
      const std::string range = request.header("range");
      const size_t first = range.empty() ? 0 : std::stoul(range.substr(6));
      peer.send(range.empty() ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 206 Partial\r\n");
      if (!range.empty()) {
        peer.send(fmt::format("Content-Range: bytes {}-{}/{}\r\n", first, kBytes - 1, kBytes));
      }
      peer.send(fmt::format("Content-Length: {}\r\n\r\n", kBytes - first));
      peer.send(bytes_.substr(first, bytes));
      return true;
    };
  }

  HubForTest hub_;
  std::string bytes_;
  RemoteFile file_;
  HubOptions options_;
  CacheRepo cache_;
  Stop stop_;
  std::string notes_;
};

TEST_F(DownloadTest, GoesOnAfterEachCut) {
  options_.retries = 20;
  cut_after(30'000);
  EXPECT_EQ(error(), "downloaded");
  EXPECT_EQ(hub_.requests().size(), 7u);
  EXPECT_EQ(hub_.requests()[1].header("range"), "bytes=30000-");
  expect_whole();
}

TEST_F(DownloadTest, KeepsWhatCameWhenPatienceIsOver) {
  options_.retries = 2;
  cut_after(10'000);
  const Status done = run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(done.error().message, HasSubstr("(3 tries)"));
  EXPECT_TRUE(partial() == bytes_.substr(0, 30'000));
  hub_.instead = nullptr;
  EXPECT_EQ(error(), "downloaded");
  EXPECT_EQ(hub_.requests().back().header("range"), "bytes=30000-");
  expect_whole();
}

// Random cuts, refusals and lost connections: the bytes are right, or it says why not.
TEST_F(DownloadTest, SurvivesAnyMixtureOfFailures) {
  options_.retries = 60;  // three of five answers are none
  for (uint64_t seed = 0; seed < 20; ++seed) {
    // Requests come one after another, but a handler may end after its answer was read.
    struct Chance {
      explicit Chance(uint64_t seed) : rng(seed) {}
      std::mutex mutex;
      Rng rng;
      uint64_t below(uint64_t end) {
        const std::lock_guard lock(mutex);
        return rng.below(end);
      }
    };
    const auto chance = std::make_shared<Chance>(seed);
    hub_.instead = [this, chance](const HubRequest& request, HubPeer& peer) {
      const uint64_t kind = chance->below(5);
      if (kind == 0) return true;  // closes at once
      if (kind == 1) {
        peer.answer(503, "Retry-After: 0\r\n", "busy");
        return true;
      }
      if (kind == 2) {  // ignores the range
        peer.answer(200, "", bytes_);
        return true;
      }
      if (kind == 3) {
        peer.send("HTTP/1.1 206 Par");
        return true;
      }
      hub_.serve_file(request, peer, bytes_);
      return true;
    };
    leave_partial(bytes_.substr(0, chance->below(kBytes)));
    EXPECT_EQ(error(), "downloaded") << seed;
    expect_whole();
    fs::remove(cache_.blob(file_.etag));
  }
}

TEST_F(DownloadTest, WaitsAsLongAsItIsTold) {
  int count = 0;
  hub_.instead = [&](const HubRequest&, HubPeer& peer) {
    if (count++ > 0) return false;
    peer.answer(429, "Retry-After: 1\r\n", "");
    return true;
  };
  options_.longest_pause = 300ms;  // so that the test need not wait a second
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(error(), "downloaded");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 300ms);
}

TEST_F(DownloadTest, RefusesWrongBytes) {
  hub_.instead = [&](const HubRequest&, HubPeer& peer) {
    peer.answer(200, "", testing::noise(kBytes, 99));
    return true;
  };
  const Status done = run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(done.error().message, HasSubstr("m.gguf was damaged on its way"));
  EXPECT_THAT(done.error().message, HasSubstr(file_.etag));
  EXPECT_FALSE(fs::exists(cache_.blob(file_.etag)));
  EXPECT_FALSE(fs::exists(cache_.partial(file_.etag))) << "it would spoil the next try";
}

TEST_F(DownloadTest, BeginsAnewBehindAWrongBeginning) {
  leave_partial(testing::noise(70'000, 5));
  EXPECT_EQ(error(), "downloaded");
  EXPECT_THAT(notes_, HasSubstr("does not fit what was left"));
  EXPECT_EQ(hub_.requests().size(), 2u);
  expect_whole();
}

TEST_F(DownloadTest, ChecksAPartialFileThatIsWhole) {
  leave_partial(bytes_);
  EXPECT_EQ(error(), "downloaded");
  EXPECT_EQ(hub_.requests().size(), 0u);
  expect_whole();
}

TEST_F(DownloadTest, ForgetsAPartialFileThatIsTooLong) {
  leave_partial(bytes_ + "x");
  EXPECT_EQ(error(), "downloaded");
  expect_whole();
}

TEST_F(DownloadTest, TakesTheWholeWhereRangesAreNotKnown) {
  leave_partial(bytes_.substr(0, 50'000));
  hub_.instead = [&](const HubRequest&, HubPeer& peer) {
    peer.answer(200, "", bytes_);
    return true;
  };
  EXPECT_EQ(error(), "downloaded");
  expect_whole();
}

TEST_F(DownloadTest, BeginsAnewWhereARangeIsRefused) {
  leave_partial(bytes_.substr(0, 50'000));
  hub_.instead = [&](const HubRequest& request, HubPeer& peer) {
    if (request.header("range").empty()) return false;
    peer.answer(416, "", "");
    return true;
  };
  EXPECT_EQ(error(), "downloaded");
  expect_whole();
}

TEST_F(DownloadTest, RefusesAnotherSize) {
  const auto answer = [this](const std::string& head, const std::string& body) {
    hub_.instead = [=](const HubRequest&, HubPeer& peer) {
      peer.send(head + "\r\n\r\n" + body);
      return true;
    };
    return error();
  };
  EXPECT_THAT(answer("HTTP/1.1 200 OK\r\nContent-Length: 5", "hello"),
              HasSubstr("has 5 bytes, but the hub's list says 200000"));
  EXPECT_THAT(answer("HTTP/1.1 200 OK", bytes_ + "more"), HasSubstr("but the hub's list says"));
  leave_partial(bytes_.substr(0, 100));
  EXPECT_THAT(answer("HTTP/1.1 206 OK\r\nContent-Range: bytes 0-9/200000\r\nContent-Length: 10",
                     "0123456789"),
              HasSubstr("from byte 100 on, the hub sends \"bytes 0-9/200000\""));
  EXPECT_THAT(answer("HTTP/1.1 206 OK\r\nContent-Length: 10", "0123456789"), HasSubstr("sends"));
  EXPECT_THAT(answer("HTTP/1.1 206 OK\r\nContent-Range: bytes 100-199/200\r\nContent-Length: 100",
                     std::string(100, 'x')),
              HasSubstr("has 200 bytes"));
}

TEST_F(DownloadTest, EndsOnAHubThatSleeps) {
  options_.retries = 0;
  options_.answer_timeout = 200ms;
  hub_.instead = [](const HubRequest&, HubPeer&) {
    std::this_thread::sleep_for(600ms);
    return true;
  };
  EXPECT_THAT(error(), HasSubstr("it took too long"));
  options_.answer_timeout = 5s;
  options_.chunk_timeout = 200ms;
  hub_.instead = [this](const HubRequest&, HubPeer& peer) {
    peer.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", kBytes));
    for (int i = 0; i < 30; ++i) {  // a byte now and then is not enough
      peer.send(bytes_.substr(static_cast<size_t>(i), 1));
      std::this_thread::sleep_for(20ms);
    }
    return true;
  };
  EXPECT_THAT(error(), HasSubstr("it took too long"));
  EXPECT_TRUE(bytes_.starts_with(partial()));
}

TEST_F(DownloadTest, EndsWhenItIsStopped) {
  std::atomic<bool> stopped = false;
  stop_ = [&] { return stopped.load(); };
  hub_.instead = [&](const HubRequest&, HubPeer& peer) {
    peer.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", kBytes));
    peer.send(bytes_.substr(0, 100'000));
    std::this_thread::sleep_for(100ms);
    stopped = true;
    std::this_thread::sleep_for(500ms);
    return true;
  };
  const Status done = run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kCancelled);
  EXPECT_GT(partial().size(), 0u);
  EXPECT_TRUE(bytes_.starts_with(partial()));
  stop_ = nullptr;
  hub_.instead = nullptr;
  EXPECT_EQ(error(), "downloaded");
  EXPECT_NE(hub_.requests().back().header("range"), "");
  expect_whole();
}

TEST_F(DownloadTest, SaysThatTheDiskIsFull) {
  fs::create_symlink("/dev/full", cache_.partial(file_.etag));
  EXPECT_THAT(error(), HasSubstr("cannot open")) << "links are not followed";
  fs::remove(cache_.partial(file_.etag));
  // What append() says when the device has no room.
  auto full = PartialFile::open("/dev/full");
  ASSERT_TRUE(full) << full.error().message;
  const Status written = full->append(std::as_bytes(std::span("abc")));
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr("the disk is full"));
}

// Two at once: one downloads, the other waits and takes what is there then.
TEST_F(DownloadTest, IsDoneOnceByTwo) {
  hub_.instead = [this](const HubRequest& request, HubPeer& peer) {
    std::this_thread::sleep_for(200ms);
    hub_.serve_file(request, peer, bytes_);
    return true;
  };
  std::vector<std::string> results(3);
  std::vector<std::thread> threads;
  for (std::string& result : results) {
    threads.emplace_back([&, this] {
      const Session session{options_, {}, HubForTest::kRepo, "main"};
      const Status done = download(session, cache_, HubForTest::kCommit, file_, {});
      result = done ? "downloaded" : done.error().message;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& result : results) EXPECT_EQ(result, "downloaded");
  EXPECT_EQ(hub_.requests().size(), 1u);
  expect_whole();
}

TEST_F(DownloadTest, SaysThatItWaitsForAnother) {
  auto lock = FileLock::acquire(cache_.lock(file_.etag), {}, {});
  ASSERT_TRUE(lock);
  std::atomic<bool> stopped = false;
  stop_ = [&] { return stopped.load(); };
  std::thread stopper([&] {
    std::this_thread::sleep_for(300ms);
    stopped = true;
  });
  const Status done = run();
  stopper.join();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kCancelled);
  EXPECT_THAT(notes_, HasSubstr("another process downloads m.gguf"));
}

}  // namespace
}  // namespace chasqui::hub
