#include "coordinator/launch/text_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace ocellus::coordinator {

absl::StatusOr<std::string> ReadTextFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  }
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (text.size() > kTextFileBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat(path, " is larger than 4 MiB"));
  }
  absl::StripTrailingAsciiWhitespace(&text);
  return text;
}

}  // namespace ocellus::coordinator
