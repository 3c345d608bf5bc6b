#include "server/transport/transport.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "server/transport/listen_socket.h"
#include "tests/server/transport/tcp_peer.h"

namespace chat {
namespace {

class TransportTest : public ::testing::Test {
 protected:
  void SetUp() override { start({}); }

  void start(TransportOptions options) {
    transport_.reset();
    auto sockets = open_listen_sockets({"127.0.0.1", 0}, 1);
    ASSERT_TRUE(sockets.has_value());
    port_ = sockets->port;
    options.listen_descriptor = sockets->descriptors[0];
    auto transport = Transport::open(options);
    ASSERT_TRUE(transport.has_value()) << transport.error().text;
    transport_ = std::move(*transport);
  }

  /// Serves until `done`; a test that waits for nothing fails after a generous while.
  void pump_until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), limit) << "nothing came";
      transport_->wait(milliseconds(5), ready_);
    }
  }

  /// The next input of type T, all others before it are dropped.
  template <class T>
  T next() {
    T found;
    pump_until([&] {
      while (!ready_.inputs.empty()) {
        Input input = std::move(ready_.inputs.front());
        ready_.inputs.erase(ready_.inputs.begin());
        if (auto* match = std::get_if<T>(&input)) {
          found = std::move(*match);
          return true;
        }
      }
      return false;
    });
    return found;
  }

  HttpCall next_call() {
    pump_until([&] { return !ready_.calls.empty(); });
    HttpCall request = std::move(ready_.calls.front());
    ready_.calls.erase(ready_.calls.begin());
    return request;
  }

  void expect_input(TcpPeer& peer, std::string_view text) {
    pump_until([&] { return peer.input().find(text) != std::string::npos; });
  }

  /// A finished handshake; the 101 answer is taken from the peer's input.
  Opened open_websocket(TcpPeer& peer, std::string_view protocols = "chat.v1.json") {
    peer.upgrade(protocols);
    const Opened opened = next<Opened>();
    expect_input(peer, "\r\n\r\n");
    EXPECT_EQ(peer.input().substr(0, 12), "HTTP/1.1 101");
    peer.input().erase(0, peer.input().find("\r\n\r\n") + 4);
    return opened;
  }

  static SharedBytes shared(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
  }

  uint16_t port_ = 0;
  std::unique_ptr<Transport> transport_;
  TransportReady ready_;
};

std::string close_frame(uint16_t code, std::string_view reason = "") {
  return std::string("\x88") + static_cast<char>(2 + reason.size()) + static_cast<char>(code >> 8) +
         static_cast<char>(code) + std::string(reason);
}

TEST_F(TransportTest, OpensWithTheFirstSubprotocolThatItSpeaks) {
  TcpPeer first(port_), second(port_);
  first.upgrade("soap, chat.v1.json, chat.v1.proto");
  const Opened opened = next<Opened>();
  EXPECT_EQ(opened.encoding, Encoding::json);
  EXPECT_EQ(opened.address, "127.0.0.1");
  expect_input(first, "chat.v1.json\r\n");
  EXPECT_EQ(open_websocket(second, "chat.v1.proto").encoding, Encoding::proto);
}

TEST_F(TransportTest, RefusesAHandshakeWithoutAKnownSubprotocolWith400) {
  for (const char* protocols : {"", "soap", "http", "chat.v2.proto"}) {
    TcpPeer peer(port_);
    peer.upgrade(protocols);
    expect_input(peer, "HTTP/1.1 400 ");
    pump_until([&] { return peer.ended(); });
  }
  TcpPeer peer(port_);
  peer.upgrade("chat.v1.json", "/elsewhere");
  expect_input(peer, "HTTP/1.1 404 ");
  EXPECT_TRUE(ready_.inputs.empty());
}

TEST_F(TransportTest, DeliversWholeMessagesHoweverTheyArrive) {
  TcpPeer peer(port_);
  const ConnId conn = open_websocket(peer).conn;
  peer.write(TcpPeer::frame(1, "one") + TcpPeer::frame(1, "two"));
  EXPECT_EQ(next<Received>().bytes, "one");
  EXPECT_EQ(next<Received>().bytes, "two");
  const std::string large(60'000, 'x');
  const std::string bytes = TcpPeer::frame(1, large.substr(0, 100), false) +
                            TcpPeer::frame(9, "ping") + TcpPeer::frame(0, large.substr(100));
  for (size_t at = 0; at < bytes.size(); at += 7'001) peer.write(bytes.substr(at, 7'001));
  const Received received = next<Received>();
  EXPECT_EQ(received.bytes, large);
  EXPECT_EQ(received.conn, conn);
  expect_input(peer, std::string("\x8a\x04ping"));
}

TEST_F(TransportTest, ClosesAConnectionThatSendsTooMuchOrTheWrongKind) {
  for (const std::string& bytes :
       {TcpPeer::frame(1, std::string(65'537, 'x')), TcpPeer::frame(2, "binary")}) {
    TcpPeer peer(port_);
    const ConnId conn = open_websocket(peer).conn;
    peer.write(bytes);
    expect_input(peer, close_frame(4102).substr(2));
    peer.hang_up();
    EXPECT_EQ(next<Closed>().conn, conn);
  }
}

TEST_F(TransportTest, SendsTheSameBytesToManyAndSaysSent) {
  TcpPeer proto(port_), json(port_);
  const ConnId first = open_websocket(proto, "chat.v1.proto").conn;
  const ConnId second = open_websocket(json).conn;
  const SharedBytes bytes = shared("hello");
  transport_->send(first, bytes);
  transport_->send(second, bytes);
  EXPECT_EQ(next<Sent>().conn, first);
  EXPECT_EQ(next<Sent>().conn, second);
  expect_input(proto, "\x82\x05hello");
  expect_input(json, "\x81\x05hello");
}

TEST_F(TransportTest, SaysSentOnlyWhenTheKernelHasEverything) {
  TransportOptions options;
  options.send_buffer_bytes = 4'096;
  start(options);
  TcpPeer peer(port_, 4'096);
  const ConnId conn = open_websocket(peer).conn;
  const std::string large(500'000, 'y');
  transport_->send(conn, shared(large));
  transport_->wait(Duration{}, ready_);
  EXPECT_TRUE(ready_.inputs.empty());
  std::string got;
  pump_until([&] {
    got += peer.take_input();
    return got.size() >= large.size() + 10;
  });
  EXPECT_EQ(got.substr(10), large);
  EXPECT_EQ(next<Sent>().conn, conn);
}

TEST_F(TransportTest, ClosesWithCodeAndReasonAndReportsClosedOnce) {
  TcpPeer peer(port_);
  const ConnId conn = open_websocket(peer).conn;
  transport_->send(conn, shared("last"));
  transport_->close(conn, CloseCode::drain, "moving");
  transport_->close(conn, CloseCode::server_error, "");
  transport_->send(conn, shared("too late"));
  expect_input(peer, std::string("\x81\x04last") + close_frame(4000, "moving"));
  EXPECT_EQ(next<Sent>().conn, conn);
  for (int i = 0; i < 5; ++i) transport_->wait(milliseconds(1), ready_);
  EXPECT_TRUE(ready_.inputs.empty()) << "the peer has time to answer";
  peer.write(TcpPeer::frame(8, close_frame(4000).substr(2)));
  EXPECT_EQ(next<Closed>().conn, conn);
  pump_until([&] { return peer.ended(); });
  EXPECT_EQ(peer.input().find("late"), std::string::npos);
  EXPECT_TRUE(ready_.inputs.empty());
}

TEST_F(TransportTest, CutsOffAPeerThatDoesNotRead) {
  TransportOptions options;
  options.close_timeout = milliseconds(20);
  options.send_buffer_bytes = 4'096;
  start(options);
  TcpPeer peer(port_, 4'096);
  const ConnId conn = open_websocket(peer).conn;
  transport_->send(conn, shared(std::string(500'000, 'z')));
  transport_->close(conn, CloseCode::slow_reader, "too slow");
  EXPECT_EQ(next<Closed>().conn, conn);
}

TEST_F(TransportTest, PassesThePeersCloseCodeOn) {
  TcpPeer polite(port_), silent(port_), rude(port_);
  const ConnId first = open_websocket(polite).conn;
  const ConnId second = open_websocket(silent).conn;
  const ConnId third = open_websocket(rude).conn;
  polite.write(TcpPeer::frame(8, close_frame(1001).substr(2)));
  Closed closed = next<Closed>();
  EXPECT_EQ(closed.conn, first);
  EXPECT_EQ(closed.code, CloseCode::going_away);
  silent.write(TcpPeer::frame(8, ""));
  closed = next<Closed>();
  EXPECT_EQ(closed.conn, second);
  EXPECT_EQ(closed.code, CloseCode::none_received);
  rude.hang_up();
  closed = next<Closed>();
  EXPECT_EQ(closed.conn, third);
  EXPECT_EQ(closed.code, CloseCode::abnormal);
}

TEST_F(TransportTest, AnswersHttpRequestsLaterAndKeepsTheConnection) {
  TcpPeer peer(port_);
  peer.write(
      "POST /v1/chats?limit=5&after=ab HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer tok\r\n"
      "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"a\":");
  transport_->wait(milliseconds(5), ready_);
  EXPECT_TRUE(ready_.calls.empty());
  peer.write("\"b\"}GET /second HTTP/1.1\r\nHost: t\r\n\r\n");
  HttpCall request = next_call();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/v1/chats");
  EXPECT_EQ(request.query, "limit=5&after=ab");
  EXPECT_EQ(request.authorization, "Bearer tok");
  EXPECT_EQ(request.content_type, "application/json");
  EXPECT_EQ(request.body, "{\"a\":\"b\"}");
  transport_->wait(milliseconds(5), ready_);
  EXPECT_TRUE(ready_.calls.empty()) << "a pipelined request waits for the first answer";
  transport_->respond(request.id, {201, "application/json", "{}"});
  expect_input(peer, "HTTP/1.1 201 Created\r\n");
  expect_input(peer, "content-length: 2\r\n\r\n{}");
  request = next_call();
  EXPECT_EQ(request.path, "/second");
  transport_->respond(request.id, {200, "text/plain", std::string(300'000, 'b')});
  pump_until([&] { return peer.input().size() > 300'000; });
  peer.write("PATCH /third HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n");
  request = next_call();
  EXPECT_EQ(request.method, "PATCH");
  transport_->respond(request.id, {401, "application/json", "no"});
  expect_input(peer, "www-authenticate: Bearer\r\n\r\nno");
}

TEST_F(TransportTest, ARequestWithoutALengthHasNoBodyAndIsTheLastOfItsConnection) {
  for (const char* method : {"POST", "PUT", "PATCH"}) {
    TcpPeer peer(port_);
    peer.write(method + std::string(" /v1/logout HTTP/1.1\r\nHost: t\r\n\r\n"));
    const HttpCall request = next_call();
    EXPECT_EQ(request.method, method);
    EXPECT_EQ(request.body, "");
    transport_->respond(request.id, {200, "text/plain", std::string(500'000, 'b')});
    pump_until([&] { return peer.ended(); });
    EXPECT_NE(peer.input().find("connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(peer.input().ends_with("\r\n\r\n" + std::string(500'000, 'b')));
  }
}

TEST_F(TransportTest, AnswersHeadWithoutABodyAndClosesWhenAsked) {
  TcpPeer peer(port_);
  peer.write("HEAD /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  const HttpCall request = next_call();
  transport_->respond(request.id, {200, "text/plain", "healthy"});
  pump_until([&] { return peer.ended(); });
  EXPECT_NE(peer.input().find("content-length: 7\r\n"), std::string::npos);
  EXPECT_EQ(peer.input().find("healthy"), std::string::npos);
}

TEST_F(TransportTest, RefusesBodiesThatAreTooLargeOrChunked) {
  TcpPeer large(port_), chunked(port_), odd(port_);
  large.write("POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: 1048577\r\n\r\n");
  expect_input(large, "HTTP/1.1 413 ");
  const std::string body(1'048'577, 'x');
  size_t written = 0;
  pump_until([&] {
    const std::string_view rest = std::string_view(body).substr(written, 100'000);
    large.write(rest);
    written += rest.size();
    return written == body.size();
  });
  large.write("GET /after HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(next_call().path, "/after");
  chunked.write("POST /x HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  expect_input(chunked, "HTTP/1.1 411 ");
  odd.write("POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: many\r\n\r\n");
  expect_input(odd, "HTTP/1.1 400 ");
  pump_until([&] { return chunked.ended() && odd.ended(); });
}

TEST_F(TransportTest, IgnoresAnAnswerToAClientThatIsGone) {
  TcpPeer peer(port_);
  peer.write("GET /x HTTP/1.1\r\nHost: t\r\n\r\n");
  const HttpCall request = next_call();
  peer.hang_up();
  transport_->respond(request.id, {200, "text/plain", "x"});
  pump_until([&] { return transport_->sockets() == 0; });
  transport_->respond(request.id, {200, "text/plain", "x"});
  transport_->send(ConnId{12345}, shared("x"));
  transport_->close(ConnId{12345}, CloseCode::normal, "");
}

TEST_F(TransportTest, TellsWhoAsksAndBelievesTrustedProxiesOnly) {
  constexpr std::string_view kForwarded = "X-Forwarded-For: 192.0.2.1, 2001:db8::5\r\n";
  const auto ask = [this, kForwarded] {
    TcpPeer peer(port_);
    peer.write("GET /x HTTP/1.1\r\nHost: t\r\n" + std::string(kForwarded) + "\r\n");
    return next_call().address;
  };
  const auto open = [this, kForwarded] {
    TcpPeer peer(port_);
    peer.upgrade("chat.v1.proto", "/v1/ws", kForwarded);
    return next<Opened>();
  };
  EXPECT_EQ(ask(), "127.0.0.1");
  EXPECT_EQ(open().address, "127.0.0.1");
  TransportOptions options;
  options.trusted_proxies = *AddressSet::parse("127.0.0.0/8");
  start(options);
  EXPECT_EQ(ask(), "2001:db8::5");
  EXPECT_EQ(open().address, "2001:db8::5");
}

TEST_F(TransportTest, AcceptsNothingAboveItsLimitAndGoesOnBelowIt) {
  TransportOptions options;
  options.sockets_max = 2;
  start(options);
  TcpPeer first(port_), second(port_);
  open_websocket(first);
  open_websocket(second);
  TcpPeer third(port_);
  third.upgrade("chat.v1.json");
  for (int i = 0; i < 5; ++i) transport_->wait(milliseconds(1), ready_);
  EXPECT_EQ(transport_->sockets(), 2u);
  first.hang_up();
  next<Opened>();
  expect_input(third, "HTTP/1.1 101");
}

TEST_F(TransportTest, StopsAcceptingAndKeepsWhatIsOpen) {
  TcpPeer peer(port_), late(port_);
  const ConnId conn = open_websocket(peer).conn;
  pump_until([&] { return transport_->sockets() == 2; });
  transport_->stop_accepting();
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port_);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_NE(connect(probe, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  close(probe);
  transport_->send(conn, shared("still"));
  expect_input(peer, "still");
  late.upgrade("chat.v1.json");
  expect_input(late, "HTTP/1.1 503 ");
}

TEST_F(TransportTest, IsWokenByAnotherThread) {
  std::thread other([this] { transport_->wake(); });
  // Without the wake this would wait for an hour.
  transport_->wait(minutes(60), ready_);
  other.join();
  EXPECT_TRUE(ready_.inputs.empty());
}

TEST_F(TransportTest, RunsBesideOthersInOneProcess) {
  auto sockets = open_listen_sockets({"127.0.0.1", 0}, 2);
  ASSERT_TRUE(sockets.has_value());
  std::vector<std::thread> threads;
  std::atomic<int> opened = 0;
  for (int fd : sockets->descriptors) {
    threads.emplace_back([fd, &opened] {
      TransportOptions options;
      options.listen_descriptor = fd;
      auto transport = Transport::open(options);
      ASSERT_TRUE(transport.has_value());
      TransportReady ready;
      while (opened < 20) {
        (*transport)->wait(milliseconds(5), ready);
        opened += static_cast<int>(ready.inputs.size());
        ready.inputs.clear();
      }
    });
  }
  std::vector<std::unique_ptr<TcpPeer>> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(std::make_unique<TcpPeer>(sockets->port));
    peers.back()->upgrade("chat.v1.proto");
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(opened, 20);
}

TEST(ListenSocket, SaysThatAPortIsTakenEvenByAProcessThatSharesIt) {
  const auto sockets = open_listen_sockets({"127.0.0.1", 0}, 2);
  ASSERT_TRUE(sockets.has_value());
  const auto again = open_listen_sockets({"127.0.0.1", sockets->port}, 1);
  ASSERT_TRUE(again.has_error());
  EXPECT_EQ(again.error().code, ErrorCode::already_exists);
  for (int fd : sockets->descriptors) close(fd);
  EXPECT_EQ(open_listen_sockets({"203.0.113.7", 0}, 1).error().code, ErrorCode::invalid_argument);
}

TEST(ListenSocket, ReadsAddressesWithPorts) {
  EXPECT_EQ(parse_host_port("127.0.0.1:80")->port, 80);
  EXPECT_EQ(parse_host_port("[::1]:8080")->host, "::1");
  EXPECT_EQ(format_host_port(*parse_host_port("[::1]:8080")), "[::1]:8080");
  for (const char* bad : {"", "8080", ":8080", "host:", "host:99999", "::1:80", "host:8x"}) {
    EXPECT_TRUE(parse_host_port(bad).has_error()) << bad;
  }
}

}  // namespace
}  // namespace chat
