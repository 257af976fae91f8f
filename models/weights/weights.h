// An objective's weights and an optimizer's state, to and from safetensors files.
//
// Inside the files are the official names of the method's own code (docs/REPLAY.md); an exported
// encoder has timm's.
#pragma once

#include <torch/torch.h>

#include <string>

#include "models/objective.h"
#include "worker/checkpoint/restore.h"
#include "worker/checkpoint/safetensors.h"
#include "worker/checkpoint/snapshot.h"

namespace ocellus::models::weights {

// Parameters and buffers by official name, detached; the live tensors, not copies.
Tensors State(Objective& objective);

// Tensors as a snapshot wants them. Each source keeps its tensor alive and copies from any device.
checkpoint::FileSource Source(const Tensors& tensors, const checkpoint::Metadata& metadata = {});

// The tensors of a file, on the CPU, without a copy: they keep the file's bytes alive and must not
// be written to. Throws wire::Fault (user, WEIGHTS_MISMATCH) for a type that LibTorch lacks.
Tensors FromFile(const checkpoint::SafetensorsFile& file);

// The tensors of the safetensors file at `path`. A PyTorch .pth file is refused with a hint how to
// convert it.
Tensors ReadFile(const std::string& path);

// Copies `tensors` into the objective. Every parameter and buffer must be there with its shape, and
// nothing else; parameters are F32, integer buffers I64. Throws wire::Fault (user,
// WEIGHTS_MISMATCH) that lists *every* missing name, unexpected name, wrong shape and wrong type;
// then nothing has changed. `origin` names the file in the message.
void LoadState(Objective& objective, const Tensors& tensors, const std::string& origin);

// ReadFile, then LoadState.
void LoadFile(Objective& objective, const std::string& path);

// Writes everything under official names, or the encoder under timm's with its metadata. The same
// weights give the same bytes. Throws wire::Fault (storage) with path and cause.
void ExportFull(Objective& objective, const std::string& path);
void ExportEncoder(Objective& objective, const std::string& path);

// Writes any tensors, in F32, I64 or as they are.
void WriteTensors(const Tensors& tensors, const checkpoint::Metadata& metadata,
                  const std::string& path);

}  // namespace ocellus::models::weights
