#include "tools/cli/port.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace ocellus::cli {
namespace {

using testing::HasSubstr;

class TakenPort {
 public:
  TakenPort() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(fd_, raw, size), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
    EXPECT_EQ(getsockname(fd_, raw, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~TakenPort() { close(fd_); }
  int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
};

TEST(Port, TakenNamesPortHolderAndWhatToDo) {
  TakenPort taken;
  const absl::Status status = CheckPortFree(taken.port(), "--port");
  ASSERT_FALSE(status.ok());
  const std::string text(status.message());
  EXPECT_THAT(text, HasSubstr(absl::StrCat("port ", taken.port(), " of 127.0.0.1 is in use")));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("cli_test (pid ", getpid(), ")")));
  EXPECT_THAT(text, HasSubstr("give --port another port"));
}

TEST(Port, FreeOnes) {
  int port = 0;
  {
    TakenPort taken;
    port = taken.port();
  }
  EXPECT_TRUE(CheckPortFree(port, "--port").ok());
  EXPECT_TRUE(CheckPortFree(0, "--port").ok());
  EXPECT_EQ(PortHolder(port), "");
}

}  // namespace
}  // namespace ocellus::cli
