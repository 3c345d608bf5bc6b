// A fingerprint of every byte of an engine's outputs, for comparing runs.
// Owns nothing. Thread rule: a pure function of its arguments.
#pragma once

#include "core/base/digest.h"
#include "core/engine/io.h"

namespace chat::sim {

/// Adds all that `output` says; equal outputs add equal words.
void add_output(Digest& digest, const Output& output);

}  // namespace chat::sim
