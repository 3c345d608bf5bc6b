// SharedBytes: immutable bytes that many receivers share, so that a fan-out encodes and stores
// them once. Thread rule: never changed once made, so every thread may read them.
#pragma once

#include <memory>
#include <string>

namespace chat {

using SharedBytes = std::shared_ptr<const std::string>;

}  // namespace chat
