#include "coordinator/state/objects.h"

#include <algorithm>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/status_macros.h"
#include "worker/store/sha256.h"
#include "worker/wire/fault.h"

namespace ocellus::coordinator {
namespace {

constexpr int64_t kPartBytes = 4 << 20;
constexpr char kManifest[] = "manifest.json";

// The one place where the object store's exceptions end.
absl::Status Guard(absl::FunctionRef<void()> body) {
  try {
    body();
    return absl::OkStatus();
  } catch (const wire::Fault& fault) {
    return StoreUnavailable(absl::StrCat("object store: ", fault.what()));
  }
}

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Objects>> Objects::Open(const std::string& uri) {
  std::unique_ptr<Objects> objects;
  const absl::Status status =
      Guard([&] { objects = std::make_unique<Objects>(store::OpenStore(uri)); });
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--store ", uri, " cannot be used: ", status.message()));
  }
  return objects;
}

absl::StatusOr<std::optional<int64_t>> Objects::Size(const std::string& key) {
  std::optional<int64_t> size;
  OCELLUS_RETURN_IF_ERROR(Guard([&] {
    if (const auto info = store_->Head(key); info.has_value()) {
      size = info->bytes;
    }
  }));
  return size;
}

absl::StatusOr<bool> Objects::PutIfAbsent(const std::string& key, const std::string& bytes) {
  bool written = false;
  OCELLUS_RETURN_IF_ERROR(Guard([&] { written = store_->PutIfAbsent(key, Bytes(bytes)); }));
  return written;
}

absl::StatusOr<std::string> Objects::Get(const std::string& key) {
  OCELLUS_ASSIGN_OR_RETURN(const auto size, Size(key));
  if (!size.has_value()) {
    return absl::NotFoundError(absl::StrCat(key, " is missing"));
  }
  std::string bytes;
  OCELLUS_RETURN_IF_ERROR(Guard([&] { bytes = store_->Get(key); }));
  return bytes;
}

absl::StatusOr<std::string> Objects::Sha256Of(const std::string& key, int64_t bytes) {
  std::string digest;
  OCELLUS_RETURN_IF_ERROR(Guard([&] {
    store::Sha256 sha256;
    std::vector<std::byte> part(std::clamp<int64_t>(bytes, 1, kPartBytes));
    for (int64_t offset = 0; offset < bytes;) {
      const size_t got = store_->Read(key, offset, part);
      if (got == 0) {
        break;
      }
      sha256.Update(std::span(part).first(got));
      offset += static_cast<int64_t>(got);
    }
    digest = sha256.FinishHex();
  }));
  return digest;
}

absl::Status Objects::DropUnfinished(const std::string& prefix, absl::Duration age) {
  return Guard([&] { store_->DropUnfinished(prefix, absl::ToChronoSeconds(age)); });
}

absl::Status Objects::DeleteCheckpoint(const std::string& prefix) {
  return Guard([&] {
    store_->Delete(prefix + kManifest);
    store_->DeletePrefix(prefix);
  });
}

}  // namespace ocellus::coordinator
