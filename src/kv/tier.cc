#include "kv/tier.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <new>
#include <utility>

#include "base/check.h"

namespace chasqui::kv {
namespace {

// Computing threads go first: when this one takes a core from the team, all others wait for the
// core that is late. Loading costs about a thousandth of what computing the same would.
constexpr int kNice = 10;

}  // namespace

Tier::Tier(std::shared_ptr<BlockStore> store, TierOptions options)
    : store_(std::move(store)), options_(options) {}

Tier::~Tier() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    loads_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  while (work()) continue;
  store_->settle();
}

void Tier::start(std::function<void()> on_loaded) {
  CHASQUI_CHECK(!thread_.joinable(), "the tier was started twice");
  on_loaded_ = std::move(on_loaded);
  thread_ = std::thread([this] { run(); });
}

bool Tier::takes_stores() const {
  const std::lock_guard lock(mutex_);
  const auto queued = static_cast<int64_t>(stores_.size() + 1);
  return queued * options_.shape.record_bytes() <= options_.store_queue_bytes;
}

void Tier::store(OwnedBlockName block, BlockRecord record) {
  {
    const std::lock_guard lock(mutex_);
    stores_.push_back({std::move(block), std::move(record)});
  }
  changed_.notify_one();
}

void Tier::count_dropped() {
  const std::lock_guard lock(mutex_);
  ++stats_.dropped;
}

LoadId Tier::load(std::vector<OwnedBlockName> chain) {
  CHASQUI_CHECK(!chain.empty(), "nothing to load");
  LoadId id = kNoLoad;
  {
    const std::lock_guard lock(mutex_);
    id = ++last_load_;
    loads_.push_back({id, std::move(chain), 0});
  }
  changed_.notify_one();
  return id;
}

void Tier::cancel(LoadId load) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(loads_, [load](const Load& each) { return each.id == load; });
    std::erase_if(loaded_, [load](const LoadedBlock& each) { return each.load == load; });
    if (in_hand_ == load) cancelled_ = load;
  }
  changed_.notify_one();  // there may be room for others now
}

std::optional<LoadedBlock> Tier::take() {
  std::optional<LoadedBlock> block;
  {
    const std::lock_guard lock(mutex_);
    if (loaded_.empty()) return std::nullopt;
    block = std::move(loaded_.front());
    loaded_.pop_front();
  }
  changed_.notify_one();
  return block;
}

TierStats Tier::stats() const {
  TierStats stats;
  {
    const std::lock_guard lock(mutex_);
    stats = stats_;
  }
  stats.store = store_->stats();
  return stats;
}

bool Tier::can_load() const {
  const auto waiting = static_cast<int64_t>(loaded_.size() + 1);
  return !loads_.empty() &&
         (loaded_.empty() || waiting * options_.shape.record_bytes() <= options_.load_queue_bytes);
}

bool Tier::work() {
  std::unique_lock lock(mutex_);
  if (can_load()) {
    load_one(lock);
  } else if (!stores_.empty()) {
    store_one(lock);
  } else {
    return false;
  }
  return true;
}

// The next block of the chain whose turn it is.
void Tier::load_one(std::unique_lock<std::mutex>& lock) {
  Load load = std::move(loads_.front());
  loads_.pop_front();
  in_hand_ = load.id;
  unsettled_ = true;
  lock.unlock();

  const OwnedBlockName& block = load.chain[load.next];
  bool there = false;
  LoadedBlock loaded{load.id, std::nullopt};
  try {
    BlockRecord record(options_.shape);
    there = store_->get(block.key, record.bytes());
    if (there && record.is(options_.fingerprint, block.view())) loaded.record = std::move(record);
  } catch (const std::bad_alloc&) {  // then it is computed again
  }
  const bool good = loaded.record.has_value();
  if (there && !good) store_->forget(block.key);

  lock.lock();
  in_hand_ = kNoLoad;
  if (there) ++(good ? stats_.loaded : stats_.damaged);
  if (std::exchange(cancelled_, kNoLoad) == load.id || stopping_) return;
  if (good && ++load.next < load.chain.size()) loads_.push_back(std::move(load));
  loaded_.push_back(std::move(loaded));
}

void Tier::store_one(std::unique_lock<std::mutex>& lock) {
  Store store = std::move(stores_.front());
  stores_.pop_front();
  unsettled_ = true;
  lock.unlock();

  bool kept = false;
  bool known = false;
  try {
    known = store_->contains(store.block.key);
    if (!known) {
      store.record.seal(options_.fingerprint, store.block.view());
      kept = store_->put(store.block.key, store.block.parent, store.record.bytes());
    }
  } catch (const std::bad_alloc&) {  // then it is not kept
  }

  lock.lock();
  if (!known) ++(kept ? stats_.stored : stats_.dropped);
}

void Tier::run() {
  pthread_setname_np(pthread_self(), "kv-tier");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);  // of this thread, on Linux
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (can_load()) {
      load_one(lock);
      lock.unlock();
      on_loaded_();
      lock.lock();
    } else if (!stores_.empty()) {
      store_one(lock);
    } else if (std::exchange(unsettled_, false)) {
      lock.unlock();
      store_->settle();
      lock.lock();
    } else {
      changed_.wait(lock);
    }
  }
}

}  // namespace chasqui::kv
