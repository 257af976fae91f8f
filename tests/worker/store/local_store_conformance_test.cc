#include "tests/worker/store/conformance.h"

namespace ocellus::store {

INSTANTIATE_TEST_SUITE_P(
    Local, Conformance,
    testing::Values(StoreCase{"Path",
                              [](const std::string& scratch) { return OpenStore(scratch); }},
                    StoreCase{"Uri",
                              [](const std::string& scratch) {
                                return OpenStore("file://" + scratch + "/made/by it/");
                              }}),
    testing::PrintToStringParamName());

}  // namespace ocellus::store
