#include "coordinator/base/private_file.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {
namespace {

constexpr int kSecretBytes = 32;

absl::Status CannotWrite(const std::string& path) {
  return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
}

}  // namespace

absl::Status WriteWhole(const std::string& path, const std::string& content, Readers readers) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;
  if (!folder.empty() && std::filesystem::create_directories(folder, ignored)) {
    chmod(folder.c_str(), S_IRWXU);
  }
  const std::string temporary = path + ".new";
  unlink(temporary.c_str());
  const int mode = readers == Readers::kOwner ? 0600 : 0644;
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) return CannotWrite(temporary);
  const bool written =
      write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
      fsync(file) == 0;
  close(file);
  if (!written || rename(temporary.c_str(), path.c_str()) != 0) return CannotWrite(path);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return errno == ENOENT ? absl::NotFoundError(absl::StrCat("no file ", path))
                           : absl::UnavailableError(
                                 absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  }
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

absl::StatusOr<std::string> ReadSecret(const std::string& path) {
  OCELLUS_ASSIGN_OR_RETURN(const std::string text, ReadWhole(path));
  return std::string(absl::StripAsciiWhitespace(text));
}

std::string NewSecret(const std::string& prefix) {
  unsigned char bytes[kSecretBytes];
  // Without random numbers nothing would be safe.
  if (RAND_bytes(bytes, kSecretBytes) != 1) std::abort();
  const absl::string_view view(reinterpret_cast<const char*>(bytes), kSecretBytes);
  return absl::StrCat(prefix, absl::WebSafeBase64Escape(view));
}

}  // namespace ocellus::coordinator
