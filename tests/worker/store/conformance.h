// What every object store must do. A store's test instantiates the suite with a way to open it:
//
//   INSTANTIATE_TEST_SUITE_P(Local, Conformance, testing::Values(StoreCase{"Local", OpenIt}));
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "tests/support/temp_folder.h"
#include "worker/store/object_store.h"

namespace ocellus::store {

struct StoreCase {
  std::string name;
  // Opens the store that belongs to the empty local folder `scratch`; each call a new handle on the
  // same objects.
  std::function<std::unique_ptr<ObjectStore>(const std::string& scratch)> open;
};

inline void PrintTo(const StoreCase& store_case, std::ostream* out) { *out << store_case.name; }

inline std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

class Conformance : public testing::TestWithParam<StoreCase> {
 protected:
  void SetUp() override;
  std::unique_ptr<ObjectStore> Open() { return GetParam().open(scratch_.path()); }

  const TempFolder scratch_;
  std::unique_ptr<ObjectStore> store_;
};

}  // namespace ocellus::store
