#include "kv/disk_store.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "kv/internal/sqlite.h"
#include "kv/internal/store_file.h"
#include "kv/internal/store_index.h"

namespace chasqui::kv {
namespace {

// Its line in two tables.
constexpr int64_t kOverhead = 160;

// Puts are written in transactions of at most so many bytes; the next settle() ends one, too.
constexpr int64_t kTransactionBytes = 32 << 20;

std::span<const std::byte> blob_of(const Hash128& name) {
  return std::as_bytes(std::span(&name, 1));
}

class DiskStore final : public BlockStore {
 public:
  DiskStore(std::string folder, int64_t capacity)
      : file_(std::move(folder), capacity), index_(capacity, kOverhead, StoreFile::kPageBytes) {}
  ~DiskStore() override { settle(); }

  Status open() {
    CHASQUI_TRY_STATUS(file_.open());
    secret_ = file_.secret();
    return begin();
  }

  std::string describe() const override { return file_.path(); }
  uint64_t secret() const override { return secret_; }
  bool contains(const Hash128& name) const override { return index_.contains(name); }
  StoreStats stats() const override { return index_.stats(); }

  bool get(const Hash128& name, std::span<std::byte> record) override {
    const std::optional<StoreIndex::Entry> entry = index_.find(name);
    if (!entry || entry->bytes != static_cast<int64_t>(record.size())) return false;
    const int code = file_.database().read_blob("records", "record", entry->id, record);
    if (code == SQLITE_OK) {
      index_.touch(name);
      touched_.push_back(name);
      return true;
    }
    if (is_missing(code)) {
      forget(name);
    } else {
      give_up(code);
    }
    return false;
  }

  bool put(const Hash128& name, const Hash128& parent, std::span<const std::byte> record) override {
    const auto bytes = static_cast<int64_t>(record.size());
    if (index_.touch(parent) != 0) touched_.push_back(parent);
    if (!works_ || index_.contains(name) || !begin_transaction() ||
        !make_room(index_.charge(bytes), parent)) {
      return false;
    }
    const int64_t id = ++last_id_;
    if (!index_.insert(name, {parent, bytes, id, 0})) return false;
    const auto used = static_cast<int64_t>(index_.find(name)->used);
    int code = insert_record_.bind(1, id).bind(2, record).run();
    if (code == SQLITE_DONE) {
      code = insert_entry_.bind(1, blob_of(name))
                 .bind(2, blob_of(parent))
                 .bind(3, id)
                 .bind(4, bytes)
                 .bind(5, used)
                 .run();
    }
    if (code != SQLITE_DONE) {
      give_up(code);
      return false;
    }
    uncommitted_ += bytes;
    if (uncommitted_ >= kTransactionBytes) end_transaction();
    return works_;
  }

  void forget(const Hash128& name) override {
    if (!index_.contains(name)) return;
    // SQLite did not notice, so who knows what else is wrong.
    if (++damaged_ > kMostDamaged) return give_up(SQLITE_CORRUPT);
    erase(name);
  }

  void settle() override {
    if (!works_) return;
    if (!touched_.empty() && begin_transaction()) write_touched();
    end_transaction();
  }

 private:
  // A value of another size or none at all: the record is lost, the file may be fine.
  static bool is_missing(int code) { return code == SQLITE_MISMATCH || code == SQLITE_ERROR; }

  // After the file was opened: reads what it has.
  Status begin() {
    works_ = true;
    index_.clear();
    touched_.clear();
    last_id_ = 0;
    uncommitted_ = 0;
    in_transaction_ = false;
    prepare();
    if (const int code = read_entries(); code != SQLITE_DONE) {
      release();
      CHASQUI_TRY_STATUS(file_.begin_anew("its list of records cannot be read"));
      secret_ = file_.secret();
      prepare();
      index_.clear();
      index_.count_failure();
    }
    if (const int64_t rings = index_.erase_rings(); rings > 0) {
      spdlog::warn("cache tier: '{}' has {} records that follow themselves", file_.path(), rings);
    }
    // What another capacity left.
    if (make_room(0, {})) {
      end_transaction();
      file_.database().execute("PRAGMA incremental_vacuum;");
    }
    return {};
  }

  void prepare() {
    sqlite::Database& database = file_.database();
    insert_record_ =
        database.prepare("INSERT OR REPLACE INTO records (id, record) VALUES (?1, ?2);");
    insert_entry_ = database.prepare(
        "INSERT OR REPLACE INTO entries (name, parent, id, bytes, used) VALUES (?1, ?2, ?3, ?4, "
        "?5);");
    delete_record_ = database.prepare("DELETE FROM records WHERE id = ?1;");
    delete_entry_ = database.prepare("DELETE FROM entries WHERE name = ?1;");
    update_used_ = database.prepare("UPDATE entries SET used = ?2 WHERE name = ?1;");
  }

  void release() {
    for (auto* statement :
         {&insert_record_, &insert_entry_, &delete_record_, &delete_entry_, &update_used_}) {
      *statement = {};
    }
  }

  // Takes what looks right, and no more rows than the capacity allows.
  int read_entries() {
    sqlite::Statement rows =
        file_.database().prepare("SELECT name, parent, id, bytes, used FROM entries;");
    const int64_t most = index_.capacity() * 2 / StoreFile::kPageBytes + 1024;
    int code = SQLITE_ROW;
    for (int64_t row = 0; row < most && (code = rows.step()) == SQLITE_ROW; ++row) {
      Hash128 name;
      StoreIndex::Entry entry;
      const auto name_bytes = rows.blob(0);
      const auto parent_bytes = rows.blob(1);
      entry.id = rows.integer(2);
      entry.bytes = rows.integer(3);
      entry.used = static_cast<uint64_t>(rows.integer(4)) & INT64_MAX;
      if (name_bytes.size() != sizeof(name) || parent_bytes.size() != sizeof(name)) continue;
      if (entry.id < 1 || entry.id > kMaxId || entry.bytes < 1) continue;
      if (entry.bytes > index_.capacity()) continue;
      std::memcpy(&name, name_bytes.data(), sizeof(name));
      std::memcpy(&entry.parent, parent_bytes.data(), sizeof(name));
      index_.insert(name, entry);
      last_id_ = std::max(last_id_, entry.id);
    }
    return code == SQLITE_ROW ? SQLITE_CORRUPT : code;
  }

  void erase(const Hash128& name) {
    const std::optional<StoreIndex::Entry> entry = index_.erase(name);
    if (!entry || !works_ || !begin_transaction()) return;
    int code = delete_entry_.bind(1, blob_of(name)).run();
    if (code == SQLITE_DONE) code = delete_record_.bind(1, entry->id).run();
    if (code != SQLITE_DONE) give_up(code);
  }

  // `charge`: as the index counts it.
  bool make_room(int64_t charge, const Hash128& parent) {
    bool fits = true;
    while (const std::optional<Hash128> victim = index_.next_to_go(charge, parent, fits)) {
      erase(*victim);
      if (!works_) return false;
      index_.count_evicted();
    }
    return fits;
  }

  bool begin_transaction() {
    if (in_transaction_) return true;
    const int code = file_.database().execute("BEGIN;");
    in_transaction_ = code == SQLITE_OK;
    if (!in_transaction_) give_up(code);
    return in_transaction_;
  }

  void end_transaction() {
    if (!in_transaction_) return;
    const int code = file_.database().execute("COMMIT;");
    in_transaction_ = false;
    uncommitted_ = 0;
    if (code != SQLITE_OK) give_up(code);
  }

  void write_touched() {
    for (const Hash128& name : touched_) {
      const std::optional<StoreIndex::Entry> entry = index_.find(name);
      if (!entry) continue;
      const auto used = static_cast<int64_t>(entry->used);
      const int code = update_used_.bind(1, blob_of(name)).bind(2, used).run();
      if (code != SQLITE_DONE) return give_up(code);
    }
    touched_.clear();
  }

  // A damaged file is begun anew, a few times. What the disk refuses (it is full, it is gone) ends
  // the tier's work until the next start: trying again at each block would cost everybody time.
  void give_up(int code) {
    const std::string why = damaged_ > kMostDamaged ? "its records are not what was put into it"
                                                    : file_.database().message();
    const bool full = (code & 0xff) == SQLITE_FULL && file_.is_full();
    const bool damage = sqlite::Database::means_damage(code) || full;
    index_.count_failure();
    release();
    damaged_ = 0;
    if (damage && ++renewals_ <= kMostRenewals) {
      const Status anew = file_.begin_anew(why);
      // Names are still made with the old secret, so the new file takes it over.
      if (anew && keep_secret() && begin()) return;
    } else {
      spdlog::warn("cache tier: '{}': {}; it is left alone until the next start", file_.path(),
                   why);
    }
    works_ = false;
    index_.clear();
    file_.database().close();
  }

  bool keep_secret() {
    sqlite::Statement update = file_.database().prepare("UPDATE meta SET secret = ?1;");
    return update.bind(1, static_cast<int64_t>(secret_)).run() == SQLITE_DONE;
  }

  static constexpr int64_t kMaxId = INT64_MAX / 2;
  static constexpr int kMostDamaged = 8;   // records, before the file is not believed any more
  static constexpr int kMostRenewals = 4;  // of the file, before the disk is not believed any more

  StoreFile file_;
  uint64_t secret_ = 0;
  StoreIndex index_;  // thread-safe; the rest is for one thread
  sqlite::Statement insert_record_;
  sqlite::Statement insert_entry_;
  sqlite::Statement delete_record_;
  sqlite::Statement delete_entry_;
  sqlite::Statement update_used_;
  std::vector<Hash128> touched_;  // used since that was last written down
  int damaged_ = 0;               // records of this file that were not what had been put
  int renewals_ = 0;
  int64_t last_id_ = 0;
  int64_t uncommitted_ = 0;  // bytes put in this transaction
  bool in_transaction_ = false;
  bool works_ = false;
};

}  // namespace

Result<std::unique_ptr<BlockStore>> open_disk_store(const std::string& folder, int64_t capacity) {
  auto store = std::make_unique<DiskStore>(folder, capacity);
  CHASQUI_TRY_STATUS(store->open());
  return store;
}

}  // namespace chasqui::kv
