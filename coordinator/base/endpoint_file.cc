#include "coordinator/base/endpoint_file.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace ocellus::coordinator {
namespace {

std::string PathIn(const std::string& data_dir) { return data_dir + "/endpoint.json"; }

}  // namespace

absl::Status WriteEndpoint(const std::string& data_dir, const Endpoint& endpoint) {
  const std::string path = PathIn(data_dir);
  const std::string temporary = path + ".new";
  const nlohmann::json content = {
      {"grpc", endpoint.grpc}, {"metrics", endpoint.metrics}, {"page", endpoint.page}};
  std::ofstream file(temporary, std::ios::trunc);
  file << content.dump() << "\n";
  file.close();
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (!file || error) {
    return absl::UnavailableError(
        absl::StrCat("cannot write ", path, "; is the disk full or the folder read-only?"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Endpoint> ReadEndpoint(const std::string& data_dir) {
  std::ifstream file(PathIn(data_dir));
  if (!file) {
    return absl::NotFoundError(absl::StrCat("no ", PathIn(data_dir), " yet"));
  }
  std::stringstream text;
  text << file.rdbuf();
  const auto content = nlohmann::json::parse(text.str(), nullptr, /*allow_exceptions=*/false);
  if (!content.is_object()) {
    return absl::DataLossError(absl::StrCat(PathIn(data_dir), " is not a JSON object"));
  }
  return Endpoint{content.value("grpc", std::string()), content.value("metrics", std::string()),
                  content.value("page", std::string())};
}

absl::Status PortInUse(const std::string& address, const std::string& flag) {
  return absl::FailedPreconditionError(absl::StrCat(
      address, " is in use or cannot be listened on; stop what listens there, or give ", flag,
      " with another address (port 0 picks a free one)"));
}

}  // namespace ocellus::coordinator
