#include "coordinator/api/explain.h"

#include "absl/strings/str_cat.h"
#include "coordinator/job/transitions.h"

namespace ocellus::coordinator {
namespace {

void ExplainPending(const v1::Job& job, const std::vector<std::string>& slot_holders,
                    v1::ExplainJobResponse* response) {
  const auto step = [&](const std::string& text) { response->add_next_steps(text); };
  switch (job.reason()) {
    case v1::JOB_REASON_BACKOFF:
      step("it starts again by itself when the wait is over; `ocellus job logs` shows what failed");
      break;
    case v1::JOB_REASON_NO_NODES:
      step("start a worker: `ocellus-worker --coordinator ADDRESS --node NAME`, or `ocellus up`");
      break;
    case v1::JOB_REASON_EXCEEDS_CLUSTER_EVER:
      step("submit it with fewer `ranks`, or another `device`");
      step("or add workers, or give the worker more `--cpu-slots`");
      break;
    case v1::JOB_REASON_WAITING_FOR_WORKERS:
      step("it starts by itself once its workers are up");
      step("or submit it with fewer `ranks`, or add nodes to the cluster");
      break;
    case v1::JOB_REASON_NODES_CORDONED:
      step("bring the missing nodes back; `ocellus node list` shows them");
      break;
    case v1::JOB_REASON_WAITING_FOR_SLOTS:
    case v1::JOB_REASON_FRAGMENTED:
      response->mutable_blocked_by()->Add(slot_holders.begin(), slot_holders.end());
      step("it starts when the jobs that hold the slots end; or cancel one of them");
      step("or submit it with a higher `priority` or fewer `ranks`");
      break;
    default:
      step("nothing; the scheduler looks at it within a second");
      break;
  }
}

void ExplainHeld(const v1::Job& job, v1::ExplainJobResponse* response) {
  if (job.reason() == v1::JOB_REASON_NO_CHECKPOINT_LEFT) {
    response->add_next_steps(
        absl::StrCat("see which are damaged: `ocellus checkpoint list ", job.id(), "`"));
    response->add_next_steps("submit the job again to start from step 0");
    return;
  }
  if (job.reason() != v1::JOB_REASON_HOLD) {
    response->add_next_steps(absl::StrCat("find the cause: `ocellus job logs ", job.id(), "`"));
  }
  response->add_next_steps(
      absl::StrCat("let it go on from its last commit: `ocellus job resume ", job.id(), "`"));
  response->add_next_steps(absl::StrCat("or end it: `ocellus job cancel ", job.id(), "`"));
}

}  // namespace

void Explain(const std::vector<std::string>& slot_holders, v1::ExplainJobResponse* response) {
  const v1::Job& job = response->job();
  response->set_explanation(absl::StrCat(ShortName(job.state()), " (", ShortName(job.reason()), ")",
                                         job.message().empty() ? "" : ": ", job.message()));
  switch (job.state()) {
    case v1::JOB_STATE_PENDING:
      ExplainPending(job, slot_holders, response);
      break;
    case v1::JOB_STATE_HELD:
      ExplainHeld(job, response);
      break;
    case v1::JOB_STATE_STARTING:
      response->add_next_steps("nothing; it runs once every rank has finished a step");
      break;
    case v1::JOB_STATE_RUNNING:
      if (!job.progress().checkpoint_trouble().empty()) {
        response->set_explanation(absl::StrCat(response->explanation(),
                                               "; it trains on, but no checkpoint can be stored: ",
                                               job.progress().checkpoint_trouble()));
        response->add_next_steps(
            "repair the object storage (`ocellus storage check URI`); checkpoints go on by "
            "themselves then");
      }
      response->add_next_steps(absl::StrCat("watch it: `ocellus job watch ", job.id(), "`"));
      break;
    case v1::JOB_STATE_STOPPING:
      response->add_next_steps("nothing; it goes on when every rank's end is known");
      break;
    case v1::JOB_STATE_FAILED:
      if (!job.last_failure().hint().empty()) {
        response->add_next_steps(job.last_failure().hint());
      }
      response->add_next_steps("correct the cause and submit it again");
      break;
    default:
      break;
  }
}

}  // namespace ocellus::coordinator
