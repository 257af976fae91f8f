#include "worker/trainer/saving.h"

#include <random>

#include "worker/trainer/agreement.h"
#include "worker/trainer/inputs.h"
#include "worker/trainer/slice_saver.h"

namespace ocellus::trainer {

Saving MakeSaving(const wire::Document& document, store::ObjectStore* store, Control* control,
                  Reporter* reporter, dist::Communicator& ranks, torch::Device device,
                  int64_t stored_step) {
  Saving saving;
  const auto run = static_cast<int64_t>(std::random_device()());
  if (document.world > 1) {
    saving.exchange = std::make_unique<SliceExchange>(
        ranks.MakeNotes(), OfFirst(ranks, device, run), document.rank, document.world);
  }
  SliceExchange* const exchange = saving.exchange.get();
  const checkpoint::Allocate memory = SnapshotMemory(device);
  if (document.rank == 0) {
    auto leader = std::make_unique<Checkpointer>(document, store, control, reporter, exchange,
                                                 memory, stored_step);
    saving.leader = leader.get();
    saving.saver = std::move(leader);
  } else {
    saving.saver = std::make_unique<SliceSaver>(store, exchange, memory);
  }
  return saving;
}

}  // namespace ocellus::trainer
