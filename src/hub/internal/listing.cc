#include "hub/internal/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "hub/reference.h"

namespace chasqui::hub {
namespace {

namespace json = boost::json;

constexpr size_t kSha1Digits = 40;
constexpr size_t kSha256Digits = 64;

tl::unexpected<Error> corrupt(std::string_view repo, std::string_view what) {
  return fail(ErrorCode::kCorrupt, fmt::format("the hub's list of the files of {} {}", repo, what));
}

std::string_view text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

std::optional<uint64_t> size_of(const json::object& object) {
  const json::value* value = object.if_contains("size");
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return std::nullopt;
  return static_cast<uint64_t>(value->get_int64());
}

// Large files have their hash in "lfs"; "oid" is what the other listing of the hub calls it.
void read_identity(const json::object& entry, RemoteFile& file) {
  const auto size = size_of(entry);
  file.size = size.value_or(0);
  const json::value* lfs = entry.if_contains("lfs");
  if (lfs != nullptr && lfs->is_object()) {
    const json::object& large = lfs->get_object();
    std::string_view hash = text_of(large, "sha256");
    if (hash.empty()) hash = text_of(large, "oid");
    if (is_hex(hash, kSha256Digits)) file.etag = hash;
    file.size = size_of(large).value_or(file.size);
    if (!size && !size_of(large)) file.etag.clear();  // without a size nothing can be checked
    return;
  }
  const std::string_view blob = text_of(entry, "blobId");
  if (size && is_hex(blob, kSha1Digits)) file.etag = blob;
}

}  // namespace

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<Listing> parse_listing(std::string_view text, std::string_view repo) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  if (error) return corrupt(repo, "is not JSON: " + error.message());
  if (!document.is_object()) return corrupt(repo, "is no JSON object");
  Listing listing;
  listing.commit = text_of(document.get_object(), "sha");
  if (!is_hex(listing.commit, kSha1Digits)) return corrupt(repo, "names no commit (\"sha\")");
  const json::value* siblings = document.get_object().if_contains("siblings");
  if (siblings == nullptr || !siblings->is_array()) return corrupt(repo, "has no \"siblings\"");
  for (const json::value& item : siblings->get_array()) {
    if (!item.is_object()) return corrupt(repo, "has an entry that is no object");
    RemoteFile file;
    file.path = text_of(item.get_object(), "rfilename");
    // Nothing of a repository that tries this is to be had.
    if (!is_safe_path(file.path)) {
      return corrupt(repo, fmt::format("has the unsafe file name {}; nothing was downloaded",
                                       json::serialize(json::string(file.path))));
    }
    read_identity(item.get_object(), file);
    listing.files.push_back(std::move(file));
  }
  return listing;
}

}  // namespace chasqui::hub
