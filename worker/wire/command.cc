#include "worker/wire/command.h"

#include "worker/wire/fields.h"

namespace ocellus::wire {
namespace {

Command ReadStop(Fields* fields) {
  Stop stop;
  fields->Read("cause", &stop.cause);
  fields->Read("grace_s", &stop.grace_s);
  fields->Read("checkpoint", &stop.checkpoint);
  return stop;
}

Command ReadGrant(Fields* fields) {
  CheckpointGrant grant;
  fields->Read("step", &grant.step);
  fields->Read("upload_id", &grant.upload_id);
  fields->Read("prefix", &grant.prefix);
  return grant;
}

Command ReadResult(Fields* fields) {
  CheckpointResult result;
  fields->Read("step", &result.step);
  fields->Read("committed", &result.committed);
  fields->Read("reason", &result.reason);
  fields->Read("expired", &result.expired);
  fields->ReadIfThere("unavailable", &result.unavailable);
  return result;
}

}  // namespace

std::optional<Command> ParseCommand(const std::string& line, std::string* error) {
  const auto object = ParseObject(line, error);
  if (!object) {
    *error = "command: " + *error;
    return std::nullopt;
  }
  Fields fields(*object, "command");
  std::string type;
  fields.Read("type", &type);
  Command command;
  if (type == "stop") command = ReadStop(&fields);
  if (type == "checkpoint_grant") command = ReadGrant(&fields);
  if (type == "checkpoint_result") command = ReadResult(&fields);
  if (fields.ok()) return command;
  *error = fields.error();
  return std::nullopt;
}

std::string Print(const Stop& stop) {
  return PrintObject({{"type", "stop"},
                      {"cause", stop.cause},
                      {"grace_s", stop.grace_s},
                      {"checkpoint", stop.checkpoint}});
}

std::string Print(const CheckpointGrant& grant) {
  return PrintObject({{"type", "checkpoint_grant"},
                      {"step", grant.step},
                      {"upload_id", grant.upload_id},
                      {"prefix", grant.prefix}});
}

std::string Print(const CheckpointResult& result) {
  return PrintObject({{"type", "checkpoint_result"},
                      {"step", result.step},
                      {"committed", result.committed},
                      {"reason", result.reason},
                      {"expired", result.expired},
                      {"unavailable", result.unavailable}});
}

}  // namespace ocellus::wire
