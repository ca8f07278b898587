// Pulling models from a hub on this machine: what is taken, where it lies, who is told the token.
#include "hub/pull.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "hub/internal/hub_for_test.h"

namespace chasqui::hub {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::HubForTest;
using testing::HubPeer;
using testing::HubRequest;

ModelReference reference(const std::string& file = "") {
  return {HubForTest::kRepo, "main", file};
}

std::string error_of(const HubForTest& hub, const ModelReference& wanted, HubOptions options) {
  const auto pulled = pull(wanted, options, {});
  (void)hub;
  return pulled ? "pulled " + pulled->path : pulled.error().message;
}

std::string error_of(const HubForTest& hub, const std::string& file = "") {
  return error_of(hub, reference(file), hub.options());
}

TEST(Pull, KeepsFilesAsTheHubsToolsDo) {
  HubForTest hub;
  hub.files = {{"README.md", "read me"}, {"sub/m-Q4_K_M.gguf", testing::noise(300'000)}};
  double last = 0;
  const auto pulled = pull(reference(), hub.options(), {.progress = [&](double done) {
                             EXPECT_GE(done, last);
                             last = done;
                           }});
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(last, 1.0);
  EXPECT_EQ(pulled->downloaded, 300'000u);
  EXPECT_THAT(pulled->files, ElementsAre("sub/m-Q4_K_M.gguf"));

  const fs::path repo = hub.folder() / "models--org--model-GGUF";
  const std::string& bytes = hub.files["sub/m-Q4_K_M.gguf"];
  const fs::path link = repo / "snapshots" / HubForTest::kCommit / "sub/m-Q4_K_M.gguf";
  EXPECT_EQ(pulled->path, link);
  EXPECT_EQ(fs::read_symlink(link), "../../../blobs/" + testing::sha256(bytes));
  EXPECT_TRUE(testing::read_file(link) == bytes);
  EXPECT_EQ(testing::read_file(repo / "refs/main"), HubForTest::kCommit);
  EXPECT_TRUE(fs::exists(hub.folder() / ".locks/models--org--model-GGUF" /
                         (testing::sha256(bytes) + ".lock")));
  EXPECT_FALSE(fs::exists(repo / "blobs" / (testing::sha256(bytes) + ".incomplete")));
}

TEST(Pull, DownloadsNothingTwice) {
  HubForTest hub;
  hub.files = {{"m-Q4_K_M.gguf", testing::noise(1000)}};
  ASSERT_TRUE(pull(reference(), hub.options(), {}));
  EXPECT_EQ(hub.count("/resolve/"), 1u);
  const auto again = pull(reference(), hub.options(), {});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->downloaded, 0u);
  EXPECT_EQ(hub.count("/resolve/"), 1u);
}

// Another tool has left the blob and no link to it, or the link and no reference.
TEST(Pull, UsesWhatOthersHaveLeft) {
  HubForTest hub;
  hub.files = {{"m-Q4_K_M.gguf", testing::noise(1000)}};
  const std::string etag = testing::sha256(hub.files["m-Q4_K_M.gguf"]);
  const fs::path blobs = hub.folder() / "models--org--model-GGUF/blobs";
  fs::create_directories(blobs);
  std::ofstream(blobs / etag, std::ios::binary) << hub.files["m-Q4_K_M.gguf"];
  ASSERT_TRUE(pull(reference(), hub.options(), {}));
  EXPECT_EQ(hub.count("/resolve/"), 0u);
}

TEST(Pull, BringsAllPartsOfASplitModel) {
  HubForTest hub;
  for (int part = 1; part <= 3; ++part) {
    hub.files[fmt::format("m-Q8_0-{:05}-of-00003.gguf", part)] =
        testing::noise(1000, static_cast<uint64_t>(part));
  }
  hub.files["mmproj-m-Q8_0.gguf"] = "an image encoder";
  const auto pulled = pull(reference("q8_0"), hub.options(), {});
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(pulled->bytes, 3000u);
  EXPECT_TRUE(pulled->path.ends_with("/m-Q8_0-00001-of-00003.gguf"));
  for (const std::string& file : pulled->files) {
    EXPECT_TRUE(testing::read_file(fs::path(pulled->path).parent_path() / file) == hub.files[file]);
  }
  EXPECT_EQ(hub.count("mmproj"), 0u);
}

TEST(Pull, ChecksSmallFilesByGitsHash) {
  HubForTest hub;
  hub.files = {{"config.json", "{}"}};
  const auto pulled = pull(reference("config.*"), hub.options(), {});
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(testing::read_file(pulled->path), "{}");
  EXPECT_EQ(fs::read_symlink(pulled->path).filename(), testing::git_sha1("{}"));
}

TEST(Pull, EscapesNames) {
  HubForTest hub;
  hub.files = {{"a b#?.gguf", "x"}};
  hub.instead = [&](const HubRequest& request, HubPeer& peer) {
    if (!request.target.ends_with("/a%20b%23%3F.gguf")) return false;
    peer.answer(200, "", "x");
    return true;
  };
  const auto pulled = pull(reference(), hub.options(), {});
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_TRUE(pulled->path.ends_with("/a b#?.gguf"));
}

TEST(Pull, FollowsARevision) {
  HubForTest hub;
  hub.files = {{"m.gguf", "x"}};
  hub.instead = [&](const HubRequest& request, HubPeer& peer) {
    if (request.target != "/api/models/org/model-GGUF/revision/refs%2Fpr%2F1?blobs=true") {
      return false;
    }
    peer.answer(200, "", hub.listing());
    return true;
  };
  ASSERT_TRUE(pull({HubForTest::kRepo, "refs/pr/1", ""}, hub.options(), {}));
  EXPECT_EQ(testing::read_file(hub.folder() / "models--org--model-GGUF/refs/refs/pr/1"),
            HubForTest::kCommit);
}

// A content delivery network, on another port of this machine.
class PullWithCdn : public ::testing::Test {
 protected:
  void SetUp() override {
    hub_.files = {{"m-Q4_K_M.gguf", testing::noise(5000)}};
    hub_.instead = [this](const HubRequest& request, HubPeer& peer) {
      if (request.target.find("/resolve/") == std::string::npos) return false;
      peer.answer(302, fmt::format("Location: {}\r\n", location_), "");
      return true;
    };
    cdn_.instead = [this](const HubRequest& request, HubPeer& peer) {
      cdn_.serve_file(request, peer, hub_.files["m-Q4_K_M.gguf"]);
      return true;
    };
    location_ = cdn_.url() + "/blob?signature=abc";
    options_ = hub_.options();
    options_.token = "hf_secret";
  }

  void TearDown() override {
    hub_.stop();
    cdn_.stop();
  }

  HubForTest hub_;
  HubForTest cdn_;
  std::string location_;
  HubOptions options_;
};

TEST_F(PullWithCdn, TellsTheTokenToTheHubAlone) {
  ASSERT_TRUE(pull(reference(), options_, {}));
  const auto of_hub = hub_.requests();
  ASSERT_EQ(of_hub.size(), 2u);
  for (const HubRequest& request : of_hub) {
    EXPECT_EQ(request.header("authorization"), "Bearer hf_secret") << request.target;
  }
  const auto of_cdn = cdn_.requests();
  ASSERT_EQ(of_cdn.size(), 1u);
  EXPECT_EQ(of_cdn[0].target, "/blob?signature=abc");
  EXPECT_EQ(of_cdn[0].header("authorization"), "");
}

TEST_F(PullWithCdn, ContinuesThroughTheRedirect) {
  const std::string etag = testing::sha256(hub_.files["m-Q4_K_M.gguf"]);
  const fs::path blobs = hub_.folder() / "models--org--model-GGUF/blobs";
  fs::create_directories(blobs);
  std::ofstream(blobs / (etag + ".incomplete"), std::ios::binary)
      << hub_.files["m-Q4_K_M.gguf"].substr(0, 3000);
  const auto pulled = pull(reference(), options_, {});
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(pulled->downloaded, 2000u);
  EXPECT_EQ(cdn_.requests().at(0).header("range"), "bytes=3000-");
  EXPECT_TRUE(testing::read_file(pulled->path) == hub_.files["m-Q4_K_M.gguf"]);
}

TEST_F(PullWithCdn, EndsInALoop) {
  location_ = "/org/model-GGUF/resolve/again";
  EXPECT_THAT(error_of(hub_, reference(), options_), HasSubstr("more than 10 redirects"));
  EXPECT_EQ(hub_.count("/resolve/"), 11u);
}

TEST_F(PullWithCdn, RefusesALocationThatIsNone) {
  location_ = "file:///etc/passwd";
  EXPECT_THAT(error_of(hub_, reference(), options_), HasSubstr("\"file:///etc/passwd\""));
}

TEST(Pull, WorksWithoutTheHubWhereItIsToldTo) {
  HubForTest hub;
  hub.files = {{"m-Q4_K_M.gguf", "x"}, {"m-Q8_0.gguf", "y"}};
  ASSERT_TRUE(pull(reference(), hub.options(), {}));
  const size_t before = hub.requests().size();
  HubOptions options = hub.options();
  options.offline = true;
  const auto cached = pull(reference(), options, {});
  ASSERT_TRUE(cached) << cached.error().message;
  EXPECT_EQ(testing::read_file(cached->path), "x");
  EXPECT_THAT(error_of(hub, reference("Q8_0"), options),
              HasSubstr("HF_HUB_OFFLINE is set, and the cache"));
  EXPECT_THAT(error_of(hub, {"org/other", "main", ""}, options), HasSubstr("does not have"));
  EXPECT_EQ(hub.requests().size(), before) << "it asked nevertheless";
}

TEST(Pull, UsesTheCacheWhereTheHubIsDown) {
  HubForTest hub;
  hub.files = {{"m-Q4_K_M.gguf", "x"}};
  ASSERT_TRUE(pull(reference(), hub.options(), {}));
  hub.instead = [](const HubRequest&, HubPeer& peer) {
    peer.answer(503, "", "");
    return true;
  };
  std::string note;
  const auto cached = pull(reference(), hub.options(),
                           {.note = [&](const std::string& text) { note += text + '\n'; }});
  ASSERT_TRUE(cached) << cached.error().message;
  EXPECT_THAT(note, HasSubstr("answered with status 503; once more in 0.0 s"));
  EXPECT_THAT(note, HasSubstr("what the cache has"));
}

TEST(Pull, SaysWhereNobodyListens) {
  HubOptions options;
  {
    const HubForTest hub;
    options = hub.options();
  }
  options.retries = 1;
  const auto pulled = pull(reference(), options, {});
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message, HasSubstr("cannot connect to 127.0.0.1"));
  EXPECT_THAT(pulled.error().message, HasSubstr("(2 tries)"));
}

// One answer to every request.
class PullRefused : public ::testing::Test {
 protected:
  std::string answered(int status, const std::string& headers, const std::string& body = "",
                       const std::string& token = "") {
    hub_.instead = [=](const HubRequest&, HubPeer& peer) {
      peer.answer(status, headers, body);
      return true;
    };
    HubOptions options = hub_.options();
    options.token = token;
    return error_of(hub_, reference(), options);
  }
  HubForTest hub_;
};

TEST_F(PullRefused, SaysHowToGetIn) {
  EXPECT_THAT(answered(401, "X-Error-Code: GatedRepo\r\n"),
              HasSubstr("is gated: its owner lets those read it who ask"));
  EXPECT_THAT(answered(401, "X-Error-Code: GatedRepo\r\n"),
              HasSubstr(hub_.url() + "/settings/tokens and set HF_TOKEN"));
  EXPECT_THAT(answered(403, "", "", "hf_x"), HasSubstr("the token in HF_TOKEN does not open it"));
  EXPECT_THAT(answered(401, ""), HasSubstr("org/model-GGUF does not exist"));
  EXPECT_THAT(answered(401, "X-Error-Message: Invalid username or password.\r\n"),
              HasSubstr("it says: Invalid username"));
}

TEST_F(PullRefused, SaysWhatIsNotThere) {
  EXPECT_THAT(answered(404, "X-Error-Code: RepoNotFound\r\n"), HasSubstr("does not exist"));
  EXPECT_THAT(answered(404, "X-Error-Code: RevisionNotFound\r\n"),
              HasSubstr("has no revision main"));
  EXPECT_THAT(answered(400, ""), HasSubstr("answered with status 400"));
  EXPECT_EQ(hub_.requests().size(), 3u) << "none of these may pass";
}

TEST_F(PullRefused, TriesAgainWhatMayPass) {
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    const size_t before = hub_.requests().size();
    EXPECT_THAT(answered(status, ""), HasSubstr("(6 tries)"));
    EXPECT_EQ(hub_.requests().size() - before, 6u) << status;
  }
}

TEST_F(PullRefused, TakesNoEndlessList) {
  EXPECT_THAT(answered(200, "", R"({"sha":)"), HasSubstr("is not JSON"));
  hub_.instead = [](const HubRequest&, HubPeer& peer) {
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 3000; ++i) peer.send(std::string(1000, ' '));
    return true;
  };
  HubOptions options = hub_.options();
  options.max_listing_bytes = 1 << 20;
  EXPECT_THAT(error_of(hub_, reference(), options), HasSubstr("more than 1048576 bytes"));
}

TEST_F(PullRefused, TakesNoAnswerThatIsNoHttp) {
  hub_.instead = [](const HubRequest&, HubPeer& peer) {
    peer.send("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    return true;
  };
  EXPECT_THAT(error_of(hub_), HasSubstr("does not answer in HTTP"));
}

TEST_F(PullRefused, WritesNothingOutsideOfItsFolder) {
  hub_.files = {{"../../evil.gguf", "x"}};
  EXPECT_THAT(error_of(hub_), HasSubstr("unsafe file name"));
  EXPECT_EQ(hub_.count("/resolve/"), 0u);
  EXPECT_TRUE(fs::is_empty(hub_.folder()));
}

TEST(Pull, NeedsAChecksum) {
  HubForTest hub;
  hub.instead = [](const HubRequest&, HubPeer& peer) {
    peer.answer(200, "",
                fmt::format(R"({{"sha":"{}","siblings":[{{"rfilename":"m.gguf","size":1}}]}})",
                            HubForTest::kCommit));
    return true;
  };
  EXPECT_THAT(error_of(hub), HasSubstr("has no checksum and size for m.gguf"));
}

TEST(Pull, LooksForRoomFirst) {
  HubForTest hub;
  hub.instead = [](const HubRequest&, HubPeer& peer) {
    peer.answer(200, "",
                fmt::format(R"({{"sha":"{}","siblings":[{{"rfilename":"m.gguf",
                                "lfs":{{"sha256":"{}","size":9000000000000000}}}}]}})",
                            HubForTest::kCommit, std::string(64, 'a')));
    return true;
  };
  EXPECT_THAT(error_of(hub), HasSubstr("9000000.00 GB are to be downloaded, but"));
  EXPECT_EQ(hub.count("/resolve/"), 0u);
}

TEST(Pull, NamesAFolderThatCannotBe) {
  HubForTest hub;
  hub.files = {{"m.gguf", "x"}};
  HubOptions options = hub.options();
  options.cache_folder = "/dev/null/cache";
  EXPECT_THAT(error_of(hub, reference(), options), HasSubstr("/dev/null/cache"));
}

}  // namespace
}  // namespace chasqui::hub
