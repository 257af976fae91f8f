#include "worker/trainer/artifacts.h"

#include "worker/wire/fault.h"

namespace ocellus::trainer {

void Artifacts::Put(const std::string& kind, const std::string& name,
                    std::span<const std::byte> bytes) {
  try {
    store_->Put(prefix_ + name, bytes);
  } catch (const wire::Fault& fault) {
    reporter_->Log("warning", std::string("artifact not kept: ") + fault.what());
    return;
  }
  reporter_->Tell(wire::Artifact{kind, prefix_ + name});
}

void Artifacts::Put(const std::string& kind, const std::string& name, const std::string& text) {
  Put(kind, name, std::as_bytes(std::span(text)));
}

void Artifacts::PutLater(const std::string& kind, const std::string& name,
                         std::vector<std::byte> bytes) {
  const bool taken =
      errands_.Do([this, kind, name, bytes = std::move(bytes)] { Put(kind, name, bytes); });
  if (!taken) reporter_->Log("warning", "artifact not kept: too many wait for the store: " + name);
}

std::string Artifacts::Get(const std::string& name) {
  try {
    return store_->Head(prefix_ + name) ? store_->Get(prefix_ + name) : "";
  } catch (const wire::Fault& fault) {
    reporter_->Log("warning", std::string("artifact not read: ") + fault.what());
    return "";
  }
}

}  // namespace ocellus::trainer
