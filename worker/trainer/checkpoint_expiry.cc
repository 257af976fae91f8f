#include "worker/trainer/checkpoint_expiry.h"

#include "worker/checkpoint/retention.h"
#include "worker/wire/failpoint.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {

void CheckpointExpiry::Delete(const std::vector<std::string>& prefixes) {
  if (prefixes.empty()) return;
  // What is refused here the coordinator's sweep gets later.
  errands_.Do([store = store_, reporter = reporter_, prefixes] {
    try {
      for (const std::string& prefix : prefixes) checkpoint::DeleteCheckpoint(*store, prefix);
    } catch (const wire::Fault& fault) {
      reporter->Log("warning", std::string("an expired checkpoint stays: ") + fault.what());
    }
    wire::Failpoint("trainer.expired_deleted");
  });
}

void CheckpointExpiry::Apply() {
  const wire::CheckpointSettings& settings = document_->checkpoint;
  const auto found = checkpoint::ListCheckpoints(*store_, document_->prefix);
  checkpoint::RetentionPolicy policy{settings.keep, settings.keep_every_steps};
  if (settings.keep_best > 0) {
    policy.best = checkpoint::BestSteps(*store_, found, settings.best_metric,
                                        static_cast<size_t>(settings.keep_best));
  }
  std::vector<std::string> prefixes;
  for (const auto& expired : checkpoint::Expired(found, policy)) prefixes.push_back(expired.prefix);
  Delete(prefixes);
}

}  // namespace ocellus::trainer
