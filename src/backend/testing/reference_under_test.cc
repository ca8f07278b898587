// The op tests of this program run on the reference backend.
#include "backend/testing/op_test.h"

namespace chasqui::backend::testing {

std::vector<std::string> backend_names() {
  return {"reference"};
}

std::unique_ptr<Backend> make_backend(const std::string&) {
  return make_reference_backend();
}

}  // namespace chasqui::backend::testing
