// Where the time of training steps goes, for `ocellus-trainer run --profile`: each moment of a step
// belongs to one phase. Shares of the phases and of the processor's peak as lines for people, every
// single span as a trace for chrome://tracing or ui.perfetto.dev.
//
// On a GPU the profile waits for its work whenever a phase ends, so that time is booked where it is
// spent; the profiled steps take longer for it. Used by the loop's thread.
#pragma once

#include <torch/torch.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace ocellus::trainer {

struct ProfileWish {
  std::string file;    // gets the trace
  int64_t steps = 10;  // how many
  int64_t skip = 2;    // first ones left out: what is done once makes them slow
};

// Whose profile it is.
struct Profiled {
  int rank = 0;
  int world = 1;
  int64_t first_step = 1;        // of this run
  int64_t samples_per_step = 0;  // of this rank
  torch::Device device = torch::kCPU;
  torch::ScalarType compute = torch::kFloat32;
};

class Profile {
 public:
  // `say` gets the lines. Throws wire::Fault (user, BAD_SPEC) when the file cannot be written.
  Profile(const ProfileWish& wish, const Profiled& profiled,
          std::function<void(const std::string&)> say);

  // The step before has ended, and this one begins. After the last wished one: Finish.
  void BeginStep(int64_t step);
  // Time belongs to `phase`, a literal, from now on.
  void Enter(const char* phase);
  // Writes and says what there is, once.
  void Finish();

 private:
  using Clock = std::chrono::steady_clock;
  struct Span {
    const char* phase;
    int64_t step;
    Clock::time_point begin, end;
  };

  Clock::time_point CloseSpan();  // now
  void CloseStep();
  void WriteTrace();
  void Say(double flops) const;

  ProfileWish wish_;
  Profiled profiled_;
  std::function<void(const std::string&)> say_;
  std::ofstream file_;
  int64_t step_ = 0;  // being looked at; 0: none
  double flops_before_ = 0;
  std::vector<Span> spans_, steps_;
  bool open_ = false, finished_ = false;
};

inline void Enter(Profile* profile, const char* phase) {
  if (profile) profile->Enter(phase);
}

}  // namespace ocellus::trainer
