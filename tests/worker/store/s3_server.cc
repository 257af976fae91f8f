#include "tests/worker/store/s3_server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "tests/worker/store/fake_environment.h"
#include "tests/worker/store/http_listener.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

namespace fs = std::filesystem;

constexpr int kStartTriesMax = 5;
constexpr std::chrono::seconds kStartMax{60};

Environment Keys(const std::string& access_key, const std::string& secret_key) {
  return FakeEnvironment(
      {{"AWS_ACCESS_KEY_ID", access_key}, {"AWS_SECRET_ACCESS_KEY", secret_key}});
}

// Starts `arguments` with output in `log`; it dies with this thread.
pid_t Spawn(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
            const std::string& log) {
  std::vector<char*> argv, envp;
  for (const std::string& text : arguments) argv.push_back(const_cast<char*>(text.c_str()));
  for (const std::string& text : environment) envp.push_back(const_cast<char*>(text.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  dup2(out, 1);
  dup2(out, 2);
  execve(argv[0], argv.data(), envp.data());
  _exit(127);
}

}  // namespace

std::unique_ptr<S3Store> OpenWith(const std::string& uri, const std::string& access_key,
                                  const std::string& secret_key, const Clock* clock) {
  const Environment environment = Keys(access_key, secret_key);
  return std::make_unique<S3Store>(
      std::make_unique<S3Client>(ParseS3Uri(uri, environment, {}), environment, Profile{}, clock));
}

S3Server& S3Server::Get(Kind kind) {
  static std::array<std::unique_ptr<S3Server>, 2> servers;
  auto& server = servers[static_cast<size_t>(kind)];
  if (!server) {
    server.reset(new S3Server(kind));
    server->Start();
  }
  return *server;
}

S3Server::S3Server(Kind kind) : kind_(kind) {}

S3Server::~S3Server() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

std::string S3Server::program() const {
  const std::string name = kind_ == Kind::kVersitygw ? "versitygw" : "minio";
  return std::string(OCELLUS_SOURCE_DIR) + "/.servers/bin/" + name;
}

std::string S3Server::Log() const {
  std::ifstream log(folder_ / "log");
  return {std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>()};
}

void S3Server::Start() {
  if (!fs::exists(program())) {
    throw std::runtime_error(program() + " is not there: run tools/setup");
  }
  fs::create_directories(folder_ / "data");
  fs::create_directories(folder_ / "iam");
  for (int tries = 0; tries < kStartTriesMax; ++tries) {
    port_ = FreePort();
    const std::string address = "127.0.0.1:" + std::to_string(port_);
    const std::string access(kTestAccessKey), secret(kTestSecretKey);
    if (kind_ == Kind::kVersitygw) {
      pid_ = Spawn(
          {program(), "--port", address, "--region", "us-east-1", "--quiet", "--iam-dir",
           folder_ / "iam", "posix", folder_ / "data"},
          {"ROOT_ACCESS_KEY=" + access, "ROOT_SECRET_KEY=" + secret, "HOME=" + folder_.path()},
          folder_ / "log");
    } else {
      pid_ = Spawn({program(), "server", "--quiet", "--address", address, "--console-address",
                    "127.0.0.1:" + std::to_string(FreePort()), folder_ / "data"},
                   {"MINIO_ROOT_USER=" + access, "MINIO_ROOT_PASSWORD=" + secret,
                    "MINIO_UPDATE=off", "HOME=" + folder_.path()},
                   folder_ / "log");
    }
    if (Answers()) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  throw std::runtime_error(program() + " does not start: " + Log());
}

// Waits until it makes a bucket, or has ended.
bool S3Server::Answers() const {
  const Environment keys = Keys(kTestAccessKey, kTestSecretKey);
  S3Client client(ParseS3Uri(Uri("", "attempts=1"), keys, {}), keys, {});
  const auto give_up = std::chrono::steady_clock::now() + kStartMax;
  while (waitpid(pid_, nullptr, WNOHANG) == 0 && std::chrono::steady_clock::now() < give_up) {
    try {
      client.Call({.action = "making the bucket", .method = "PUT", .expected = {409}});
      return true;
    } catch (const wire::Fault&) {
      // Its port cannot be waited for in another way.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  return false;
}

std::string S3Server::Uri(const std::string& prefix, const std::string& settings) const {
  return "s3://" + std::string(kTestBucket) + (prefix.empty() ? "" : "/" + prefix) +
         "?endpoint=" + url() + (settings.empty() ? "" : "&" + settings);
}

}  // namespace ocellus::store
