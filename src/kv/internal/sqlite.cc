#include "kv/internal/sqlite.h"

namespace chasqui::kv::sqlite {

Statement::Statement(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                     &statement, nullptr);
  statement_.reset(statement);
}

Statement& Statement::bind(int index, int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
  return *this;
}

Statement& Statement::bind(int index, std::span<const std::byte> blob) {
  sqlite3_bind_blob64(statement_.get(), index, blob.data(), blob.size(), SQLITE_STATIC);
  return *this;
}

int Statement::step() {
  return ready() ? sqlite3_step(statement_.get()) : SQLITE_CORRUPT;
}

int Statement::run() {
  const int code = step();
  reset();
  return code;
}

void Statement::reset() {
  if (!ready()) return;
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::span<const std::byte> Statement::blob(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  const int bytes = sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr ? std::span<const std::byte>()
                         : std::span(data, static_cast<size_t>(bytes));
}

int Database::open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) {
    close();
    return code;
  }
  // The file may be anybody's: nothing in its schema is to be carried out.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  return SQLITE_OK;
}

int Database::execute(const char* sql) {
  return sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
}

int Database::query(const char* sql, int64_t& value) {
  Statement statement = prepare(sql);
  value = 0;
  if (!statement.ready()) return sqlite3_errcode(handle_.get());
  const int code = statement.step();
  if (code == SQLITE_ROW) value = statement.integer(0);
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int Database::read_blob(const char* table, const char* column, int64_t rowid,
                        std::span<std::byte> to) {
  sqlite3_blob* blob = nullptr;
  int code = sqlite3_blob_open(handle_.get(), "main", table, column, rowid, 0, &blob);
  if (code == SQLITE_OK) {
    const bool fits = static_cast<size_t>(sqlite3_blob_bytes(blob)) == to.size();
    code =
        fits ? sqlite3_blob_read(blob, to.data(), static_cast<int>(to.size()), 0) : SQLITE_MISMATCH;
  }
  sqlite3_blob_close(blob);
  return code;
}

std::string Database::message() const {
  return handle_ ? sqlite3_errmsg(handle_.get()) : "the file cannot be opened";
}

bool Database::means_damage(int code) {
  switch (code & 0xff) {  // the rest tells kinds of it apart
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_READONLY:  // a mark in the file's header can say so
    case SQLITE_ERROR:     // a table or column that should be there is not
      return true;
    default:
      return false;
  }
}

}  // namespace chasqui::kv::sqlite
