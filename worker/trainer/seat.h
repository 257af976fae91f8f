// Where a rank sits: its device, and its place among the others.
#pragma once

#include <torch/torch.h>

#include "worker/dist/communicator.h"
#include "worker/wire/document.h"

namespace ocellus::trainer {

// What a document does not say of how the ranks meet (worker/dist/rendezvous.h).
struct Meeting {
  int listen_fd = -1;
  bool served = false;
};

// Throws wire::Fault (user, BAD_SPEC) when the document asks for a GPU and there is none.
torch::Device DeviceOf(const wire::Document& document);

dist::Membership MembershipOf(const wire::Document& document, const Meeting& meeting);

}  // namespace ocellus::trainer
