#include "worker/data/object_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "worker/store/crc32c.h"
#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

constexpr int64_t kWindowBytes = 16 << 20;

}  // namespace

ObjectStream::ObjectStream(store::ObjectStore* store, store::ObjectInfo info, std::string name,
                           Keep keep)
    : store_(store), info_(std::move(info)), name_(std::move(name)), keep_(std::move(keep)) {}

void ObjectStream::NextWindow() const {
  window_at_ += static_cast<int64_t>(window_.size());
  window_.resize(static_cast<size_t>(std::min(kWindowBytes, info_.bytes - window_at_)));
  const size_t got = store_->ReadVersion(info_.key, info_.version, window_at_, window_);
  if (got != window_.size()) {
    throw wire::Fault(wire::FaultClass::kStorage, "DATA_UNREADABLE",
                      name_ + ": ends at byte " + std::to_string(window_at_ + got) + " of " +
                          std::to_string(info_.bytes),
                      "look at the server that holds it");
  }
  crc32c_ = store::Crc32c(crc32c_, window_);
  if (keep_) keep_(window_);
}

int64_t ObjectStream::Read(int64_t offset, int64_t count, char* out) const {
  int64_t done = 0;
  while (done < count && offset + done < info_.bytes) {
    const int64_t end = window_at_ + static_cast<int64_t>(window_.size());
    if (offset + done >= end) {
      NextWindow();
      continue;
    }
    const int64_t take = std::min(count - done, end - (offset + done));
    std::memcpy(out + done, window_.data() + (offset + done - window_at_),
                static_cast<size_t>(take));
    done += take;
  }
  return done;
}

bool ObjectStream::Finish() const {
  while (window_at_ + static_cast<int64_t>(window_.size()) < info_.bytes) NextWindow();
  return !info_.crc32c || *info_.crc32c == crc32c_;
}

}  // namespace ocellus::data
