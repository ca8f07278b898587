// A backend that passes every op on to another one and adds up the squares of what weight matrices
// are multiplied with, column by column: what an importance matrix is made of.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "quantize/importance.h"

namespace chasqui::app {

class RecordingBackend : public backend::Backend {
 public:
  // Of every matrix that was multiplied with so far, by the name of its tensor.
  virtual const std::map<std::string, quantize::ImportanceSums>& sums() const = 0;
};

// Records matrices of layers ("blk." names) and, with `with_output`, the others too: the matrix of
// the logits. Weights, pools and memory are those of `backend`; activations are read from host
// memory. Threads: as of any backend.
std::unique_ptr<RecordingBackend> make_recording_backend(std::unique_ptr<backend::Backend> backend,
                                                         bool with_output);

}  // namespace chasqui::app
