#include "tests/worker/trainer/trainer_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ocellus::trainer {
namespace {

constexpr char kProgram[] = OCELLUS_BINARY_DIR "/bin/ocellus-trainer";

[[noreturn]] void BecomeTrainer(int commands, int events) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (commands == 3) commands = dup(commands);  // fd 3 is about to be the events'
  dup2(events, 3);
  dup2(commands, 0);
  for (int fd = 4; fd < 64; ++fd) close(fd);
  execl(kProgram, kProgram, "rank", nullptr);
  _exit(127);
}

}  // namespace

int WaitForEnd(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TrainerProcess::TrainerProcess(const wire::Document& document) {
  signal(SIGPIPE, SIG_IGN);
  int in[2], out[2];
  EXPECT_EQ(pipe(in), 0);
  EXPECT_EQ(pipe(out), 0);
  pid_ = fork();
  if (pid_ == 0) BecomeTrainer(in[0], out[1]);
  close(in[0]);
  close(out[1]);
  commands_ = in[1];
  event_fd_ = out[0];
  // Another process of the test must not hold this one's pipes open.
  for (const int fd : {commands_, event_fd_}) fcntl(fd, F_SETFD, FD_CLOEXEC);
  lines_ = wire::LineReader(event_fd_);
  Send(wire::Print(document));
}

TrainerProcess::~TrainerProcess() {
  CloseStdin();
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    WaitForEnd(pid_);
  }
  close(event_fd_);
}

void TrainerProcess::Send(const std::string& line) {
  EXPECT_TRUE(wire::LineWriter(commands_).Write(line));
}

void TrainerProcess::CloseStdin() {
  if (commands_ >= 0) close(commands_);
  commands_ = -1;
}

void TrainerProcess::Kill() {
  kill(pid_, SIGKILL);
  EXPECT_EQ(WaitForEnd(pid_), 128 + SIGKILL);
  pid_ = -1;
}

bool TrainerProcess::Next(wire::Event* event) {
  std::string line, error;
  if (lines_.Next(&line) != wire::LineReader::Result::kLine) return false;
  const auto parsed = wire::ParseEvent(line, &error);
  EXPECT_TRUE(parsed) << line << ": " << error;
  *event = parsed.value_or(wire::Event{});
  events_.push_back(*event);
  return true;
}

wire::Event TrainerProcess::Until(const std::function<bool(const wire::Event&)>& wanted) {
  wire::Event event;
  while (Next(&event)) {
    if (wanted(event)) return event;
    if (const auto* exit = std::get_if<wire::ExitRecord>(&event.body)) {
      ADD_FAILURE() << "ended instead: " << exit->outcome << ": " << exit->message;
      return {};
    }
  }
  ADD_FAILURE() << "the pipe ended";
  return {};
}

wire::Event TrainerProcess::UntilStep(int64_t step) {
  return Until([step](const wire::Event& event) {
    const auto* body = std::get_if<wire::Step>(&event.body);
    return body && body->step >= step;
  });
}

wire::ExitRecord TrainerProcess::End() {
  wire::Event event;
  while (Next(&event)) continue;
  const auto* record = std::get_if<wire::ExitRecord>(&event.body);
  EXPECT_TRUE(record) << "the last line is no exit record";
  const int code = WaitForEnd(pid_);
  pid_ = -1;
  if (!record) return {};
  EXPECT_EQ(code, wire::ExitCode(*record)) << record->outcome << ": " << record->message;
  return *record;
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return ntohs(address.sin_port);
}

std::vector<std::unique_ptr<TrainerProcess>> StartGang(wire::Document document, int world) {
  document.world = world;
  document.master_port = FreePort();
  std::vector<std::unique_ptr<TrainerProcess>> gang;
  for (document.rank = 0; document.rank < world; ++document.rank) {
    document.local_rank = document.rank;
    gang.push_back(std::make_unique<TrainerProcess>(document));
  }
  return gang;
}

}  // namespace ocellus::trainer
