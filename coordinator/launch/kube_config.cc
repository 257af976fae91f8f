#include "coordinator/launch/kube_config.h"

#include <cstdlib>
#include <filesystem>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/launch/text_file.h"
#include "models/schema/source.h"

namespace ocellus::coordinator {
namespace {

using Json = nlohmann::json;

constexpr char kInCluster[] = "in-cluster";

std::string Text(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_string()
             ? found->get<std::string>()
             : "";
}

bool IsLoopback(absl::string_view server) {
  return absl::StartsWith(server, "http://127.") || absl::StartsWith(server, "http://localhost") ||
         absl::StartsWith(server, "http://[::1]");
}

absl::Status CheckServer(const std::string& server) {
  if (absl::StartsWith(server, "https://") || IsLoopback(server)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("kubeconfig: server '", server,
                                                 "' is not https://; credentials are not sent "
                                                 "over the network in clear"));
}

// The entry of this name in a list of {name, <kind>: {...}}.
absl::StatusOr<Json> Named(const Json& file, const char* list, const char* kind,
                           const std::string& name) {
  const auto entries = file.find(list);
  if (entries != file.end() && entries->is_array()) {
    for (const Json& entry : *entries) {
      if (Text(entry, "name") == name && entry.contains(kind) && entry[kind].is_object()) {
        return entry[kind];
      }
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("kubeconfig: ", list, " has no ", kind, " named '", name, "'"));
}

// KEY as a path, KEY-data as base64.
absl::StatusOr<TextOrFile> FileOrData(const Json& object, const std::string& key,
                                      const std::string& folder) {
  TextOrFile found;
  const std::string data = Text(object, (key + "-data").c_str());
  if (!data.empty() && !absl::Base64Unescape(data, &found.text)) {
    return absl::InvalidArgumentError(absl::StrCat("kubeconfig: ", key, "-data is not base64"));
  }
  const std::string path = Text(object, key.c_str());
  if (data.empty() && !path.empty()) {
    found.file = (std::filesystem::path(folder) / path).string();
  }
  return found;
}

absl::Status CheckUser(const Json& user) {
  for (const char* key : {"exec", "auth-provider"}) {
    if (user.contains(key)) {
      return absl::UnimplementedError(absl::StrCat(
          "kubeconfig: the user logs in by '", key,
          "', which starts a program of somebody else's; "
          "that is left out on purpose. Give the coordinator a service account token (kubectl "
          "create token) or a client certificate"));
    }
  }
  if (user.contains("username")) {
    return absl::UnimplementedError(
        "kubeconfig: API servers take no user names with passwords any more; use a token or a "
        "client certificate");
  }
  return absl::OkStatus();
}

absl::Status ReadUser(const Json& user, const std::string& folder, KubeConfig* config) {
  OCELLUS_RETURN_IF_ERROR(CheckUser(user));
  config->token.text = Text(user, "token");
  if (const std::string file = Text(user, "tokenFile"); config->token.text.empty()) {
    config->token.file = file.empty() ? "" : (std::filesystem::path(folder) / file).string();
  }
  OCELLUS_ASSIGN_OR_RETURN(config->certificate, FileOrData(user, "client-certificate", folder));
  OCELLUS_ASSIGN_OR_RETURN(config->key, FileOrData(user, "client-key", folder));
  if (config->certificate.empty() != config->key.empty()) {
    return absl::InvalidArgumentError(
        "kubeconfig: a client certificate needs its key, and a key its certificate");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<KubeConfig> InClusterConfig(const std::string& folder) {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr) {
    return absl::FailedPreconditionError(
        "KUBERNETES_SERVICE_HOST is not set: this is no pod; give --kubernetes the path of a "
        "kubeconfig");
  }
  KubeConfig config;
  const bool bare_ipv6 = absl::StrContains(host, ":") && host[0] != '[';
  config.server = bare_ipv6 ? absl::StrCat("https://[", host, "]:", port)
                            : absl::StrCat("https://", host, ":", port);
  OCELLUS_ASSIGN_OR_RETURN(config.name_space, ReadTextFile(folder + "/namespace"));
  config.authorities.file = folder + "/ca.crt";
  config.token.file = folder + "/token";
  return config;
}

absl::StatusOr<KubeConfig> ParseKubeconfig(const std::string& text, const std::string& path) {
  schema::Source source;
  std::vector<schema::Problem> problems;
  if (!schema::Parse(text, path, &source, &problems) || !source.value.is_object()) {
    return absl::InvalidArgumentError(problems.empty() ? absl::StrCat(path, " is no kubeconfig")
                                                       : problems.front().ToString());
  }
  const Json& file = source.value;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  OCELLUS_ASSIGN_OR_RETURN(const Json context,
                           Named(file, "contexts", "context", Text(file, "current-context")));
  OCELLUS_ASSIGN_OR_RETURN(const Json cluster,
                           Named(file, "clusters", "cluster", Text(context, "cluster")));
  OCELLUS_ASSIGN_OR_RETURN(const Json user, Named(file, "users", "user", Text(context, "user")));
  KubeConfig config;
  config.server = std::string(absl::StripSuffix(Text(cluster, "server"), "/"));
  OCELLUS_RETURN_IF_ERROR(CheckServer(config.server));
  if (cluster.value("insecure-skip-tls-verify", Json(false)) == Json(true)) {
    return absl::InvalidArgumentError(
        "kubeconfig: insecure-skip-tls-verify is refused; name the server's "
        "certificate-authority instead");
  }
  config.name_space = Text(context, "namespace").empty() ? "default" : Text(context, "namespace");
  OCELLUS_ASSIGN_OR_RETURN(config.authorities,
                           FileOrData(cluster, "certificate-authority", folder));
  OCELLUS_RETURN_IF_ERROR(ReadUser(user, folder, &config));
  return config;
}

absl::StatusOr<KubeConfig> ReadKubeconfig(const std::string& path) {
  OCELLUS_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  return ParseKubeconfig(text, path);
}

absl::StatusOr<KubeConfig> FindKubeConfig(const std::string& where) {
  return where == kInCluster ? InClusterConfig() : ReadKubeconfig(where);
}

}  // namespace ocellus::coordinator
