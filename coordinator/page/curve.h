// The curve of a job out of history.jsonl, with no more points than a screen can show.
#pragma once

#include <cstddef>
#include <string>

namespace ocellus::coordinator {

inline constexpr size_t kCurvePointsMax = 600;

// {"points": [[step, loss], ...], "chance": loss}: every n-th record and the last one; loss is null
// where it was not finite, chance where the method has no such level. Lines that are no records
// are passed over.
std::string CurveJson(const std::string& history);

}  // namespace ocellus::coordinator
