// The file under a DiskStore: opened and locked for one owner, made anew where it is no good. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "kv/internal/sqlite.h"

namespace chasqui::kv {

class StoreFile {
 public:
  // A page's size decides how many reads a record takes, and what is lost at its end.
  static constexpr int64_t kPageBytes = 16384;

  // `capacity`: bytes of pages that records may fill.
  StoreFile(std::string folder, int64_t capacity);

  // Opens, locks, and makes a new file where there is none or none that is ours. Errors as
  // open_disk_store().
  Status open();
  // Sets the present file aside because of `why`, and opens a new one.
  Status begin_anew(const std::string& why);

  // Whether SQLite may not make the file larger: then records must be there that no entry names.
  bool is_full();

  sqlite::Database& database() { return database_; }
  const std::string& path() const { return path_; }
  uint64_t secret() const { return secret_; }

 private:
  enum class Found { kOurs, kNothing, kOther, kOld };

  // With room for SQLite's own: a 16th, and what an empty file takes.
  int64_t most_pages() const { return (capacity_ + capacity_ / 16) / kPageBytes + 32; }
  Status make_folder() const;
  int lock();
  int look(Found& found);
  int make_tables();
  int read_secret();
  void set_aside(const std::string& why);
  void remove();
  Status refusal(int code) const;

  // Constant after construction.
  const std::string folder_;
  const std::string path_;
  const int64_t capacity_;

  sqlite::Database database_;
  uint64_t secret_ = 0;
};

}  // namespace chasqui::kv
