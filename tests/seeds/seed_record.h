// The file in which slices of seeds are recorded, as JSON, and how it is read and written again.
// Thread rule: none.
#pragma once

#include <string>
#include <vector>

#include "core/base/error.h"
#include "sim/seeds/seed_slice.h"

namespace chat::sim {

/// The slices in the file, none when there is no such file.
Result<std::vector<SeedSlice>> read_record(const std::string& path);
Status write_record(const std::string& path, const std::vector<SeedSlice>& slices);

}  // namespace chat::sim
