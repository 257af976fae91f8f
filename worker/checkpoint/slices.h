// A state that all ranks hold alike, cut by bytes into slices, so that each rank writes its share:
// one slice, or as many as its store takes at the same time.
//
// A slice is a safetensors file of whole tensors; together they are the file that one rank would
// have written. FORMAT.md has the names.
#pragma once

#include <map>
#include <string>

#include "worker/checkpoint/safetensors.h"
#include "worker/checkpoint/slice_name.h"
#include "worker/checkpoint/snapshot.h"
#include "worker/store/object_store.h"

namespace ocellus::checkpoint {

// What of `sources` rank `rank` of `world` writes into a store that takes `portions`, under the
// slices' names: to each belong the tensors whose middle lies in its share of a file's bytes. A
// slice may be empty. All ranks must have the same sources and portions.
FileSources SlicesOf(const FileSources& sources, int rank, int world,
                     const store::Portions& portions = {});

// Puts the slices of `files` together under the names of what they are slices of; whole files stay.
// Throws wire::Fault (storage, CORRUPT_FILE) when one is missing or a tensor is in two; `origin`
// names the checkpoint.
std::map<std::string, SafetensorsFile> Joined(const std::map<std::string, SafetensorsFile>& files,
                                              const std::string& origin);

}  // namespace ocellus::checkpoint
