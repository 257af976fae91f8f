// Random names. From the kernel's generator; two are never the same in practice.
#pragma once

#include <string>

namespace ocellus::coordinator {

// UUIDv4 in its usual form, for request and instance ids.
std::string NewUuid();

// `length` characters of [a-z2-7].
std::string RandomName(int length);

// `length` characters of [0-9a-f].
std::string RandomHex(int length);

// Whether `text` has the form of a UUID.
bool IsUuid(const std::string& text);

}  // namespace ocellus::coordinator
