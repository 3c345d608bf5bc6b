// ExactWorld: the world of a crowd in virtual time: links and time of a VirtualWorld, whose engines
// are those of chatd. It reads no clock. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/crowd/crowd.h"
#include "sim/crowd/crowd_world.h"
#include "sim/crowd/meter.h"
#include "sim/crowd/usage.h"
#include "sim/exact/fault_player.h"
#include "sim/scenario/scenario.h"
#include "sim/virtual/virtual_world.h"

namespace chat::sim {

class ExactWorld : public CrowdWorld, public UsageSource {
 public:
  /// What is given outlives the world.
  ExactWorld(const Scenario& scenario, const RunPlan& plan, VirtualWorld& world, Oracle& oracle);

  void attach(Crowd& crowd, Meter& meter) override;
  Instant now() const override { return world_.now(); }
  WallTime wall() const override { return world_.wall(); }
  void turn(Instant until) override;
  /// Faults count from now on.
  void begin_run() override;
  Status open(uint32_t device) override;
  void send(uint32_t device, std::string message) override;
  void close(uint32_t device, CloseCode code) override;
  void request_token(uint32_t user) override;

  /// Nothing: what the devices cost this machine is no part of the run.
  ProcessUse generator() const override { return {}; }
  /// The processors of all engines, as modelled.
  std::optional<ServerSample> server() const override;

 private:
  /// A device's end of its link.
  class End : public LinkEnd {
   public:
    void on_open() override;
    void on_message(const std::string& bytes) override;
    void on_closed(CloseCode code) override;

    ExactWorld* world = nullptr;
    uint32_t device = 0;
    LinkRef link;
  };

  uint32_t path_kind_of(uint32_t user) const;

  const Scenario& scenario_;
  const RunPlan& plan_;
  VirtualWorld& world_;
  Oracle& oracle_;
  Crowd* crowd_ = nullptr;
  Meter* meter_ = nullptr;
  std::vector<End> ends_;  ///< By device; never moved once links point to them.
  std::optional<FaultPlayer> faults_;
};

}  // namespace chat::sim
