// The frame codec: WebSocket messages of both encodings to and from chat.proto batches, with
// limits. chat.v1.proto is the protobuf encoding; chat.v1.json its canonical JSON. It also joins
// frames whose events were encoded once with the few bytes of each receiver. Stateless; all errors
// are values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/engine/io.h"

namespace chat::v1 {
class ClientBatch;
class ClientFrame;
class Event;
class ServerBatch;
class ServerFrame;
}  // namespace chat::v1

namespace chat::wire {

/// Frames of one message at most: more is a protocol error.
inline constexpr int kFramesPerMessageMax = 256;

/// Ends the messages that the protobuf library writes to standard error by itself, for a peer could
/// fill a log with them: its errors are told as values. Once, before the first thread is started.
void quiet_parser();

/// The subprotocol's name: "chat.v1.proto" or "chat.v1.json".
std::string_view subprotocol_of(Encoding encoding);

/// Decodes a client's message. Errors: corrupt (does not decode, with the place), too_large (too
/// many frames). Unknown fields are skipped.
Status decode_client_batch(Encoding encoding, std::string_view bytes, v1::ClientBatch& out);
/// Decodes a server's message, for clients.
Status decode_server_batch(Encoding encoding, std::string_view bytes, v1::ServerBatch& out);

/// A whole client message.
std::string encode_client_batch(Encoding encoding, const v1::ClientBatch& batch);

/// One frame as it stands inside a server message: for proto with its tag and length, so that
/// frames concatenate; for JSON the object, so that frames join with commas.
std::string encode_server_frame(Encoding encoding, const v1::ServerFrame& frame);

/// What stands before, between and after the frames of one server message.
struct BatchFraming {
  std::string_view prefix, separator, suffix;
};
BatchFraming server_batch_framing(Encoding encoding);

/// An event's body in an encoding, made once for all receivers. `event` is an encoded
/// chat.v1.Event. Errors: corrupt (only for JSON, which has to decode it).
Result<std::string> encode_event_body(Encoding encoding, std::string_view event);
/// The frame of one receiver around a shared event body; inbox_seq 0 and an empty client_msg_id are
/// left out.
std::string join_event_frame(Encoding encoding, std::string_view event_body, uint64_t inbox_seq,
                             std::string_view client_msg_id);

}  // namespace chat::wire
