// Documents, folders and rows that tests of the coordinator start from.
#pragma once

#include <string>

#include "ocellus/v1/job.pb.h"

namespace ocellus::coordinator {

// A folder of its own, gone with the object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A sound training document: a tiny MAE.
std::string TrainingJson();
// A sound job on CPU.
v1::JobSpec Spec(const std::string& name, int ranks = 2);

}  // namespace ocellus::coordinator
