#include "worker/trainer/exit_record.h"

#include <c10/util/Exception.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <new>

namespace ocellus::trainer {
namespace {

std::atomic<Reporter*> terminate_reporter{nullptr};

wire::ExitRecord OutOfMemory(const std::string& message, int64_t step) {
  return {wire::FaultClass::kUser, "OUT_OF_MEMORY", message,
          "raise batch.accumulate, lower batch.global, or take a smaller model", step};
}

wire::ExitRecord Internal(const std::string& message, int64_t step) {
  return {wire::FaultClass::kUnknown, "INTERNAL", message,
          "this is a fault of Ocellus; please report it with the log", step};
}

// The first line alone: the rest is a trace of LibTorch's insides.
std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

wire::ExitRecord RecordOfCurrentException(int64_t step) {
  try {
    throw;
  } catch (const wire::Fault& fault) {
    return wire::RecordOf(fault, step);
  } catch (const c10::OutOfMemoryError& error) {
    return OutOfMemory(FirstLine(error.what_without_backtrace()), step);
  } catch (const c10::DistError& error) {
    return {wire::FaultClass::kInfraProcess, "PEER_LOST", FirstLine(error.what_without_backtrace()),
            "see the other ranks' logs", step};
  } catch (const c10::Error& error) {
    const std::string message = FirstLine(error.what_without_backtrace());
    if (message.find("allocate memory") != std::string::npos) return OutOfMemory(message, step);
    return Internal(message, step);
  } catch (const std::bad_alloc&) {
    return OutOfMemory("the machine has no memory left for this process", step);
  } catch (const std::exception& error) {
    return Internal(FirstLine(error.what()), step);
  } catch (...) {
    return Internal("an exception of an unknown type", step);
  }
}

void InstallTerminateHandler(Reporter* reporter) {
  terminate_reporter = reporter;
  std::set_terminate([] {
    wire::ExitRecord record = Internal("terminated without an exception", 0);
    if (std::current_exception()) record = RecordOfCurrentException(0);
    if (Reporter* to = terminate_reporter.exchange(nullptr)) to->Exit(record);
    _exit(wire::ExitCode(record));
  });
}

}  // namespace ocellus::trainer
