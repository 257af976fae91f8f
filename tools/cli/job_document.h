// A job's file, read, checked and turned into what the coordinator takes.
#pragma once

#include <string>
#include <vector>

#include "models/schema/schema.h"
#include "ocellus/v1/job.pb.h"

namespace ocellus::cli {

struct JobDocument {
  std::string file;  // for messages: as it was given, "stdin" for "-"
  schema::Document document;
};

// Reads `path` ("-" is stdin) with the overrides of --set. False with problems: an unreadable file
// is one too. Paths in the result are absolute.
bool ReadJobDocument(const std::string& path, const std::vector<std::string>& overrides,
                     JobDocument* out, std::vector<schema::Problem>* problems);

// The scheduling keys as a message; training_json is the training document.
v1::JobSpec ToJobSpec(const schema::Document& document);

// All problems, one a line, then a line of ours with the command that helps.
std::string ProblemsText(const std::string& file, const std::vector<schema::Problem>& problems);

}  // namespace ocellus::cli
