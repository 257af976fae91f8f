// A real S3 server for tests, on a free port, with a bucket; it ends with the test program.
//
// versitygw and minio are installed by tools/setup (.servers/bin); without them the tests fail.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "tests/support/temp_folder.h"
#include "worker/store/s3_store.h"

namespace ocellus::store {

inline constexpr char kTestAccessKey[] = "AKIATEST";
inline constexpr char kTestSecretKey[] = "secret-for-tests";
inline constexpr char kTestBucket[] = "ocellus-test";

class S3Server {
 public:
  enum class Kind { kVersitygw, kMinio };

  // The one of this program, started at the first call. Throws std::runtime_error with the server's
  // last words when it cannot be started.
  static S3Server& Get(Kind kind);
  ~S3Server();

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::string program() const;
  // s3://ocellus-test/<prefix>?endpoint=<this>&<settings>.
  std::string Uri(const std::string& prefix, const std::string& settings = "") const;

 private:
  explicit S3Server(Kind kind);
  void Start();
  bool Answers() const;
  std::string Log() const;

  const Kind kind_;
  const TempFolder folder_;
  int port_ = 0;
  pid_t pid_ = -1;
};

// A store at `uri` with these credentials, whatever the process's environment says.
std::unique_ptr<S3Store> OpenWith(const std::string& uri,
                                  const std::string& access_key = kTestAccessKey,
                                  const std::string& secret_key = kTestSecretKey,
                                  const Clock* clock = S3Client::DefaultClock());

}  // namespace ocellus::store
