#include "worker/dist/communicator.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include "tests/worker/dist/local_ranks.h"
#include "worker/wire/fault.h"

namespace ocellus::dist {
namespace {

using testing::Each;

Limits Short() { return {std::chrono::seconds(20), std::chrono::seconds(20)}; }

void Meet(Communicator& ranks) {
  torch::Tensor nothing = torch::zeros({1});
  ranks.all_reduce_sum(nothing);
}

TEST(Communicator, OneRankNeedsNobody) {
  Communicator alone(Membership{}, torch::kCPU);
  torch::Tensor value = torch::ones({2});
  alone.all_reduce_sum(value);
  EXPECT_EQ(value.sum().item<float>(), 2);
  EXPECT_EQ(alone.all_gather(value).size(0), 2);
}

TEST(Communicator, SumsInPlaceAndGathersInRankOrder) {
  EXPECT_THAT(RunRanks(3,
                       [](const Membership& membership) {
                         Communicator ranks(membership, torch::kCPU, Short());
                         torch::Tensor sum = torch::full({4}, ranks.rank() + 1.0).slice(0, 0, 4, 2);
                         ranks.all_reduce_sum(sum);
                         if (!sum.equal(torch::full({2}, 6.0))) return 1;
                         const auto mine = torch::full({2, 3}, ranks.rank(), torch::kLong);
                         const auto all = ranks.all_gather(mine);
                         const auto want = torch::arange(3).repeat_interleave(2).view({6, 1});
                         Meet(ranks);
                         return all.equal(want.expand({6, 3})) ? 0 : 2;
                       }),
              Each(0));
}

TEST(Communicator, ADeadPeerIsPeerLostWithinTheLimit) {
  const auto start = std::chrono::steady_clock::now();
  const auto codes = RunRanks(2, [](const Membership& membership) -> int {
    Communicator ranks(membership, torch::kCPU, Short());
    Meet(ranks);
    if (ranks.rank() == 1) raise(SIGKILL);
    try {
      Meet(ranks);
    } catch (const wire::Fault& fault) {
      const bool right =
          fault.outcome() == "PEER_LOST" && fault.fault_class() == wire::FaultClass::kInfraProcess;
      _exit(right ? 0 : 1);  // destructors would wait for the dead peer
    }
    return 2;
  });
  EXPECT_EQ(codes[0], 0);
  EXPECT_EQ(codes[1], 128 + SIGKILL);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
}

TEST(Communicator, ASilentPeerIsPeerLostAtTheLimit) {
  int release[2];
  ASSERT_EQ(pipe(release), 0);
  const auto codes = RunRanks(2, [&](const Membership& membership) -> int {
    const Limits limits{std::chrono::seconds(20), std::chrono::milliseconds(300)};
    Communicator ranks(membership, torch::kCPU, limits);
    char byte = 0;
    if (ranks.rank() == 1) {
      const bool released = read(release[0], &byte, 1) == 1;
      _exit(released ? 0 : 1);
    }
    int code = 2;
    try {
      Meet(ranks);
    } catch (const wire::Fault& fault) {
      code = fault.outcome() == "PEER_LOST" ? 0 : 1;
    }
    if (write(release[1], &byte, 1) != 1) code = 3;
    _exit(code);
  });
  EXPECT_THAT(codes, Each(0));
}

TEST(Communicator, AnIncompleteGangIsPeerLostAtTheDeadline) {
  const auto codes = RunRanks(1, [](const Membership& alone) {
    Membership membership = alone;
    membership.world = 2;
    try {
      Communicator ranks(membership, torch::kCPU,
                         Limits{std::chrono::milliseconds(300), std::chrono::seconds(1)});
    } catch (const wire::Fault& fault) {
      _exit(fault.outcome() == "PEER_LOST" ? 0 : 1);
    }
    return 2;
  });
  EXPECT_THAT(codes, Each(0));
}

TEST(Communicator, ATakenPortIsNamed) {
  const auto codes = RunRanks(1, [](const Membership& listening) {
    Membership membership = listening;
    membership.world = 2;
    membership.listen_fd = -1;  // the parent's socket still holds the port
    try {
      Communicator ranks(membership, torch::kCPU,
                         Limits{std::chrono::milliseconds(300), std::chrono::seconds(1)});
    } catch (const wire::Fault& fault) {
      const std::string port = std::to_string(membership.master_port);
      _exit(std::string(fault.what()).find(port) != std::string::npos ? 0 : 1);
    }
    return 2;
  });
  EXPECT_THAT(codes, Each(0));
}

}  // namespace
}  // namespace ocellus::dist
