#include "hub/internal/download.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>

#include "hub/internal/digest.h"
#include "hub/internal/file_lock.h"
#include "hub/internal/partial_file.h"

namespace chasqui::hub {
namespace {

// A try that brought so much was worth it, however it ended: the number of tries is bounded by the
// size of the file.
constexpr uint64_t kProgressBytes = 1 << 20;

struct Range {
  uint64_t first = 0;
  std::optional<uint64_t> total;
};

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "bytes 100-199/200" or "bytes 100-199/*".
std::optional<Range> parse_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  const size_t dash = text.find('-');
  const size_t slash = text.find('/');
  if (!text.starts_with(kUnit) || dash == text.npos || slash == text.npos || slash < dash) {
    return std::nullopt;
  }
  const auto first = number(text.substr(kUnit.size(), dash - kUnit.size()));
  if (!first) return std::nullopt;
  return Range{*first, number(text.substr(slash + 1))};
}

class Download : public BodySink {
 public:
  Download(const Session& session, const RemoteFile& file, const DownloadHooks& hooks,
           PartialFile partial)
      : session_(session),
        file_(file),
        hooks_(hooks),
        partial_(std::move(partial)),
        digest_(file.etag, file.size) {}

  Status run(const std::string& commit, const std::string& blob);

  Fetched<bool> begin(const HttpHead& head) override;
  Fetched<void> take(std::span<const std::byte> bytes) override;

 private:
  Status take_up_old_bytes();
  Status restart();
  Status fetch_rest(const std::string& commit);
  Fetched<void> fetch_once(const std::string& commit);
  Failure other_size(uint64_t size) const;
  void show() const {
    if (hooks_.progress) hooks_.progress(partial_.size());
  }

  const Session& session_;
  const RemoteFile& file_;
  const DownloadHooks& hooks_;
  PartialFile partial_;
  Digest digest_;  // of exactly the bytes in partial_
};

Status Download::restart() {
  digest_ = Digest(file_.etag, file_.size);
  return partial_.clear();
}

Status Download::take_up_old_bytes() {
  if (partial_.size() > file_.size) return restart();
  return partial_.read([this](std::span<const std::byte> bytes) -> Status {
    if (session_.stop && session_.stop()) return wait_unless_stopped({}, session_.stop);
    digest_.update(bytes);
    return {};
  });
}

Failure Download::other_size(uint64_t size) const {
  return {Error{ErrorCode::kCorrupt,
                fmt::format("{} has {} bytes, but the hub's list says {}", file_.path, size,
                            file_.size),
                ""},
          false,
          {}};
}

Fetched<bool> Download::begin(const HttpHead& head) {
  if (head.status == 206) {
    const auto range = parse_range(head.field("Content-Range"));
    if (!range || range->first != partial_.size()) {
      return lasting({ErrorCode::kCorrupt,
                      fmt::format("asked for {} from byte {} on, the hub sends \"{}\"", file_.path,
                                  partial_.size(), head.field("Content-Range")),
                      ""});
    }
    if (range->total.value_or(file_.size) != file_.size) {
      return tl::unexpected<Failure>(other_size(*range->total));
    }
    return true;
  }
  // The whole file, whatever was asked for; or nothing from there on.
  if (partial_.size() > 0) {
    if (auto cleared = restart(); !cleared) return lasting(cleared.error());
  }
  if (head.status == 416) return passing("the hub cannot continue " + file_.path);
  if (head.length.value_or(file_.size) != file_.size) {
    return tl::unexpected<Failure>(other_size(*head.length));
  }
  return true;
}

Fetched<void> Download::take(std::span<const std::byte> bytes) {
  if (bytes.size() > file_.size - partial_.size()) {
    return tl::unexpected<Failure>(other_size(partial_.size() + bytes.size()));
  }
  if (auto written = partial_.append(bytes); !written) return lasting(written.error());
  digest_.update(bytes);
  show();
  return {};
}

Fetched<void> Download::fetch_once(const std::string& commit) {
  FetchRequest request{
      fmt::format("/{}/resolve/{}/{}", session_.repo, commit, encode_path(file_.path)), {}};
  if (partial_.size() > 0) {
    request.headers.emplace_back("Range", fmt::format("bytes={}-", partial_.size()));
  }
  const auto head = fetch(session_, request, *this);
  if (!head) return tl::unexpected<Failure>(head.error());
  if (partial_.size() == file_.size) return {};
  return passing(
      fmt::format("{} ended after {} of {} bytes", file_.path, partial_.size(), file_.size));
}

Status Download::fetch_rest(const std::string& commit) {
  Retry retry(session_.options, session_.stop, session_.note);
  while (partial_.size() < file_.size) {
    const uint64_t before = partial_.size();
    const auto fetched = fetch_once(commit);
    if (fetched) break;
    if (partial_.size() >= before + kProgressBytes) retry.progressed();
    CHASQUI_TRY_STATUS(retry.pause(fetched.error()));
  }
  return {};
}

Status Download::run(const std::string& commit, const std::string& blob) {
  bool has_old_bytes = partial_.size() > 0;
  CHASQUI_TRY_STATUS(take_up_old_bytes());
  for (;;) {
    show();
    CHASQUI_TRY_STATUS(fetch_rest(commit));
    const std::string found = digest_.finish();
    if (found == file_.etag) return partial_.publish(blob);
    if (!has_old_bytes) {
      partial_.remove();
      return fail(ErrorCode::kCorrupt,
                  fmt::format("{} was damaged on its way: its checksum is {}, the hub says {}; it "
                              "was removed, try again",
                              file_.path, found, file_.etag));
    }
    // Whoever left the beginning may have left something else.
    has_old_bytes = false;
    if (hooks_.note) {
      hooks_.note(file_.path +
                  " does not fit what was left of an earlier download; once more "
                  "from its beginning");
    }
    CHASQUI_TRY_STATUS(restart());
  }
}

bool has_blob(const CacheRepo& cache, const RemoteFile& file) {
  std::error_code error;
  return std::filesystem::file_size(cache.blob(file.etag), error) == file.size && !error;
}

}  // namespace

Status download(const Session& session, const CacheRepo& cache, const std::string& commit,
                const RemoteFile& file, const DownloadHooks& hooks) {
  if (has_blob(cache, file)) return {};
  const auto on_wait = [&] {
    if (hooks.note) hooks.note("another process downloads " + file.path + "; waiting for it");
  };
  CHASQUI_TRY(const FileLock lock, FileLock::acquire(cache.lock(file.etag), session.stop, on_wait));
  if (has_blob(cache, file)) return {};  // the other one has done it
  CHASQUI_TRY(PartialFile partial, PartialFile::open(cache.partial(file.etag)));
  Download one(session, file, hooks, std::move(partial));
  return one.run(commit, cache.blob(file.etag));
}

}  // namespace chasqui::hub
