#include "core/wire/frame_codec.h"

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/json_util.h>

#include "core/base/base64.h"
#include "core/base/utf8.h"
#include "core/wire/chat.pb.h"

namespace chat::wire {
namespace {

constexpr char kFramesTag = 0x0a;       // ServerBatch.frames, length-delimited
constexpr char kInboxSeqTag = 0x10;     // ServerFrame.inbox_seq, varint
constexpr char kClientMsgIdTag = 0x1a;  // ServerFrame.client_msg_id, length-delimited
constexpr char kEventTag = 0x3a;        // ServerFrame.event, length-delimited

void append_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

std::string to_json(const google::protobuf::Message& message) {
  std::string out;
  // Fails only for malformed Any or invalid UTF-8, which protobuf refuses when it parses.
  if (!google::protobuf::util::MessageToJsonString(message, &out).ok()) out = "{}";
  return out;
}

template <class Batch>
Status decode_batch(Encoding encoding, std::string_view bytes, Batch& out) {
  if (encoding == Encoding::proto) {
    if (!out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return make_error(ErrorCode::corrupt,
                        "the message is no protobuf batch of chat.v1.proto; check the schema");
    }
  } else {
    if (!is_utf8(bytes)) return make_error(ErrorCode::corrupt, "the message is not UTF-8");
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    const auto status = google::protobuf::util::JsonStringToMessage(
        google::protobuf::StringPiece(bytes.data(), bytes.size()), &out, options);
    if (!status.ok()) {
      // The parser quotes the place of the error by bytes, so it may cut characters.
      return make_error(ErrorCode::corrupt, "the message is no JSON batch of chat.v1.json: " +
                                                displayable(status.message().as_string()));
    }
  }
  if (out.frames_size() > kFramesPerMessageMax) {
    return make_error(ErrorCode::too_large, "more than 256 frames in one message; send several");
  }
  return {};
}

}  // namespace

void quiet_parser() { google::protobuf::SetLogHandler(nullptr); }

std::string_view subprotocol_of(Encoding encoding) {
  return encoding == Encoding::proto ? "chat.v1.proto" : "chat.v1.json";
}

Status decode_client_batch(Encoding encoding, std::string_view bytes, v1::ClientBatch& out) {
  return decode_batch(encoding, bytes, out);
}

Status decode_server_batch(Encoding encoding, std::string_view bytes, v1::ServerBatch& out) {
  if (Status status = decode_batch(encoding, bytes, out);
      !status && status.error().code != ErrorCode::too_large) {
    return status;
  }
  return {};
}

std::string encode_client_batch(Encoding encoding, const v1::ClientBatch& batch) {
  return encoding == Encoding::proto ? batch.SerializeAsString() : to_json(batch);
}

std::string encode_server_frame(Encoding encoding, const v1::ServerFrame& frame) {
  if (encoding == Encoding::json) return to_json(frame);
  std::string out;
  const size_t size = frame.ByteSizeLong();
  out.reserve(size + 6);
  out.push_back(kFramesTag);
  append_varint(out, size);
  frame.AppendToString(&out);
  return out;
}

BatchFraming server_batch_framing(Encoding encoding) {
  if (encoding == Encoding::proto) return {};
  return {R"({"frames":[)", ",", "]}"};
}

Result<std::string> encode_event_body(Encoding encoding, std::string_view event) {
  if (encoding == Encoding::proto) {
    std::string out;
    out.reserve(event.size() + 6);
    out.push_back(kEventTag);
    append_varint(out, event.size());
    out.append(event);
    return out;
  }
  v1::Event message;
  if (!message.ParseFromArray(event.data(), static_cast<int>(event.size()))) {
    return make_error(ErrorCode::corrupt, "a stored event does not decode");
  }
  return "\"event\":" + to_json(message);
}

std::string join_event_frame(Encoding encoding, std::string_view event_body, uint64_t inbox_seq,
                             std::string_view client_msg_id) {
  std::string out;
  if (encoding == Encoding::json) {
    out = "{";
    if (inbox_seq != 0) out += "\"inboxSeq\":\"" + std::to_string(inbox_seq) + "\",";
    if (!client_msg_id.empty()) out += "\"clientMsgId\":\"" + to_base64(client_msg_id) + "\",";
    out.append(event_body);
    out += "}";
    return out;
  }
  std::string own;
  if (inbox_seq != 0) {
    own.push_back(kInboxSeqTag);
    append_varint(own, inbox_seq);
  }
  if (!client_msg_id.empty()) {
    own.push_back(kClientMsgIdTag);
    append_varint(own, client_msg_id.size());
    own.append(client_msg_id);
  }
  out.reserve(own.size() + event_body.size() + 6);
  out.push_back(kFramesTag);
  append_varint(out, own.size() + event_body.size());
  out += own;
  out.append(event_body);
  return out;
}

}  // namespace chat::wire
