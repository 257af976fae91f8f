#include "worker/data/bad_samples.h"

#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

constexpr size_t kNamed = 5;  // files in the message

}  // namespace

void BadSamples::Report(int64_t index, const std::string& key, const std::string& problem) {
  const std::string line = key + ": " + problem;
  {
    std::lock_guard lock(mutex_);
    if (!seen_.insert(index).second) return;
    last_.push_back(line);
    if (last_.size() > kNamed) last_.pop_front();
  }
  if (on_warning_) on_warning_("skipped bad sample " + line);
  std::lock_guard lock(mutex_);
  if (static_cast<int64_t>(seen_.size()) > limit_) Throw();
}

void BadSamples::GiveUp() const {
  std::lock_guard lock(mutex_);
  Throw();
}

int64_t BadSamples::count() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(seen_.size());
}

void BadSamples::Throw() const {
  std::string message = std::to_string(seen_.size()) +
                        " bad samples (data.max_bad_samples: " + std::to_string(limit_) +
                        "); the last";
  for (const std::string& line : last_) message += (&line == &last_.front() ? ": " : "; ") + line;
  throw wire::Fault(wire::FaultClass::kUser, "TOO_MANY_BAD_SAMPLES", message,
                    "repair or remove these files, or raise data.max_bad_samples");
}

}  // namespace ocellus::data
