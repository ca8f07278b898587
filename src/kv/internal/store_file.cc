#include "kv/internal/store_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>

namespace chasqui::kv {
namespace {

// In SQLite's own header fields for it ("chsq"), so that a stranger's database is known as such.
constexpr int64_t kApplicationId = 0x63687371;
constexpr int64_t kVersion = 1;

// Records lie in a table of their own: changing when one was used must not rewrite it.
constexpr const char* kTables =
    "CREATE TABLE meta (secret INTEGER NOT NULL);"
    "CREATE TABLE entries (name BLOB PRIMARY KEY, parent BLOB NOT NULL, id INTEGER NOT NULL,"
    "                      bytes INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE records (id INTEGER PRIMARY KEY, record BLOB NOT NULL);";

bool is_busy(int code) {
  const int primary = code & 0xff;
  return primary == SQLITE_BUSY || primary == SQLITE_LOCKED;
}

}  // namespace

StoreFile::StoreFile(std::string folder, int64_t capacity)
    : folder_(std::move(folder)), path_(folder_ + "/kv-cache.sqlite"), capacity_(capacity) {}

Status StoreFile::open() {
  CHASQUI_TRY_STATUS(make_folder());
  // A second time after a file that was no good; that a new one is no good either is an error.
  for (int attempt = 0;; ++attempt) {
    Found found = Found::kOther;
    int code = lock();
    if (code == SQLITE_OK) code = look(found);
    if (code == SQLITE_OK && found == Found::kNothing) {
      code = make_tables();
      found = Found::kOurs;
    }
    if (code == SQLITE_OK && found == Found::kOurs) code = read_secret();
    if (code == SQLITE_OK && found == Found::kOurs) return {};
    const bool useless = code == SQLITE_OK || sqlite::Database::means_damage(code);
    if (!useless || attempt > 0) {
      const Status refused = refusal(code);
      database_.close();
      return refused;
    }
    if (found == Found::kOld && code == SQLITE_OK) {
      remove();
    } else {
      set_aside(code == SQLITE_OK ? "it is no cache of ours" : database_.message());
    }
  }
}

Status StoreFile::begin_anew(const std::string& why) {
  set_aside(why);
  return open();
}

Status StoreFile::make_folder() const {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder_, error);
  if (made) ::chmod(folder_.c_str(), 0700);
  // Made here and not by SQLite, for its permissions; SQLite gives the journal the same. A file
  // that is there must not be opened: closing it would give up a lock that this process has on it.
  const int file = error ? -1 : ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0 && (error || errno != EEXIST)) {
    const std::string why = error ? error.message() : std::strerror(errno);
    return fail(ErrorCode::kIo, fmt::format("cannot write '{}': {}", path_, why), "cache_dir");
  }
  if (file >= 0) ::close(file);
  return {};
}

bool StoreFile::is_full() {
  int64_t pages = 0;
  return database_.query("PRAGMA page_count;", pages) == SQLITE_OK && pages >= most_pages();
}

// The lock that the first transaction takes is kept until the file is closed.
int StoreFile::lock() {
  int code = database_.open(path_);
  const std::string settings = fmt::format(
      "PRAGMA page_size={}; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA locking_mode=EXCLUSIVE;"
      "PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;",
      kPageBytes);
  if (code == SQLITE_OK) code = database_.execute(settings.c_str());
  // The first statement that reads the file, hence the one that finds it locked or foreign.
  if (code == SQLITE_OK) code = database_.execute("PRAGMA journal_mode=TRUNCATE;");
  if (code == SQLITE_OK) code = database_.execute("BEGIN EXCLUSIVE; COMMIT;");
  const std::string bound = fmt::format("PRAGMA max_page_count={};", most_pages());
  if (code == SQLITE_OK) code = database_.execute(bound.c_str());
  return code;
}

int StoreFile::look(Found& found) {
  int64_t things = 0;
  int64_t application = 0;
  int64_t version = 0;
  int64_t page_bytes = 0;
  int code = database_.query("SELECT count(*) FROM sqlite_schema;", things);
  if (code == SQLITE_OK) code = database_.query("PRAGMA application_id;", application);
  if (code == SQLITE_OK) code = database_.query("PRAGMA user_version;", version);
  if (code == SQLITE_OK) code = database_.query("PRAGMA page_size;", page_bytes);
  if (code != SQLITE_OK) return code;
  if (things == 0 && application == 0 && page_bytes == kPageBytes) {
    found = Found::kNothing;
  } else if (application != kApplicationId) {
    found = Found::kOther;
  } else {
    found = version == kVersion && page_bytes == kPageBytes ? Found::kOurs : Found::kOld;
  }
  return SQLITE_OK;
}

int StoreFile::make_tables() {
  std::random_device entropy;
  // SQLite's integers have a sign, and all 64 bits survive the way there and back.
  const auto secret = static_cast<int64_t>((static_cast<uint64_t>(entropy()) << 32) | entropy());
  const std::string sql = fmt::format(
      "BEGIN; {} INSERT INTO meta VALUES ({}); PRAGMA application_id={}; PRAGMA user_version={};"
      "COMMIT;",
      kTables, secret, kApplicationId, kVersion);
  return database_.execute(sql.c_str());
}

int StoreFile::read_secret() {
  sqlite::Statement statement = database_.prepare("SELECT secret FROM meta LIMIT 1;");
  const int code = statement.step();
  if (code == SQLITE_DONE) return SQLITE_CORRUPT;
  if (code != SQLITE_ROW) return code;
  secret_ = static_cast<uint64_t>(statement.integer(0));
  return SQLITE_OK;
}

void StoreFile::set_aside(const std::string& why) {
  database_.close();
  const std::string target = path_ + ".set-aside";
  spdlog::warn("cache tier: '{}' cannot be used ({}); it is now '{}', and a new one is begun",
               path_, why, target);
  std::error_code error;
  std::filesystem::remove(path_ + "-journal", error);
  std::filesystem::rename(path_, target, error);
  if (error) remove();
}

void StoreFile::remove() {
  database_.close();
  std::error_code error;
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) {
    std::filesystem::remove(path_ + suffix, error);
  }
}

Status StoreFile::refusal(int code) const {
  if (is_busy(code)) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("'{}' is in use by another server or model; give each a cache_dir of "
                            "its own",
                            folder_),
                "cache_dir");
  }
  return fail(ErrorCode::kIo, fmt::format("'{}': {}", path_, database_.message()), "cache_dir");
}

}  // namespace chasqui::kv
