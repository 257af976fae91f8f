#include "coordinator/api/log_service.h"

#include <map>
#include <string>
#include <utility>

#include "coordinator/api/call.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/transitions.h"
#include "coordinator/state/jobs.h"

namespace ocellus::coordinator {
namespace {

// Also how soon the end of a job ends its tail.
constexpr absl::Duration kFollowInterval = absl::Milliseconds(500);

// Lines that are missing between those that were sent, known by jumps in seq.
class GapCounter {
 public:
  // A filter by level leaves holes on purpose.
  explicit GapCounter(bool enabled) : enabled_(enabled) {}
  int64_t Count(const LogChunk& chunk) {
    int64_t missing = 0;
    for (const v1::LogLine& line : chunk.lines) {
      int64_t& last = last_seq_[{line.generation(), line.rank()}];
      if (last > 0 && line.seq() > last + 1) {
        missing += line.seq() - last - 1;
      }
      last = line.seq();
    }
    return enabled_ ? missing : 0;
  }

 private:
  const bool enabled_;
  std::map<std::pair<int64_t, int>, int64_t> last_seq_;
};

LogFilter FilterOf(const v1::TailLogsRequest& request) {
  LogFilter filter;
  if (request.has_rank()) {
    filter.rank = request.rank();
  }
  filter.generation = request.generation();
  filter.min_level = request.min_level();
  return filter;
}

}  // namespace

grpc::Status LogService::TailLogs(grpc::ServerContext* context, const v1::TailLogsRequest* request,
                                  grpc::ServerWriter<v1::TailLogsResponse>* writer) {
  return Answer(parts_, *context, *request,
                [&](const Caller& caller) { return Tail(*context, caller, *request, writer); });
}

absl::Status LogService::Tail(const grpc::ServerContext& context, const Caller& caller,
                              const v1::TailLogsRequest& request,
                              grpc::ServerWriter<v1::TailLogsResponse>* writer) {
  std::string id;
  const auto has_ended = [&]() -> absl::StatusOr<bool> {
    bool ended = false;
    OCELLUS_RETURN_IF_ERROR(parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(const JobRow row,
                               FindJob(db, id.empty() ? request.job() : id, caller.Projects()));
      id = row.id;
      ended = IsTerminal(row.state);
      return absl::OkStatus();
    }));
    return ended;
  };
  OCELLUS_RETURN_IF_ERROR(has_ended().status());
  const LogFilter filter = FilterOf(request);
  std::string cursor = request.cursor();
  if (cursor.empty()) {
    OCELLUS_ASSIGN_OR_RETURN(cursor, parts_.logs->Start(id, request.lines(), filter));
  }
  GapCounter gaps(filter.min_level == v1::LOG_LEVEL_UNSPECIFIED);
  while (!context.IsCancelled() && !parts_.logs->appended().closed()) {
    const int64_t seen = parts_.logs->appended().Seen();
    // Asked before reading: what a job logs comes before its end.
    OCELLUS_ASSIGN_OR_RETURN(const bool ended, has_ended());
    OCELLUS_ASSIGN_OR_RETURN(LogChunk chunk, parts_.logs->Read(id, cursor, filter));
    cursor = chunk.cursor;
    if (!chunk.lines.empty()) {
      v1::TailLogsResponse response;
      response.set_dropped(gaps.Count(chunk));
      response.set_cursor(cursor);
      response.mutable_lines()->Add(chunk.lines.begin(), chunk.lines.end());
      if (!writer->Write(response)) {
        return absl::OkStatus();
      }
    }
    if (chunk.more) {
      continue;
    }
    if (!request.follow() || ended) {
      return absl::OkStatus();
    }
    parts_.logs->appended().Wait(seen, kFollowInterval);
  }
  return context.IsCancelled()
             ? absl::CancelledError("the client left")
             : absl::UnavailableError("the coordinator is stopping; go on from the last cursor");
}

}  // namespace ocellus::coordinator
