// The JSON parser quotes the text around an error and cuts characters in two: the Error frame and
// the close reason then were no UTF-8, and a Protobuf client could not decode its answer.
#include "core/base/utf8.h"
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

class ErrorText : public Talk {};
INSTANTIATE_TEST_SUITE_P(Engines, ErrorText, testing::Values(1));

TEST_P(ErrorText, QuotesWhatTheClientSentOnlyAsUtf8) {
  for (size_t before = 0; before < 48; ++before) {
    auto ada = device(1, "ada", Encoding::json);
    ada->join();
    std::string text = R"({"frames":[{"send":{"text":")" + std::string(before, 'x');
    for (int i = 0; i < 40; ++i) text += "€";
    ada->send_bytes(text + R"("}}, nonsense ]})");
    ASSERT_EQ(ada->closed, CloseCode::protocol_error);
    const auto* error = ada->last(v1::ServerFrame::kError);
    ASSERT_NE(error, nullptr);
    EXPECT_TRUE(is_utf8(error->error().message())) << before;
  }
}

TEST_P(ErrorText, RefusesAJsonMessageThatIsNotUtf8) {
  auto ada = device(1, "ada", Encoding::json);
  ada->join();
  ada->send_bytes("{\"frames\":[{\"typing\":{\"chatId\":\"\xe2\x82\"}}]}");
  EXPECT_EQ(ada->closed, CloseCode::protocol_error);
  EXPECT_EQ(ada->last(v1::ServerFrame::kError)->error().message(), "the message is not UTF-8");
}

}  // namespace
}  // namespace chat::sim
