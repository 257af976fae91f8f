// The samples of a folder of images, or of a list of image files.
#pragma once

#include <string>
#include <vector>

#include "worker/data/dataset.h"

namespace ocellus::data {

class FolderDataset final : public Dataset {
 public:
  // All images below `folder`, as FORMAT.md says. Throws wire::Fault (user, NO_DATA) when it cannot
  // be listed.
  FolderDataset(const std::string& folder, int64_t max_pixels, bool masks);
  // These files in this order, without labels.
  FolderDataset(std::vector<std::string> files, int64_t max_pixels, bool masks);

  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  Sample Get(int64_t index) const override;
  int64_t classes() const override { return static_cast<int64_t>(class_names_.size()); }
  int64_t max_pixels() const override { return max_pixels_; }
  int64_t bytes(int64_t index) const;  // of the file; 0 when it is gone
  // First-level sub-folders that hold images; a label is a number in here.
  const std::vector<std::string>& class_names() const { return class_names_; }

 private:
  std::vector<std::string> files_;
  std::vector<int64_t> labels_;  // of each file; empty: none has one
  std::vector<std::string> class_names_;
  int64_t max_pixels_;
  bool masks_;
};

}  // namespace ocellus::data
