#include "worker/dist/local_address.h"

#include <gtest/gtest.h>

#include "worker/wire/fault.h"

namespace ocellus::dist {
namespace {

TEST(LocalAddress, IsLoopbackForLoopback) {
  EXPECT_EQ(LocalAddressTowards("127.0.0.1", 1), "127.0.0.1");
}

TEST(LocalAddress, NamesAHostThatDoesNotResolve) {
  try {
    LocalAddressTowards("no-such-host.invalid", 1);
    FAIL();
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), "PEER_LOST");
    EXPECT_NE(std::string(fault.what()).find("no-such-host.invalid"), std::string::npos);
  }
}

}  // namespace
}  // namespace ocellus::dist
