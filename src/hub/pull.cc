#include "hub/pull.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "hub/choose.h"
#include "hub/internal/cache.h"
#include "hub/internal/download.h"
#include "hub/internal/fetch.h"
#include "hub/internal/listing.h"

namespace chasqui::hub {
namespace {

// Of the disk, left to others.
constexpr uint64_t kSpareBytes = 64 << 20;

double gigabytes(uint64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

uint64_t size_of(const std::string& path) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

// What the cache knows of the model, without asking anybody. kNotFound: nothing that will do.
Result<PulledModel> find_in_cache(const ModelReference& reference, const CacheRepo& cache) {
  const auto commit = cache.commit_of(reference.revision);
  if (!commit) return fail(ErrorCode::kNotFound, "");
  const std::vector<std::string> there = cache.files_of(*commit);
  CHASQUI_TRY(std::vector<std::string> files, choose_files(there, reference.file, reference.repo));
  PulledModel model;
  model.path = cache.snapshot(*commit, files.front());
  model.commit = *commit;
  for (const std::string& file : files) model.bytes += size_of(cache.snapshot(*commit, file));
  model.files = std::move(files);
  return model;
}

// One segment of a URL: the slash of refs/pr/1 must not end it.
std::string encode_revision(std::string_view revision) {
  std::string out;
  for (const char c : revision) out += c == '/' ? "%2F" : encode_path(std::string_view(&c, 1));
  return out;
}

Result<Listing> ask_hub(const Session& session) {
  Retry retry(session.options, session.stop, session.note);
  const FetchRequest request{fmt::format("/api/models/{}/revision/{}?blobs=true", session.repo,
                                         encode_revision(session.revision)),
                             {}};
  for (;;) {
    const auto text = fetch_text(session, request, session.options.max_listing_bytes);
    if (text) return parse_listing(*text, session.repo);
    CHASQUI_TRY_STATUS(retry.pause(text.error()));
  }
}

// The entries of `names`, each with a checksum.
Result<std::vector<RemoteFile>> entries_of(const Listing& listing,
                                           const std::vector<std::string>& names,
                                           const std::string& repo) {
  std::map<std::string_view, const RemoteFile*> by_path;
  for (const RemoteFile& file : listing.files) by_path.emplace(file.path, &file);
  std::vector<RemoteFile> files;
  for (const std::string& name : names) {
    const RemoteFile* it = by_path.at(name);
    if (it->etag.empty()) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("the hub's list of the files of {} has no checksum and size for "
                              "{}, so it could not be checked",
                              repo, name));
    }
    files.push_back(*it);
  }
  return files;
}

// Bytes still to come.
uint64_t missing_bytes(const CacheRepo& cache, const RemoteFile& file) {
  if (size_of(cache.blob(file.etag)) == file.size) return 0;
  const uint64_t partial = size_of(cache.partial(file.etag));
  return partial > file.size ? file.size : file.size - partial;
}

constexpr size_t kCommitDigits = 40;

Status check_space(const std::string& folder, uint64_t wanted) {
  struct statvfs facts = {};
  if (wanted == 0 || ::statvfs(folder.c_str(), &facts) != 0) return {};
  const uint64_t free = static_cast<uint64_t>(facts.f_bavail) * facts.f_frsize;
  if (free > kSpareBytes && free - kSpareBytes >= wanted) return {};
  return fail(ErrorCode::kIo,
              fmt::format("{:.2f} GB are to be downloaded, but {} has {:.2f} GB left; free some, "
                          "choose a smaller quantisation, or set HF_HUB_CACHE",
                          gigabytes(wanted), folder, gigabytes(free)));
}

Result<PulledModel> download_all(const Session& session, const CacheRepo& cache,
                                 const std::string& commit, const std::vector<RemoteFile>& files,
                                 const PullHooks& hooks) {
  PulledModel model;
  model.commit = commit;
  CHASQUI_TRY_STATUS(cache.prepare());
  for (const RemoteFile& file : files) {
    model.bytes += file.size;
    model.downloaded += missing_bytes(cache, file);
    model.files.push_back(file.path);
  }
  CHASQUI_TRY_STATUS(check_space(cache.folder(), model.downloaded));
  if (hooks.note && model.downloaded > 0) {
    hooks.note(fmt::format("downloading {} of {} ({:.2f} GB)", fmt::join(model.files, ", "),
                           session.repo, gigabytes(model.downloaded)));
  }
  uint64_t done = 0;
  for (const RemoteFile& file : files) {
    const DownloadHooks of_file{
        [&](uint64_t bytes) {
          if (hooks.progress && model.bytes > 0) {
            hooks.progress(static_cast<double>(done + bytes) / static_cast<double>(model.bytes));
          }
        },
        hooks.note};
    CHASQUI_TRY_STATUS(download(session, cache, commit, file, of_file));
    CHASQUI_TRY_STATUS(cache.link(commit, file.path, file.etag));
    done += file.size;
  }
  CHASQUI_TRY_STATUS(cache.remember(session.revision, commit));
  model.path = cache.snapshot(commit, files.front().path);
  return model;
}

Result<PulledModel> pull_online(const ModelReference& reference, const Session& session,
                                const CacheRepo& cache, const PullHooks& hooks) {
  CHASQUI_TRY(const Listing listing, ask_hub(session));
  if (is_hex(session.revision, kCommitDigits) && listing.commit != session.revision) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("asked for commit {} of {}, the hub answers with {}", session.revision,
                            reference.repo, listing.commit));
  }
  std::vector<std::string> names;
  for (const RemoteFile& file : listing.files) names.push_back(file.path);
  CHASQUI_TRY(const auto chosen, choose_files(names, reference.file, reference.repo));
  CHASQUI_TRY(const auto files, entries_of(listing, chosen, reference.repo));
  return download_all(session, cache, listing.commit, files, hooks);
}

Result<PulledModel> pull_offline(const ModelReference& reference, const HubOptions& options,
                                 Result<PulledModel> cached) {
  if (cached || cached.error().code != ErrorCode::kNotFound) return cached;
  const std::string& why = cached.error().message;
  return fail(ErrorCode::kNotFound,
              fmt::format("HF_HUB_OFFLINE is set, and the cache in {} does not have {} (revision "
                          "{}){}{}; unset it to download",
                          options.cache_folder, reference.repo, reference.revision,
                          why.empty() ? "" : ": ", why));
}

}  // namespace

Result<PulledModel> pull(const ModelReference& reference, const HubOptions& options,
                         const PullHooks& hooks) {
  CHASQUI_TRY_STATUS(check_repo(reference.repo));
  CHASQUI_TRY_STATUS(check_revision(reference.revision));
  const CacheRepo cache(options.cache_folder, reference.repo);
  Result<PulledModel> cached = find_in_cache(reference, cache);
  if (options.offline) return pull_offline(reference, options, std::move(cached));
  HubOptions patience = options;
  if (cached) patience.retries = std::min(options.retries, 1);  // there is a way out
  const Session session{patience, hooks.stop, reference.repo, reference.revision, hooks.note};
  auto pulled = pull_online(reference, session, cache, hooks);
  const bool unreachable = !pulled && pulled.error().code == ErrorCode::kResourceExhausted;
  if (!unreachable || !cached) return pulled;
  if (hooks.note) {
    hooks.note(fmt::format("{}; what the cache has of {} is used", pulled.error().message,
                           reference.repo));
  }
  return cached;
}

}  // namespace chasqui::hub
