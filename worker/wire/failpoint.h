// Named places where a test can end or hold a process (docs/STORAGE.md, "Failpoints"). Compiled in
// always; without OCELLUS_FAILPOINT in the environment a place costs one look at a flag.
//
//   OCELLUS_FAILPOINT=NAME:ACTION[:HIT][@MARKER]
//
// ACTION: kill (SIGKILL to itself), hold (waits until MARKER.go is there). HIT: at which passing,
// 1 unless given. MARKER: a file that is made when it happens; where it is there already, nothing
// happens any more, so that a process that is started again passes. `hold` needs one.
#pragma once

#include <string>

namespace ocellus::wire {

// What OCELLUS_FAILPOINT says; nothing is armed when it is unset or wrong.
struct FailpointOrder {
  std::string name, action, marker;
  int hit = 1;
};
FailpointOrder ParseFailpoint(const std::string& text);

bool FailpointsArmed();
void PassFailpoint(const char* name);

// The process passes the place `name` ("trainer.snapshot_taken"). Thread-safe.
inline void Failpoint(const char* name) {
  static const bool armed = FailpointsArmed();
  if (armed) [[unlikely]]
    PassFailpoint(name);
}

}  // namespace ocellus::wire
