// ScenarioDay: reads the sections `regions`, `day` and `fleet` of a scenario file.
// Thread rule: pure function.
#pragma once

#include "sim/scenario/scenario.h"
#include "tools/common/yaml_reader.h"

namespace chat::sim {

/// Sets what the file's top map says; mistakes are collected there.
void read_day(YamlMap& top, Scenario& scenario);

}  // namespace chat::sim
