#include "worker/agent/session.h"

#include <utility>

#include "absl/time/clock.h"
#include "coordinator/base/error.h"
#include "coordinator/base/log.h"

namespace ocellus::agent {
namespace {

using coordinator::Log;
using coordinator::LogSeverity;

constexpr Millis kHeartbeatDefault{5000};

Millis HeartbeatOf(const v1::RegisterResponse& registration) {
  const auto& interval = registration.heartbeat_interval();
  const Millis wanted(interval.seconds() * 1000 + interval.nanos() / 1'000'000);
  return wanted.count() > 0 ? wanted : kHeartbeatDefault;
}

}  // namespace

Session::Session(v1::RegisterRequest identity, CoordinatorLink* link, const Limits& limits,
                 Callbacks callbacks)
    : identity_(std::move(identity)),
      link_(link),
      limits_(limits),
      callbacks_(std::move(callbacks)),
      retry_(limits),
      reconnect_(limits.retry_first, limits.reconnect_last) {
  thread_ = std::thread([this] { Run(); });
}

Session::~Session() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Session::SetOpen(bool open) {
  link_->SetConnected(open);
  {
    const std::lock_guard lock(mutex_);
    open_ = open;
  }
  changed_.notify_all();
}

bool Session::Sleep(Millis duration) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, duration, [this] { return ending_; });
}

void Session::Run() {
  for (;;) {
    v1::RegisterResponse registration;
    if (!Register(&registration)) return;
    for (const v1::GangRef& gang : registration.stale()) callbacks_.stale(gang);
    const SteadyTime opened = SteadyClock::now();
    const absl::Status status = Converse(registration);
    SetOpen(false);
    // A stream that held for a while was a success; one refused at once was not.
    if (SteadyClock::now() - opened > limits_.retry_last) {
      retry_.Succeeded();
      reconnect_.Succeeded();
    }
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
    }
    Log(LogSeverity::kWarning, "coordinator_lost", {{"status", status.ToString()}});
    if (Judge(status) == Verdict::kSessionStale) return callbacks_.refused(status);
    if (!Sleep(Pause(status))) return;
  }
}

Millis Session::Pause(const absl::Status& status) {
  const bool silent =
      absl::IsUnavailable(status) && coordinator::ReasonOf(status) == v1::ERROR_REASON_UNSPECIFIED;
  return silent ? reconnect_.Failed() : retry_.Failed();
}

bool Session::Register(v1::RegisterResponse* response) {
  for (;;) {
    v1::RegisterRequest request = identity_;
    for (v1::GangStatus& gang : callbacks_.gangs()) *request.add_gangs() = std::move(gang);
    const absl::Status status = link_->Register(std::move(request), response);
    if (status.ok()) {
      registered_once_ = true;
      Log(LogSeverity::kInfo, "registered",
          {{"node", identity_.node()}, {"session", response->session()}});
      return true;
    }
    if (GiveUp(status)) {
      callbacks_.refused(status);
      return false;
    }
    const Millis wait = Pause(status);
    Log(LogSeverity::kWarning, "register_failed",
        {{"status", status.ToString()}, {"retry_ms", wait.count()}});
    if (!Sleep(wait)) return false;
  }
}

bool Session::GiveUp(const absl::Status& status) {
  switch (coordinator::ReasonOf(status)) {
    case v1::ERROR_REASON_STALE_SESSION:
    case v1::ERROR_REASON_VERSION_UNSUPPORTED:
      return true;
    case v1::ERROR_REASON_NODE_NAME_IN_USE:
      // A holder that died without closing its connection is believed alive for some seconds.
      return registered_once_ || SteadyClock::now() - started_ > limits_.register_tries;
    default:
      return status.code() == absl::StatusCode::kInvalidArgument;
  }
}

absl::Status Session::Converse(const v1::RegisterResponse& registration) {
  CoordinatorLink::Call call(link_);
  const auto stream = link_->OpenSession(&call);
  if (!Beat(stream.get())) return coordinator::FromGrpc(stream->Finish());
  SetOpen(true);
  std::thread beats([&] { BeatUntilEnd(stream.get(), HeartbeatOf(registration)); });
  v1::SessionResponse order;
  while (stream->Read(&order)) callbacks_.order(order);
  SetOpen(false);
  beats.join();
  return coordinator::FromGrpc(stream->Finish());
}

bool Session::Beat(CoordinatorLink::Stream* stream) {
  v1::SessionRequest beat;
  beat.set_session(link_->session());
  beat.set_node(identity_.node());
  for (v1::GangStatus& gang : callbacks_.gangs()) *beat.add_gangs() = std::move(gang);
  const int64_t nanos = absl::ToUnixNanos(absl::Now());
  beat.mutable_at()->set_seconds(nanos / 1'000'000'000);
  beat.mutable_at()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  return stream->Write(beat);
}

void Session::BeatUntilEnd(CoordinatorLink::Stream* stream, Millis interval) {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, interval, [this] { return ending_ || !open_; })) return;
    }
    if (!Beat(stream)) return;
  }
}

}  // namespace ocellus::agent
