// What NVIDIA's management library knows of this machine's GPUs. The library belongs to the driver
// and is opened when the agent starts, so that the same program runs where there is none. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/agent/limits.h"

namespace ocellus::agent {

struct GpuReading {
  int gpu = 0;  // nvidia-smi's index
  std::string uuid;
  // Each absent where this GPU does not tell it.
  std::optional<uint64_t> memory_used_bytes;
  std::optional<uint64_t> memory_total_bytes;
  std::optional<uint64_t> energy_millijoules;  // since the driver was loaded
  std::optional<uint32_t> sm_clock_mhz;
  std::optional<uint32_t> memory_clock_mhz;
  std::optional<uint32_t> temperature_celsius;
};

// A critical error of the driver; NVIDIA's list of XIDs says what each number means.
struct XidError {
  int gpu = 0;
  uint64_t xid = 0;
};

class Nvml {
 public:
  // $OCELLUS_NVML, or else the name under which every driver installs it.
  static std::string DefaultLibrary();

  // NOT_FOUND when there is no such library: a machine without a driver. UNAVAILABLE when the
  // driver refuses; the message has its words.
  static absl::StatusOr<std::unique_ptr<Nvml>> Open(const std::string& library);
  ~Nvml();

  // All GPUs, by index. One that has fallen off the bus has its index and uuid only.
  std::vector<GpuReading> Read() const;

  // Waits up to `patience` for an error. Without a driver that reports them it only waits.
  std::optional<XidError> WaitForXid(Millis patience) const;

 private:
  struct Library;
  struct Gpu {
    void* device = nullptr;
    std::string uuid;
  };

  Nvml();
  absl::Status FindGpus();
  void WatchForErrors();

  std::unique_ptr<Library> library_;
  std::vector<Gpu> gpus_;
  void* events_ = nullptr;  // null: errors are not reported
};

}  // namespace ocellus::agent
