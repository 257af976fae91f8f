#include "worker/trainer/stacks.h"

#include <gmock/gmock.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace ocellus::trainer {
namespace {

using testing::HasSubstr;

std::string Dump() {
  const std::unique_ptr<FILE, decltype(&fclose)> file(tmpfile(), &fclose);
  DumpStacks(fileno(file.get()));
  std::string text(static_cast<size_t>(lseek(fileno(file.get()), 0, SEEK_END)), '\0');
  EXPECT_EQ(pread(fileno(file.get()), text.data(), text.size(), 0),
            static_cast<ssize_t>(text.size()));
  return text;
}

TEST(Stacks, NamesEveryThreadAndWhereItStands) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer holds signals back while a thread waits";
#endif
  PrepareStacks();
  std::promise<void> ready, end;
  std::thread waiter([&] {
    pthread_setname_np(pthread_self(), "waiter");
    ready.set_value();
    end.get_future().wait();
  });
  ready.get_future().wait();
  // From another thread, as in the trainer: this one is in the text too, as the last.
  const std::string text = std::async(std::launch::async, Dump).get();
  end.set_value();
  waiter.join();
  const size_t at = text.find("\"waiter\"\n");
  ASSERT_NE(at, std::string::npos) << text;
  EXPECT_THAT(text.substr(at, text.find("thread", at) - at), HasSubstr(" in libc.so.6\n"));
  const size_t first = text.find("thread " + std::to_string(getpid()) + " ");
  ASSERT_NE(first, std::string::npos) << text;
  EXPECT_GT(first, at);
  EXPECT_THAT(text, testing::Not(HasSubstr("does not answer")));
}

TEST(Stacks, AThreadThatBlocksTheSignalIsNamedAlone) {
  PrepareStacks();
  std::promise<void> ready, end;
  std::thread deaf([&] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    pthread_setname_np(pthread_self(), "deaf");
    ready.set_value();
    end.get_future().wait();
  });
  ready.get_future().wait();
  const std::string text = std::async(std::launch::async, Dump).get();
  end.set_value();
  deaf.join();
  EXPECT_THAT(text, HasSubstr("\"deaf\" does not answer"));
}

}  // namespace
}  // namespace ocellus::trainer
