// SQLite, as much of it as DiskStore needs: handles that close themselves, and result codes as they
// are. One thread at a time.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace chasqui::kv::sqlite {

// A prepared statement that is reset and used again. Null where preparing failed.
class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* database, std::string_view sql);

  bool ready() const { return statement_ != nullptr; }
  Statement& bind(int index, int64_t value);
  // The bytes must stay until run() or the reset.
  Statement& bind(int index, std::span<const std::byte> blob);

  int step();  // SQLITE_ROW, SQLITE_DONE or an error
  int run();   // one step and a reset: SQLITE_DONE or an error
  void reset();

  int64_t integer(int column) const;
  std::span<const std::byte> blob(int column) const;  // until the next step

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  // Opens or makes the file. An error code leaves it closed.
  int open(const std::string& path);
  void close() { handle_.reset(); }
  bool is_open() const { return handle_ != nullptr; }

  int execute(const char* sql);
  Statement prepare(std::string_view sql) { return {handle_.get(), sql}; }
  // The first column of the first row, 0 when there is none.
  int query(const char* sql, int64_t& value);
  // Reads a whole value of `to`'s size; SQLITE_MISMATCH when it has another.
  int read_blob(const char* table, const char* column, int64_t rowid, std::span<std::byte> to);

  std::string message() const;  // of the last error
  // It is about the file, and making it anew may help.
  static bool means_damage(int code);

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace chasqui::kv::sqlite
