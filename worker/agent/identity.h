// Who this machine is to the coordinator: a short certificate that names the node. The first one is
// given for a join token; each is renewed when half of its time is over. The key never leaves
// the machine.
//
//   <folder>/node.key (0600), node.pem, authority.pem (when the coordinator signs its own)
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/client/channel.h"
#include "ocellus/v1/auth.grpc.pb.h"

namespace ocellus::agent {

struct IdentityOptions {
  std::string coordinator;  // "127.0.0.1:7410"
  std::string node;
  std::string folder;
  std::string authority;  // PEM file; empty: plaintext, or a certificate that the system trusts
  std::string join_file;  // empty: $OCELLUS_JOIN_TOKEN
  bool insecure_dev = false;
  // How long a coordinator that is away is waited for when joining.
  absl::Duration join_wait = absl::Seconds(60);
};

class Identity {
 public:
  using Use = std::function<void(std::shared_ptr<grpc::Channel>)>;

  // Joins when there is no good certificate yet, and calls `use` with the channel for all other
  // calls: now, and again with a new one whenever the certificate was renewed. Plaintext needs
  // loopback or insecure_dev. Fails with a message for the user.
  static absl::StatusOr<std::unique_ptr<Identity>> Take(const IdentityOptions& options, Use use);
  ~Identity();

 private:
  Identity(const IdentityOptions& options, Use use);
  absl::Status Prepare();
  absl::Status MakeKey();
  absl::Status Join(const std::string& token);
  absl::Status Renew();
  // How long the certificate is still good for this node.
  absl::StatusOr<absl::Duration> Left() const;
  void Keep();
  std::string Path(const std::string& name) const { return options_.folder + "/" + name; }

  const IdentityOptions options_;
  const Use use_;
  coordinator::Approach approach_;
  std::shared_ptr<grpc::Channel> channel_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::thread keeper_;
};

}  // namespace ocellus::agent
