// Which Kubernetes API server, and who we are there.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace ocellus::coordinator {

inline constexpr char kServiceAccountFolder[] = "/var/run/secrets/kubernetes.io/serviceaccount";

// A thing that is given as text, or as a file that is read again and again; or not at all.
struct TextOrFile {
  std::string text;
  std::string file;

  bool empty() const { return text.empty() && file.empty(); }
};

struct KubeConfig {
  std::string server;      // "https://10.0.0.1:443", no '/' at the end
  std::string name_space;  // where our objects are; "default" when nothing says otherwise
  TextOrFile authorities;  // PEM; empty: those of the system
  TextOrFile token;
  TextOrFile certificate;  // PEM, with its key: client certificate
  TextOrFile key;
};

// As a pod sees it: KUBERNETES_SERVICE_HOST and _PORT, and token, ca.crt and namespace of `folder`.
// FAILED_PRECONDITION outside of a cluster.
absl::StatusOr<KubeConfig> InClusterConfig(const std::string& folder = kServiceAccountFolder);

// The current context of a kubeconfig (YAML or JSON). Token, token file and client certificate are
// taken; exec, auth-provider, user names with passwords, and insecure-skip-tls-verify are refused
// with a message that says what to do. Relative paths are relative to the file.
absl::StatusOr<KubeConfig> ReadKubeconfig(const std::string& path);
absl::StatusOr<KubeConfig> ParseKubeconfig(const std::string& text, const std::string& path);

// "in-cluster", or the path of a kubeconfig.
absl::StatusOr<KubeConfig> FindKubeConfig(const std::string& where);

}  // namespace ocellus::coordinator
