#include "worker/data/folder_dataset.h"

#include <algorithm>
#include <filesystem>

#include "worker/data/file.h"
#include "worker/data/sources.h"
#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

namespace fs = std::filesystem;

constexpr int kDepthLimit = 32;  // symbolic links may run in circles

// Paths relative to `root`, unsorted.
void Collect(const fs::path& root, const fs::path& below, int depth,
             std::vector<std::string>* found) {
  std::error_code error;
  fs::directory_iterator it(root / below, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const fs::path name = it->path().filename();
    if (name.string()[0] == '.') continue;
    std::error_code unknown;  // a dangling link is neither folder nor file
    if (fs::is_directory(it->path(), unknown)) {
      if (depth < kDepthLimit) Collect(root, below / name, depth + 1, found);
    } else if (IsImageName(name.string()) && fs::is_regular_file(it->path(), unknown)) {
      found->push_back((below / name).string());
    }
  }
  if (!error) return;
  throw wire::Fault(wire::FaultClass::kUser, "NO_DATA",
                    (root / below).string() + ": cannot list: " + error.message(),
                    "check the folder's permissions");
}

// First-level sub-folder of a relative path; empty for a file directly in the folder.
std::string TopFolder(const std::string& path) {
  const size_t slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

FolderDataset::FolderDataset(const std::string& folder, int64_t max_pixels, bool masks)
    : max_pixels_(max_pixels), masks_(masks) {
  Collect(folder, "", 0, &files_);
  std::sort(files_.begin(), files_.end());
  for (const std::string& path : files_) {
    const std::string top = TopFolder(path);
    if (!top.empty()) class_names_.push_back(top);
  }
  std::sort(class_names_.begin(), class_names_.end());
  class_names_.erase(std::unique(class_names_.begin(), class_names_.end()), class_names_.end());
  for (std::string& path : files_) {
    const std::string top = TopFolder(path);
    const auto at = std::lower_bound(class_names_.begin(), class_names_.end(), top);
    labels_.push_back(top.empty() ? -1 : at - class_names_.begin());
    path = (fs::path(folder) / path).string();
  }
}

FolderDataset::FolderDataset(std::vector<std::string> files, int64_t max_pixels, bool masks)
    : files_(std::move(files)), max_pixels_(max_pixels), masks_(masks) {}

Sample FolderDataset::Get(int64_t index) const {
  const File file(files_[index]);
  Sample sample;
  sample.key = files_[index];
  sample.image = file.ReadExactly(0, file.stamp().bytes);
  if (!labels_.empty()) sample.label = labels_[index];
  const fs::path mask = fs::path(files_[index]).replace_extension(".mask.png");
  if (masks_ && fs::exists(mask)) {
    const File bytes(mask.string());
    sample.mask = bytes.ReadExactly(0, bytes.stamp().bytes);
  }
  return sample;
}

int64_t FolderDataset::bytes(int64_t index) const {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(files_[index], error);
  return error ? 0 : static_cast<int64_t>(bytes);
}

}  // namespace ocellus::data
