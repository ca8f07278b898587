// The small parts: references, URLs, settings from the environment, lists of files.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "base/rng.h"
#include "hub/hub_options.h"
#include "hub/internal/hub_for_test.h"
#include "hub/internal/listing.h"
#include "hub/internal/url.h"
#include "hub/reference.h"

namespace chasqui::hub {
namespace {

using ::testing::HasSubstr;

TEST(Reference, IsRead) {
  const auto plain = parse_reference("org/name");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->repo, "org/name");
  EXPECT_EQ(plain->revision, "main");
  EXPECT_EQ(plain->file, "");
  const auto full = parse_reference("org/na.me_1@refs/pr/3:UD-Q4_K_XL");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->repo, "org/na.me_1");
  EXPECT_EQ(full->revision, "refs/pr/3");
  EXPECT_EQ(full->file, "UD-Q4_K_XL");
  EXPECT_EQ(parse_reference("gpt2")->repo, "gpt2");
  EXPECT_EQ(parse_reference("o/n:sub/x.gguf")->file, "sub/x.gguf");
}

TEST(Reference, IsRefusedWhereItCouldLeaveItsFolder) {
  for (const char* text : {"",       "/",    "a/",   "/b",       "a/b/c",   "../b",   "a/..",
                           "a--b/c", "-a/b", "a/b.", "a b/c",    "a/b\n",   "a/b?x",  "a/b#x",
                           "a\\b",   "a/b:", "a/b@", "a/b@../x", "a/b@x y", "a/b@/x", "a/b@x?y"}) {
    EXPECT_FALSE(parse_reference(text)) << text;
  }
  EXPECT_FALSE(parse_reference("a/" + std::string(97, 'x')));
  EXPECT_FALSE(parse_reference("https://hub.example/org/name"));
}

TEST(SafePath, KeepsInsideItsFolder) {
  for (const char* good : {"a", "a.gguf", "a/b/c.gguf", "...", "a..b", "ünï", "a b"}) {
    EXPECT_TRUE(is_safe_path(good)) << good;
  }
  for (const char* bad : {"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..",
                          "a\\b", "a\nb", "a\x7f", "a\x1b[2J"}) {
    EXPECT_FALSE(is_safe_path(bad)) << bad;
  }
  EXPECT_FALSE(is_safe_path(std::string("a\0b", 3)));
  EXPECT_FALSE(is_safe_path(std::string(256, 'a')));
}

// The property itself, over random pieces: what is called safe does not leave the folder.
TEST(SafePath, HoldsForRandomPaths) {
  Rng rng(3);
  const std::vector<std::string> pieces = {"/", ".", "..", "a", "\\", "b.gguf", "//", "\t"};
  for (int i = 0; i < 20000; ++i) {
    std::string path;
    for (uint64_t n = rng.below(7); n > 0; --n) path += pieces[rng.below(pieces.size())];
    if (!is_safe_path(path)) continue;
    const std::filesystem::path whole = std::filesystem::path("/cache") / path;
    EXPECT_EQ(whole.lexically_normal(), whole) << path;
    EXPECT_TRUE(whole.string().starts_with("/cache/")) << path;
  }
}

TEST(Url, IsRead) {
  const auto url = parse_url("https://Hub.example:8443/a/b?c=d#e");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "hub.example");
  EXPECT_EQ(url->port, "8443");
  EXPECT_EQ(url->target, "/a/b?c=d");
  EXPECT_EQ(url->text(), "https://hub.example:8443/a/b?c=d");
  EXPECT_EQ(parse_url("http://[::1]:80")->text(), "http://[::1]/");
  EXPECT_EQ(parse_url("https://h?x")->target, "/?x");
  for (const char* bad : {"", "ftp://h/", "https://", "https:///x", "https://a b/", "//h/x",
                          "https://user@h/", "https://h:x/", "https://h:123456/", "https://[::1",
                          "https://h/a b", "https://h/\r\nX: y", "javascript:alert(1)"}) {
    EXPECT_FALSE(parse_url(bad)) << bad;
  }
}

TEST(Url, FollowsLocations) {
  const Url base = *parse_url("https://hub.example/a/b");
  EXPECT_EQ(resolve_location(base, "/c?d")->text(), "https://hub.example/c?d");
  EXPECT_EQ(resolve_location(base, "//cdn.example/x")->text(), "https://cdn.example/x");
  EXPECT_EQ(resolve_location(base, "http://o/x")->text(), "http://o/x");
  EXPECT_FALSE(resolve_location(base, "x/y"));
  EXPECT_FALSE(resolve_location(base, ""));
  EXPECT_FALSE(resolve_location(base, "/a\r\nb"));
}

TEST(Url, KnowsTheSameServer) {
  const Url one = *parse_url("https://hub.example/a");
  EXPECT_TRUE(one.same_server(*parse_url("https://HUB.example:443/b")));
  EXPECT_FALSE(one.same_server(*parse_url("http://hub.example:443/")));
  EXPECT_FALSE(one.same_server(*parse_url("https://hub.example.evil/")));
  EXPECT_FALSE(one.same_server(*parse_url("https://hub.example:8443/")));
}

TEST(Url, EncodesPaths) {
  EXPECT_EQ(encode_path("a b/ü#?%.gguf"), "a%20b/%C3%BC%23%3F%25.gguf");
}

Environment environment(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto it = values.find(name);
    return it == values.end() ? std::nullopt : std::optional(it->second);
  };
}

TEST(HubOptions, FindTheCacheAsTheHubsToolsDo) {
  const std::pair<std::map<std::string, std::string>, const char*> cases[] = {
      {{{"HOME", "/h"}}, "/h/.cache/huggingface/hub"},
      {{{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}}, "/x/huggingface/hub"},
      {{{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "/f"}}, "/f/hub"},
      {{{"HOME", "/h"}, {"HF_HOME", "~/f"}}, "/h/f/hub"},
      {{{"HF_HOME", "/f"}, {"HUGGINGFACE_HUB_CACHE", "/old"}}, "/old"},
      {{{"HUGGINGFACE_HUB_CACHE", "/old"}, {"HF_HUB_CACHE", "/new"}}, "/new"},
  };
  for (const auto& [values, expected] : cases) {
    const auto options = options_from_environment(environment(values));
    ASSERT_TRUE(options) << options.error().message;
    EXPECT_EQ(options->cache_folder, expected);
    EXPECT_EQ(options->endpoint, "https://huggingface.co");
    EXPECT_FALSE(options->offline);
  }
  EXPECT_FALSE(options_from_environment(environment({})));
}

TEST(HubOptions, TakeEndpointAndOfflineMode) {
  const auto options = options_from_environment(environment(
      {{"HOME", "/h"}, {"HF_ENDPOINT", "http://mirror.example/hf/"}, {"HF_HUB_OFFLINE", "yes"}}));
  ASSERT_TRUE(options);
  EXPECT_EQ(options->endpoint, "http://mirror.example/hf");
  EXPECT_TRUE(options->offline);
  const auto wrong =
      options_from_environment(environment({{"HOME", "/h"}, {"HF_ENDPOINT", "mirror.example"}}));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().param, "HF_ENDPOINT");
}

TEST(HubOptions, TakeTheToken) {
  const testing::HubForTest place;
  const std::string home = place.folder().string();
  std::ofstream(home + "/token") << "hf_file\n";
  const auto token = [](std::map<std::string, std::string> values) {
    const auto options = options_from_environment(environment(std::move(values)));
    return options ? options->token : options.error().message;
  };
  EXPECT_EQ(token({{"HF_HOME", home}}), "hf_file");
  EXPECT_EQ(token({{"HF_HOME", home}, {"HUGGING_FACE_HUB_TOKEN", "hf_old"}}), "hf_old");
  EXPECT_EQ(
      token({{"HF_HOME", home}, {"HUGGING_FACE_HUB_TOKEN", "hf_old"}, {"HF_TOKEN", " hf_a "}}),
      "hf_a");
  EXPECT_EQ(token({{"HF_HOME", "/nowhere"}, {"HF_TOKEN_PATH", home + "/token"}}), "hf_file");
  EXPECT_EQ(token({{"HF_HOME", "/nowhere"}}), "");
  EXPECT_THAT(token({{"HF_HOME", home}, {"HF_TOKEN", "a\r\nX-Evil: b"}}),
              HasSubstr("HF_TOKEN is no token"));
}

constexpr const char* kSha = "0123456789abcdef0123456789abcdef01234567";
const std::string kSha256(64, 'a');

std::string listing_with(const std::string& siblings) {
  return fmt::format(R"({{"sha":"{}","siblings":{}}})", kSha, siblings);
}

TEST(Listing, IsRead) {
  const auto listing = parse_listing(listing_with(fmt::format(
                                         R"([{{"rfilename":"README.md","size":5,"blobId":"{0}"}},
              {{"rfilename":"a/b.gguf","size":99,"blobId":"{0}",
                "lfs":{{"sha256":"{1}","size":7000000000,"pointerSize":130}}}},
              {{"rfilename":"c.gguf","lfs":{{"oid":"{1}","size":1}}}},
              {{"rfilename":"bare"}}])",
                                         kSha, kSha256)),
                                     "o/n");
  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_EQ(listing->commit, kSha);
  ASSERT_EQ(listing->files.size(), 4u);
  EXPECT_EQ(listing->files[0].etag, kSha);
  EXPECT_EQ(listing->files[1].etag, kSha256);
  EXPECT_EQ(listing->files[1].size, 7'000'000'000u);
  EXPECT_EQ(listing->files[2].etag, kSha256);
  EXPECT_EQ(listing->files[3].etag, "");
}

TEST(Listing, IsRefusedWhereItIsNone) {
  for (const std::string& text : std::vector<std::string>{
           "", "{", "[]", "null", R"({"siblings":[]})", R"({"sha":"main","siblings":[]})",
           R"({"sha":"../../x","siblings":[]})", fmt::format(R"({{"sha":"{}"}})", kSha),
           listing_with("{}"), listing_with("[1]"), listing_with(R"([{"rfilename":7}])"),
           std::string(100000, '[')}) {
    const auto listing = parse_listing(text, "o/n");
    ASSERT_FALSE(listing) << text;
    EXPECT_EQ(listing.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(listing.error().message, HasSubstr("files of o/n"));
  }
}

TEST(Listing, IsRefusedWithUnsafeNames) {
  for (const char* name : {"../x.gguf", "/etc/x.gguf", "a/../../x.gguf", "a\\\\b.gguf",
                           "x\\u001b[2J.gguf", "x\\u0000.gguf", "x\\n.gguf", ""}) {
    const auto listing =
        parse_listing(listing_with(fmt::format(R"([{{"rfilename":"{}"}}])", name)), "o/n");
    ASSERT_FALSE(listing) << name;
    EXPECT_THAT(listing.error().message, HasSubstr("unsafe file name"));
  }
}

// An etag becomes a file name as well.
TEST(Listing, TakesNoEtagThatIsNoHash) {
  const auto listing = parse_listing(
      listing_with(R"([{"rfilename":"a.gguf","blobId":"../../evil","lfs":{"sha256":"../x"}}])"),
      "o/n");
  ASSERT_TRUE(listing);
  EXPECT_EQ(listing->files[0].etag, "");
}

TEST(Listing, SurvivesDamage) {
  const std::string good = listing_with(
      fmt::format(R"([{{"rfilename":"a.gguf","size":5,"lfs":{{"sha256":"{}"}}}}])", kSha256));
  Rng rng(11);
  for (int i = 0; i < 20000; ++i) {
    std::string text = good;
    for (uint64_t n = 1 + rng.below(3); n > 0; --n) {
      text[rng.below(text.size())] = static_cast<char>(rng.below(256));
    }
    text.resize(rng.below(4) == 0 ? rng.below(text.size()) : text.size());
    const auto listing = parse_listing(text, "o/n");
    if (!listing) continue;
    EXPECT_TRUE(is_hex(listing->commit, 40));
    for (const RemoteFile& file : listing->files) EXPECT_TRUE(is_safe_path(file.path));
  }
}

TEST(Digest, KnowsPublishedValues) {
  EXPECT_EQ(testing::sha256("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // `printf hello | git hash-object --stdin`
  EXPECT_EQ(testing::git_sha1("hello"), "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0");
}

}  // namespace
}  // namespace chasqui::hub
