#include "core/peer/peer_link.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace chat {
namespace {

// Bookkeeping of a kept frame, so that many empty frames are bounded like a few large ones.
constexpr size_t kKeptOverheadBytes = 64;

// After a loss this many datagrams are tried before an acknowledgement shows that more get through.
constexpr size_t kBurstDatagrams = 4;

}  // namespace

const char* name_of(PeerLinkEnd end) {
  switch (end) {
    case PeerLinkEnd::none:
      return "none";
    case PeerLinkEnd::dead:
      return "dead";
    case PeerLinkEnd::peer_restarted:
      return "peer_restarted";
    case PeerLinkEnd::overflow:
      return "overflow";
  }
  return "unknown";
}

PeerLink::PeerLink(const PeerLinkOptions& options)
    : options_(options),
      peer_credit_(options.window_bytes),
      burst_bytes_(options.window_bytes),
      resend_wait_(options.resend_after) {
  CHAT_ASSERT(options.generation > 0);
}

void PeerLink::send(std::string frame) {
  CHAT_ASSERT(frame.size() <= kFrameBytesMax);
  if (ended()) return;
  queued_bytes_ += frame.size();
  queue_.push_back(std::move(frame));
  if (queued_bytes_ > options_.queue_bytes_max) end(PeerLinkEnd::overflow);
}

Status PeerLink::receive(Instant now, std::string_view datagram,
                         std::vector<std::string>& frames_out) {
  const auto decoded = peer_datagram::decode(datagram);
  if (!decoded) return decoded.error();
  const PeerHeader& header = *decoded;
  if (header.from.id != options_.peer.id || header.to.id != options_.self.id) {
    return make_error(ErrorCode::invalid_argument, "peer datagram: of another pair of engines");
  }
  if (header.to_generation == options_.generation && header.ack > sent_end_) {
    return make_error(ErrorCode::corrupt, "peer datagram: acknowledges what was never sent");
  }
  if (ended()) return {};
  ++counters_.datagrams_received;
  if (!identify(header)) return {};
  if (!bound_) bind(now);
  if (header.wants_reply) reply_due_ = true;
  take_ack(now, header);
  take_frames(now, header, peer_datagram::frames_of(datagram), frames_out);
  return {};
}

// True when the datagram is of the peer's present link and for this one.
bool PeerLink::identify(const PeerHeader& header) {
  const bool newer_life = header.from.incarnation > options_.peer.incarnation;
  const bool older_life = header.from.incarnation < options_.peer.incarnation;
  if (older_life || header.to.incarnation != options_.self.incarnation ||
      (!newer_life && header.from_generation < peer_generation_)) {
    ++counters_.datagrams_stale;
    return false;
  }
  if (newer_life || (bound_ && header.from_generation > peer_generation_)) {
    end(PeerLinkEnd::peer_restarted);
    return false;
  }
  peer_generation_ = header.from_generation;
  if (header.to_generation == options_.generation) return true;
  // The peer does not know this link yet: a hello, or it still talks to our former link and has to
  // learn of its end.
  if (header.wants_reply || header.to_generation != 0) reply_due_ = true;
  ++counters_.datagrams_stale;
  return false;
}

void PeerLink::bind(Instant now) {
  bound_ = true;
  resend_at_ = kNever;
  resend_wait_ = options_.resend_after;
  if (!queue_.empty()) waiting_since_ = now;
}

void PeerLink::take_ack(Instant now, const PeerHeader& header) {
  if (header.ack < base_) return;
  peer_credit_ = header.credit;
  if (header.ack == base_) return;
  size_t acked_bytes = 0;
  while (base_ < header.ack) {
    const size_t bytes = queue_.front().size();
    if (base_ < next_) flight_bytes_ -= bytes;
    queued_bytes_ -= bytes;
    acked_bytes += bytes;
    queue_.pop_front();
    ++base_;
  }
  next_ = std::max(next_, base_);
  burst_bytes_ = std::min(options_.window_bytes, burst_bytes_ + acked_bytes);
  resend_wait_ = options_.resend_after;
  resend_at_ = next_ == base_ ? kNever : now + resend_wait_;
  waiting_since_ = queue_.empty() ? kNever : now;
}

void PeerLink::take_frames(Instant now, const PeerHeader& header, std::string_view frames,
                           std::vector<std::string>& frames_out) {
  if (frames.empty()) return;
  unacked_bytes_ += frames.size();
  const bool urgent = unacked_bytes_ > options_.window_bytes / 4;
  ack_at_ = std::min(ack_at_, urgent ? now : now + options_.ack_delay);
  uint64_t seq = header.seq;
  std::string_view frame;
  for (; peer_datagram::next_frame(frames, frame); ++seq) {
    if (seq > expected_) keep_out_of_order(seq, frame);
    if (seq != expected_) continue;
    frames_out.emplace_back(frame);
    ++expected_;
    ++counters_.frames_delivered;
    deliver_kept(frames_out);
  }
}

void PeerLink::keep_out_of_order(uint64_t seq, std::string_view frame) {
  const size_t bytes = frame.size() + kKeptOverheadBytes;
  if (kept_bytes_ + bytes > options_.window_bytes) return;
  if (kept_.try_emplace(seq, frame).second) kept_bytes_ += bytes;
}

void PeerLink::deliver_kept(std::vector<std::string>& frames_out) {
  while (!kept_.empty() && kept_.begin()->first == expected_) {
    auto first = kept_.extract(kept_.begin());
    kept_bytes_ -= first.mapped().size() + kKeptOverheadBytes;
    frames_out.push_back(std::move(first.mapped()));
    ++expected_;
    ++counters_.frames_delivered;
  }
}

void PeerLink::poll(Instant now, std::vector<std::string>& datagrams_out) {
  if (ended()) return;
  if (!queue_.empty()) {
    if (waiting_since_ == kNever) waiting_since_ = now;
    if (now >= waiting_since_ + options_.dead_after) return end(PeerLinkEnd::dead);
  }
  if (!bound_) return poll_unbound(now, datagrams_out);
  if (now >= resend_at_) rewind();
  bool said_something = false;
  for (;;) {
    std::string datagram = next_datagram();
    if (datagram.empty()) break;
    datagrams_out.push_back(std::move(datagram));
    ++counters_.datagrams_sent;
    said_something = true;
    if (resend_at_ == kNever) resend_at_ = now + resend_wait_;
  }
  if (!said_something && (reply_due_ || now >= ack_at_)) {
    datagrams_out.push_back(peer_datagram::encode(header()));
    ++counters_.datagrams_sent;
    said_something = true;
  }
  if (!said_something) return;
  reply_due_ = false;
  ack_at_ = kNever;
  unacked_bytes_ = 0;
}

// A link with frames says hello until the peer has answered; one without only answers.
void PeerLink::poll_unbound(Instant now, std::vector<std::string>& datagrams_out) {
  const bool hello_due = !queue_.empty() && (resend_at_ == kNever || now >= resend_at_);
  if (!hello_due && !reply_due_) return;
  if (!queue_.empty()) {
    if (resend_at_ != kNever && now >= resend_at_) {
      resend_wait_ = std::min(resend_wait_ * 2, options_.resend_after_max);
    }
    resend_at_ = now + resend_wait_;
  }
  PeerHeader hello = header();
  hello.wants_reply = !queue_.empty();
  datagrams_out.push_back(peer_datagram::encode(hello));
  ++counters_.datagrams_sent;
  reply_due_ = false;
}

void PeerLink::rewind() {
  next_ = base_;
  flight_bytes_ = 0;
  burst_bytes_ = std::min(options_.window_bytes, kBurstDatagrams * options_.datagram_bytes_max);
  resend_wait_ = std::min(resend_wait_ * 2, options_.resend_after_max);
  resend_at_ = kNever;
}

// The next frames that window and datagram size allow; one frame is always allowed. Empty when
// there is none.
std::string PeerLink::next_datagram() {
  std::string datagram;
  while (next_ < queue_end()) {
    const std::string& frame = queued(next_);
    if (flight_bytes_ > 0 && flight_bytes_ + frame.size() > flight_max()) break;
    if (datagram.empty()) {
      datagram = peer_datagram::encode(header());
    } else if (datagram.size() + peer_datagram::kFrameHeaderBytes + frame.size() >
               options_.datagram_bytes_max) {
      break;
    }
    peer_datagram::append_frame(datagram, frame);
    flight_bytes_ += frame.size();
    ++next_;
    ++(next_ > sent_end_ ? counters_.frames_sent : counters_.frames_resent);
    sent_end_ = std::max(sent_end_, next_);
  }
  return datagram;
}

PeerHeader PeerLink::header() const {
  return {.from = options_.self,
          .from_generation = options_.generation,
          .to = options_.peer,
          .to_generation = peer_generation_,
          .seq = next_,
          .ack = expected_,
          .credit = static_cast<uint32_t>(std::min<size_t>(options_.window_bytes, UINT32_MAX))};
}

size_t PeerLink::flight_max() const {
  return std::min({options_.window_bytes, peer_credit_, burst_bytes_});
}

Instant PeerLink::next_wake() const {
  if (ended()) return kNever;
  Instant wake = std::min(ack_at_, resend_at_);
  if (waiting_since_ != kNever) wake = std::min(wake, waiting_since_ + options_.dead_after);
  return wake;
}

void PeerLink::end(PeerLinkEnd reason) {
  end_ = reason;
  queue_.clear();
  kept_.clear();
  queued_bytes_ = 0;
  flight_bytes_ = 0;
  kept_bytes_ = 0;
}

}  // namespace chat
