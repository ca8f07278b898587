// A second tier on a disk, which outlives the process: an SQLite file in a folder of its own.
//
// SQLite because the file is hostile input: any bytes in it give at worst an error (LMDB believes
// the pages that it maps). What SQLite gives back is checked again here and by the tier, so that
// damage costs records and never a wrong one. A file that is damaged or no cache of ours is set
// aside (renamed to *.set-aside, over the last one) with a warning, and a new one begun; one of
// another version of ours is deleted.
//
// Nothing is flushed to the medium, since a cache that a power cut damages is only begun anew.
// Whether a process is killed in the middle of a put does not matter: SQLite's journal undoes it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "kv/block_store.h"

namespace chasqui::kv {

// `folder` is made where it is missing, for this user only: what is kept can be turned back into
// the texts of requests. The file takes up at most about `capacity` bytes (and a 16th, and a few
// hundred KiB). kResourceExhausted when another store, of this process or another, has the folder
// open; kIo when it cannot be made or written.
Result<std::unique_ptr<BlockStore>> open_disk_store(const std::string& folder, int64_t capacity);

}  // namespace chasqui::kv
