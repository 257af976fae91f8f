// The object store as the coordinator needs it, with its faults as absl::Status: UNAVAILABLE /
// STORE_UNAVAILABLE names the store and the cause. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "worker/store/object_store.h"

namespace ocellus::coordinator {

class Objects {
 public:
  // "file:///data/store". INVALID_ARGUMENT when the scheme is unknown or the folder cannot be made.
  static absl::StatusOr<std::unique_ptr<Objects>> Open(const std::string& uri);
  explicit Objects(std::unique_ptr<store::ObjectStore> store) : store_(std::move(store)) {}

  // Bytes of the object; nothing when it is absent.
  absl::StatusOr<std::optional<int64_t>> Size(const std::string& key);
  // False when it exists already.
  absl::StatusOr<bool> PutIfAbsent(const std::string& key, const std::string& bytes);
  // NOT_FOUND when it is absent.
  absl::StatusOr<std::string> Get(const std::string& key);
  // SHA-256 in hex of the whole object, read part by part.
  absl::StatusOr<std::string> Sha256Of(const std::string& key, int64_t bytes);
  // What writers below `prefix` that died left unfinished, when it is older than `age`.
  absl::Status DropUnfinished(const std::string& prefix, absl::Duration age);
  // The manifest first, so that what an interruption leaves is not taken for a checkpoint.
  absl::Status DeleteCheckpoint(const std::string& prefix);

  std::string uri() const { return store_->uri(); }

 private:
  std::unique_ptr<store::ObjectStore> store_;
};

}  // namespace ocellus::coordinator
