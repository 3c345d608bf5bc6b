// ScenarioVirtual: reads the sections `servers`, `network`, `disk` and `faults` of a scenario file.
// Thread rule: pure function.
#pragma once

#include "sim/scenario/scenario.h"
#include "tools/common/yaml_reader.h"

namespace chat::sim {

/// Sets what the file's top map says; mistakes are collected there.
void read_virtual(YamlMap& top, Scenario& scenario);

}  // namespace chat::sim
