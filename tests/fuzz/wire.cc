// What a rank prints (events) and what an agent sends (commands): lines from a program that may be
// damaged. What is understood must print and parse again.
#include <cstdlib>

#include "tests/fuzz/text.h"
#include "worker/wire/command.h"
#include "worker/wire/event.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace wire = ocellus::wire;
  const std::string line = ocellus::TextOf(data, size);
  std::string error;
  const auto event = wire::ParseEvent(line, &error);
  if (event && event->body.index() != 0 && !wire::ParseEvent(wire::Print(*event), &error)) {
    std::abort();
  }
  wire::ParseCommand(line, &error);
  return 0;
}
