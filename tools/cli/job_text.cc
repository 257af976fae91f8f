#include "tools/cli/job_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/terminal.h"
#include "tools/cli/words.h"

namespace ocellus::cli {
namespace {

constexpr int kLastLinesShown = 10;

std::string EtaText(const v1::Progress& progress) {
  if (!progress.has_eta()) {
    return "-";
  }
  return DurationText(absl::Seconds(progress.eta().seconds()));
}

// What was last heard, without what no longer holds once the job has ended.
v1::Progress ProgressOf(const v1::Job& job) {
  v1::Progress progress = job.progress();
  if (IsFinal(job.state())) {
    progress.clear_eta();
    progress.clear_phase();
  }
  return progress;
}

std::string StepText(const v1::Job& job) {
  if (job.has_progress()) {
    return absl::StrCat(job.progress().step());
  }
  return job.has_last_commit() ? absl::StrCat(job.last_commit().step()) : "-";
}

std::string PercentOf(const v1::Job& job) {
  return PercentText(job.progress().step(), job.progress().total_steps());
}

void AddField(const std::string& label, const std::string& text, std::string* out) {
  if (!text.empty()) {
    absl::StrAppend(out, absl::StrFormat("  %-12s", label), OneLine(text), "\n");
  }
}

void AddFailure(const v1::Failure& failure, absl::Time now, std::string* out) {
  absl::StrAppend(out, "last failure: ", OneLine(FailureLine(failure)), ", ",
                  AgeText(failure.at(), now), " ago\n");
  const int first = std::max(0, failure.last_lines_size() - kLastLinesShown);
  for (int i = first; i < failure.last_lines_size(); ++i) {
    absl::StrAppend(out, "  | ", OneLine(failure.last_lines(i)), "\n");
  }
  if (!failure.hint().empty()) {
    absl::StrAppend(out, "  next: ", OneLine(failure.hint()), "\n");
  }
}

}  // namespace

std::string ProgressText(const v1::Progress& progress) {
  std::string text = absl::StrCat("step ", progress.step());
  if (progress.total_steps() > 0) {
    absl::StrAppend(&text, "/", progress.total_steps(), "  ",
                    PercentText(progress.step(), progress.total_steps()));
  }
  if (progress.step() > 0) {
    absl::StrAppend(&text, "  loss ", absl::StrFormat("%.4f", progress.loss()));
    if (progress.has_chance_loss()) {
      absl::StrAppend(&text, " (chance ", absl::StrFormat("%.4g", progress.chance_loss()), ")");
    }
  }
  if (progress.has_knn_accuracy()) {
    absl::StrAppend(&text, "  kNN ", absl::StrFormat("%.1f", 100 * progress.knn_accuracy()), " %");
  }
  if (progress.collapsed()) {
    absl::StrAppend(&text, "  COLLAPSED");
  }
  if (progress.images_per_second() > 0) {
    absl::StrAppend(&text, "  ", absl::StrFormat("%.0f", progress.images_per_second()),
                    " images/s");
  }
  if (progress.has_eta()) {
    absl::StrAppend(&text, "  ETA ", EtaText(progress));
  }
  if (!progress.phase().empty() && progress.phase() != "train") {
    absl::StrAppend(&text, "  (", OneLine(progress.phase()), ")");
  }
  return text;
}

std::string StateLine(const v1::Job& job) {
  std::string text = StateText(job.state());
  if (job.reason() != v1::JOB_REASON_UNSPECIFIED) {
    absl::StrAppend(&text, " (", ReasonText(job.reason()), ")");
  }
  if (!job.message().empty()) {
    absl::StrAppend(&text, ": ", OneLine(job.message()));
  }
  return text;
}

std::string FailureLine(const v1::Failure& failure) {
  std::string text = ClassText(failure.failure_class());
  if (!failure.node().empty()) {
    absl::StrAppend(&text, " on ", failure.node(), ", rank ", failure.rank());
  }
  if (!failure.signal().empty()) {
    absl::StrAppend(&text, ": ", failure.signal());
  } else if (failure.exit_code() != 0) {
    absl::StrAppend(&text, ": exit code ", failure.exit_code());
  }
  if (!failure.message().empty()) {
    absl::StrAppend(&text, ": ", failure.message());
  }
  return text;
}

Table JobTable(const std::vector<v1::Job>& jobs, bool wide, absl::Time now) {
  Table table;
  table.header = {"ID",  "NAME", "PROJECT",  "STATE", "REASON", "RANKS",
                  "GEN", "STEP", "PROGRESS", "ETA",   "AGE"};
  if (wide) {
    table.header.insert(table.header.end(), {"PRIORITY", "DEVICE", "LOSS", "IMAGES/S", "COMMIT"});
  }
  for (const v1::Job& job : jobs) {
    const v1::Progress progress = ProgressOf(job);
    std::vector<std::string> row = {job.id(),
                                    job.spec().name(),
                                    job.spec().project(),
                                    StateText(job.state()),
                                    ReasonText(job.reason()),
                                    absl::StrCat(job.spec().ranks()),
                                    absl::StrCat(job.generation()),
                                    StepText(job),
                                    PercentOf(job),
                                    EtaText(progress),
                                    AgeText(job.create_time(), now)};
    if (wide) {
      row.insert(row.end(), {absl::StrCat(job.spec().priority()), DeviceText(job.spec().device()),
                             job.has_progress() ? NumberText(progress.loss()) : "-",
                             job.has_progress() ? NumberText(progress.images_per_second()) : "-",
                             job.has_last_commit() ? absl::StrCat(job.last_commit().step()) : "-"});
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string JobDetails(const v1::Job& job, absl::Time now) {
  std::string out = absl::StrCat(Tinted(job.spec().name(), Tint::kBold), "  ", job.id(), "\n");
  AddField("state", StateLine(job), &out);
  AddField("since", absl::StrCat(TimeText(job.since()), " (", AgeText(job.since(), now), ")"),
           &out);
  AddField("project", job.spec().project(), &out);
  AddField("ranks",
           absl::StrCat(job.spec().ranks(), " on ", DeviceText(job.spec().device()), ", priority ",
                        job.spec().priority()),
           &out);
  AddField("generation", absl::StrCat(job.generation()), &out);
  AddField("progress", job.has_progress() ? ProgressText(ProgressOf(job)) : "", &out);
  AddField(
      "created",
      absl::StrCat(TimeText(job.create_time()), " (", AgeText(job.create_time(), now), " ago)"),
      &out);
  AddField("ended", job.has_end_time() ? TimeText(job.end_time()) : "", &out);
  for (const auto& [key, value] : job.spec().labels()) {
    AddField("label", absl::StrCat(key, ": ", value), &out);
  }
  for (const auto& [kind, uri] : job.artifacts()) {
    AddField("artifact", absl::StrCat(kind, "  ", uri), &out);
  }
  if (job.has_last_failure()) {
    AddFailure(job.last_failure(), now, &out);
  } else {
    absl::StrAppend(&out, "last failure: none\n");
  }
  if (job.has_last_commit()) {
    const v1::Checkpoint& commit = job.last_commit();
    absl::StrAppend(&out, "last commit: step ", commit.step(), ", ",
                    AgeText(commit.commit_time(), now), " ago, ", commit.uri(), "\n");
  } else {
    absl::StrAppend(&out, "last commit: none\n");
  }
  return out;
}

Table EventTable(const std::vector<v1::JobEvent>& events) {
  Table table{{"AT", "EVENT", "STATE", "REASON", "GEN", "ACTOR", "MESSAGE"}, {}};
  for (const v1::JobEvent& event : events) {
    const bool moved =
        event.from_state() != event.to_state() && event.to_state() != v1::JOB_STATE_UNSPECIFIED;
    table.rows.push_back({TimeText(event.at()), EventTypeText(event.type()),
                          moved ? StateText(event.to_state()) : "-", ReasonText(event.reason()),
                          absl::StrCat(event.generation()), event.actor(), event.message()});
  }
  return table;
}

Table CheckpointTable(const std::vector<v1::Checkpoint>& checkpoints, bool wide, absl::Time now) {
  Table table{{"STEP", "GEN", "STATE", "SIZE", "AGE", "URI"}, {}};
  if (wide) {
    table.header.push_back("MANIFEST SHA-256");
  }
  for (const v1::Checkpoint& one : checkpoints) {
    table.rows.push_back({absl::StrCat(one.step()), absl::StrCat(one.generation()),
                          CheckpointStateText(one.state()) + (one.pinned() ? " pinned" : ""),
                          BytesText(one.bytes()), AgeText(one.commit_time(), now), one.uri()});
    if (wide) {
      table.rows.back().push_back(one.manifest_sha256());
    }
  }
  return table;
}

Table NodeTable(const std::vector<v1::Node>& nodes, bool wide, absl::Time now) {
  Table table{{"NAME", "STATE", "CPU SLOTS", "GPUS", "USED", "HEARTBEAT", "JOBS"}, {}};
  if (wide) {
    table.header.insert(table.header.end(), {"VERSION", "METRICS"});
  }
  for (const v1::Node& node : nodes) {
    table.rows.push_back({node.name(), NodeStateText(node.state()), absl::StrCat(node.cpu_slots()),
                          absl::StrCat(node.gpus()), absl::StrCat(node.used_slots()),
                          AgeText(node.last_heartbeat(), now),
                          node.jobs_size() == 0 ? "-" : absl::StrJoin(node.jobs(), ",")});
    if (wide) {
      table.rows.back().push_back(node.version());
      table.rows.back().push_back(node.metrics_address());
    }
  }
  return table;
}

}  // namespace ocellus::cli
