// PeerLink: one end of a reliable, ordered stream of frames between two engines over an unreliable
// datagram bus. Below it datagrams may be lost, repeated, late or out of order. Above it frames
// arrive in order and once, or the link ends. Every link that an engine starts has a higher
// generation than all before it. Frames are sent only once both ends know each other's generation
// (a link with frames first says hello and awaits the reply), so what was sent to one link is never
// delivered by its successor. An idle link sends nothing. Sans-IO: receive() what came, poll() what
// to send, call poll() again at next_wake(). It reads no clock and draws no chance. Thread rule:
// owned by one engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/peer/peer_datagram.h"

namespace chat {

struct PeerLinkOptions {
  EngineRef self = {};
  EngineRef peer = {};
  uint64_t generation =
      1;  ///< Larger than of any link that this engine id started before, restarts included.
  size_t datagram_bytes_max = 64 * 1024;  ///< A single frame may exceed it.
  size_t window_bytes =
      4 * 1024 * 1024;  ///< Unacknowledged at most, and kept out of order at most.
  size_t queue_bytes_max =
      64 * 1024 * 1024;  ///< Unacknowledged and waiting at most; more ends the link.
  Duration ack_delay = milliseconds(10);
  Duration resend_after = milliseconds(200);  ///< Doubles with each resend without progress,
  Duration resend_after_max = seconds(1);     ///< up to this.
  Duration dead_after = seconds(5);  ///< Without progress while something is unacknowledged.
};

enum class PeerLinkEnd : uint8_t {
  none,            ///< The link lives.
  dead,            ///< No acknowledgement within dead_after.
  peer_restarted,  ///< The peer started a newer link or is a newer incarnation.
  overflow,        ///< More than queue_bytes_max waited.
};

/// The end's name as it is printed, for example "peer_restarted".
const char* name_of(PeerLinkEnd end);

struct PeerLinkCounters {
  uint64_t frames_sent = 0;  ///< Without repeats.
  uint64_t frames_resent = 0;
  uint64_t frames_delivered = 0;
  uint64_t datagrams_sent = 0;
  uint64_t datagrams_received = 0;
  uint64_t datagrams_stale = 0;  ///< Of or for another link of this pair; ignored.
};

class PeerLink {
 public:
  /// A larger frame is refused by assertion: whoever makes frames has to split them.
  static constexpr size_t kFrameBytesMax = 1024 * 1024;

  explicit PeerLink(const PeerLinkOptions& options);

  /// What a datagram says about where it belongs, for choosing or starting the link that receives
  /// it.
  static Result<PeerHeader> peek(std::string_view datagram) {
    return peer_datagram::decode(datagram);
  }

  /// Queues a frame; the next poll() sends it. Ignored once ended. May end the link (overflow).
  void send(std::string frame);

  /// Takes one datagram and appends the frames that are now in order. Stale datagrams are ignored.
  /// An error is a malformed datagram or one of other engines, and changes nothing. If this ends
  /// the link as peer_restarted, the datagram is of the peer's new link: give it to the successor
  /// of this one.
  Status receive(Instant now, std::string_view datagram, std::vector<std::string>& frames_out);

  /// Appends the datagrams to send now; call it at the end of each turn and at next_wake(). May end
  /// the link (dead).
  void poll(Instant now, std::vector<std::string>& datagrams_out);
  /// When poll() must be called next, valid after a poll(); kNever while the link is idle or ended.
  Instant next_wake() const;

  bool ended() const { return end_ != PeerLinkEnd::none; }
  PeerLinkEnd end_reason() const { return end_; }
  /// Bytes that wait or are unacknowledged.
  size_t queued_bytes() const { return queued_bytes_; }
  /// True when the peer has acknowledged everything.
  bool idle() const { return queue_.empty(); }
  uint64_t generation() const { return options_.generation; }
  const EngineRef& peer() const { return options_.peer; }
  const PeerLinkCounters& counters() const { return counters_; }

 private:
  bool identify(const PeerHeader& header);
  void bind(Instant now);
  void take_ack(Instant now, const PeerHeader& header);
  void take_frames(Instant now, const PeerHeader& header, std::string_view frames,
                   std::vector<std::string>& frames_out);
  void keep_out_of_order(uint64_t seq, std::string_view frame);
  void deliver_kept(std::vector<std::string>& frames_out);
  void poll_unbound(Instant now, std::vector<std::string>& datagrams_out);
  void rewind();
  std::string next_datagram();
  PeerHeader header() const;
  uint64_t queue_end() const { return base_ + queue_.size(); }
  const std::string& queued(uint64_t seq) const { return queue_[seq - base_]; }
  size_t flight_max() const;
  void end(PeerLinkEnd reason);

  PeerLinkOptions options_;
  PeerLinkCounters counters_;
  PeerLinkEnd end_ = PeerLinkEnd::none;

  // The newest generation heard of the peer. It is settled (bound) once the peer has addressed
  // ours: from then on a newer one ends the link.
  uint64_t peer_generation_ = 0;
  bool bound_ = false;
  bool reply_due_ = false;

  // Sending: queue_ holds the frames from seq base_ on; those below next_ are in flight, those
  // below sent_end_ have been sent at least once.
  std::deque<std::string> queue_;
  size_t queued_bytes_ = 0;
  uint64_t base_ = 1;
  uint64_t next_ = 1;
  uint64_t sent_end_ = 1;
  size_t flight_bytes_ = 0;
  size_t peer_credit_;
  size_t burst_bytes_;  ///< Limits the flight after a loss and grows with each acknowledgement.
  Duration resend_wait_;
  Instant resend_at_ = kNever;
  Instant waiting_since_ = kNever;

  // Receiving: every frame below expected_ was delivered; later ones are kept until the gap is
  // filled.
  uint64_t expected_ = 1;
  std::map<uint64_t, std::string> kept_;
  size_t kept_bytes_ = 0;
  size_t unacked_bytes_ = 0;
  Instant ack_at_ = kNever;
};

}  // namespace chat
