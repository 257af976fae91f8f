// An objective of one parameter that notes every input it is given: "recording" in a document.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ocellus::trainer {

// What one sample of a step was: bits of its image and of its draw, summed up.
struct Seen {
  uint64_t image = 0;
  uint64_t draw = 0;
  auto operator<=>(const Seen&) const = default;
};

// Where this process's objectives write, one line a sample: "STEP IMAGE DRAW".
void RecordTo(const std::string& path);

// Samples by step, in the order of the file.
std::map<int64_t, std::vector<Seen>> ReadRecord(const std::string& path);

}  // namespace ocellus::trainer
