// The text of a document turned into JSON, with the place of every key.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "models/schema/schema.h"

namespace ocellus::schema {

struct Place {
  int line = 0;    // from 1
  int column = 0;  // from 1
};

struct Source {
  std::string file;
  nlohmann::json value;
  std::map<std::string, Place> places;  // by key path; list elements as "betas[0]"
  std::set<std::string> overridden;     // key paths that came from the command line
};

// Reads JSON, or YAML with anchors, aliases and merge keys. Plain scalars: null, booleans (also
// yes, no, on, off), integers, and every number that JSON has ("1e-4" too, which YAML 1.1 takes for
// text); the rest and whatever is quoted is text. False adds what is wrong with the text to
// `problems`.
bool Parse(const std::string& text, const std::string& file, Source* out,
           std::vector<Problem>* problems);

// Applies "key.path=VALUE".
bool Override(const std::string& assignment, Source* source, std::vector<Problem>* problems);

}  // namespace ocellus::schema
