// Short texts that the ranks of a gang leave for each other, beside the collectives: for threads
// that do not train, in no order with what the training exchanges.
#pragma once

#include <optional>
#include <string>

namespace ocellus::dist {

// Kept by the rendezvous store, which ends with rank 0. Thread-safe. Throws wire::Fault
// (infra_process, PEER_LOST) when the store does not answer.
class Notes {
 public:
  virtual ~Notes() = default;
  virtual void Put(const std::string& key, const std::string& text) = 0;
  // Nothing while there is none.
  virtual std::optional<std::string> Find(const std::string& key) = 0;
  virtual void Remove(const std::string& key) = 0;
};

}  // namespace ocellus::dist
