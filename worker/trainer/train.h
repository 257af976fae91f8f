// A rank's life between its document and its exit record.
#pragma once

#include <optional>

#include "worker/trainer/control.h"
#include "worker/trainer/profile.h"
#include "worker/trainer/reporter.h"
#include "worker/trainer/seat.h"
#include "worker/wire/document.h"
#include "worker/wire/event.h"

namespace ocellus::trainer {

// Trains as `document` says, until the last step or until `control` asks for a stop. Every
// exception becomes a record; the process should end after it. With `profile` some of the first
// steps are looked at closely.
wire::ExitRecord Train(const wire::Document& document, const Meeting& meeting, Control& control,
                       Reporter& reporter,
                       const std::optional<ProfileWish>& profile = std::nullopt);

}  // namespace ocellus::trainer
