// Request ids, written down before a submit is sent: whoever is interrupted can send the same again
// and gets the same job.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace ocellus::cli {

struct RequestNote {
  std::string request_id;
  std::string server;
  std::string file;
  std::string name;
  std::string job;  // empty before the answer
};

// $XDG_CACHE_HOME/ocellus/requests.jsonl, else ~/.cache/ocellus/requests.jsonl.
std::string JournalPath();

// Appends a line and syncs it to the disk. Folders are made.
absl::Status WriteNote(const std::string& path, const RequestNote& note);

}  // namespace ocellus::cli
