#include "worker/dist/communicator.h"

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#ifdef OCELLUS_WITH_CUDA
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <functional>

#include "worker/dist/local_address.h"
#include "worker/wire/fault.h"

namespace ocellus::dist {

struct Communicator::Link {
  int rank = 0;
  int world = 1;
  torch::Device device = torch::kCPU;
  c10::intrusive_ptr<c10d::Store> store;      // null in a world of one
  c10::intrusive_ptr<c10d::Backend> backend;  // likewise
  double wait_seconds = 0;

  // Runs a part of an exchange, keeps its time, and names its failure.
  void Timed(const char* what, const std::function<void()>& part);
};

void Communicator::Link::Timed(const char* what, const std::function<void()>& part) {
  const auto start = std::chrono::steady_clock::now();
  try {
    part();
  } catch (const std::exception& error) {
    throw wire::Fault(
        wire::FaultClass::kInfraProcess, "PEER_LOST",
        "rank " + std::to_string(rank) + " lost another rank in " + what + ": " + error.what(),
        "the rank that ended first says why; see its log");
  }
  wait_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

namespace {

c10::intrusive_ptr<c10d::Backend> MakeGloo(const Membership& membership,
                                           const c10::intrusive_ptr<c10d::Store>& store,
                                           const Limits& limits) {
  auto options = c10d::ProcessGroupGloo::Options::create(limits.collective);
  const auto address = LocalAddressTowards(membership.master_addr, membership.master_port);
  options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(address));
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, membership.rank, membership.world,
                                                     options);
}

c10::intrusive_ptr<c10d::Backend> MakeNccl(const Membership& membership,
                                           const c10::intrusive_ptr<c10d::Store>& store,
                                           const Limits& limits) {
#ifdef OCELLUS_WITH_CUDA
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = limits.collective;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, membership.rank, membership.world,
                                                     options);
#else
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", "this trainer was built without CUDA",
                    "set device: cpu, or build with -DOCELLUS_CUDA=ON");
#endif
}

// NCCL's Wait only orders streams, so a lost peer shows at the next synchronisation of the host.
class BackendReduction final : public PendingReduction {
 public:
  BackendReduction(c10::intrusive_ptr<c10d::Work> work,
                   std::function<void(const std::function<void()>&)> timed)
      : work_(std::move(work)), timed_(std::move(timed)) {}
  void Wait() override {
    timed_([this] { work_->wait(); });
  }

 private:
  c10::intrusive_ptr<c10d::Work> work_;
  std::function<void(const std::function<void()>&)> timed_;
};

class StoreNotes final : public Notes {
 public:
  explicit StoreNotes(c10::intrusive_ptr<c10d::Store> store) : store_(std::move(store)) {}
  void Put(const std::string& key, const std::string& text) override {
    Told([&] { store_->set(key, std::vector<uint8_t>(text.begin(), text.end())); });
  }
  std::optional<std::string> Find(const std::string& key) override {
    std::optional<std::string> text;
    Told([&] {
      if (!store_->check({key})) return;
      const std::vector<uint8_t> bytes = store_->get(key);
      text.emplace(bytes.begin(), bytes.end());
    });
    return text;
  }
  void Remove(const std::string& key) override {
    Told([&] { store_->deleteKey(key); });
  }

 private:
  static void Told(const std::function<void()>& call) {
    try {
      call();
    } catch (const std::exception& error) {
      throw wire::Fault(wire::FaultClass::kInfraProcess, "PEER_LOST",
                        std::string("the ranks' store does not answer: ") + error.what(),
                        "rank 0, which keeps it, says why; see its log");
    }
  }

  c10::intrusive_ptr<c10d::Store> store_;
};

class NothingToReduce final : public PendingReduction {
 public:
  void Wait() override {}
};

}  // namespace

Communicator::Communicator(const Membership& membership, torch::Device device, const Limits& limits)
    : link_(std::make_unique<Link>()) {
  link_->rank = membership.rank;
  link_->world = membership.world;
  link_->device = device;
  if (membership.world == 1) return;
  const auto store = Rendezvous(membership, limits.rendezvous);
  store->setTimeout(limits.rendezvous);
  link_->store = store;
  link_->Timed("connecting", [&] {
    link_->backend = device.is_cuda() ? MakeNccl(membership, store, limits)
                                      : MakeGloo(membership, store, limits);
  });
  link_->wait_seconds = 0;
}

Communicator::~Communicator() = default;

std::unique_ptr<Notes> Communicator::MakeNotes() const {
  if (!link_->store) return nullptr;
  std::unique_ptr<Notes> notes;
  link_->Timed("connecting", [&] { notes = std::make_unique<StoreNotes>(link_->store->clone()); });
  return notes;
}

int Communicator::rank() const { return link_->rank; }
int Communicator::world() const { return link_->world; }
double Communicator::wait_seconds() const { return link_->wait_seconds; }

void Communicator::all_reduce_sum(torch::Tensor& tensor) {
  if (world() == 1) return;
  torch::Tensor whole = tensor.detach().contiguous();
  StartAllReduce(whole)->Wait();
  if (!whole.is_same(tensor)) tensor.detach().copy_(whole);
}

torch::Tensor Communicator::all_gather(const torch::Tensor& tensor) {
  if (world() == 1) return tensor;
  torch::Tensor mine = tensor.detach().contiguous();
  auto sizes = mine.sizes().vec();
  sizes.at(0) *= world();
  torch::Tensor all = torch::empty(sizes, mine.options());
  link_->Timed("all_gather", [&] { link_->backend->_allgather_base(all, mine)->wait(); });
  return all;
}

std::unique_ptr<PendingReduction> Communicator::StartAllReduce(torch::Tensor tensor) {
  if (world() == 1) return std::make_unique<NothingToReduce>();
  std::vector<torch::Tensor> tensors{std::move(tensor)};
  c10::intrusive_ptr<c10d::Work> work;
  link_->Timed("all_reduce", [&] { work = link_->backend->allreduce(tensors); });
  return std::make_unique<BackendReduction>(
      std::move(work),
      [link = link_.get()](const std::function<void()>& part) { link->Timed("all_reduce", part); });
}

}  // namespace ocellus::dist
