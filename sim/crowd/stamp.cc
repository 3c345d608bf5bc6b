#include "sim/crowd/stamp.h"

#include "core/base/assert.h"
#include "sim/scenario/scenario.h"

namespace chat::sim {
namespace {

// '~', then three words of 32 bits and two of 64 in base 64 of our own: six bits per character, the
// lowest first.
constexpr char kMark = '~';
constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr int kShortDigits = 6;  // 36 bits ≥ 32
constexpr int kLongDigits = 11;  // 66 bits ≥ 64
constexpr size_t kStampBytes = 1 + 3 * kShortDigits + 2 * kLongDigits;
static_assert(kStampBytes < kTextBytesMin);

constexpr std::string_view kFiller = " the quick brown fox jumps over the lazy dog";

void put(std::string& out, uint64_t value, int digits) {
  for (int i = 0; i < digits; ++i, value >>= 6) out += kDigits[value & 63];
}

int digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  if (c == '_') return 63;
  return -1;
}

bool take(std::string_view& text, uint64_t& value, int digits) {
  value = 0;
  for (int i = 0; i < digits; ++i) {
    const int digit = digit_of(text[static_cast<size_t>(i)]);
    if (digit < 0) return false;
    value |= static_cast<uint64_t>(digit) << (6 * i);
  }
  text.remove_prefix(static_cast<size_t>(digits));
  return true;
}

}  // namespace

std::string stamped_text(const Stamp& stamp, uint32_t bytes) {
  CHAT_ASSERT(bytes >= kTextBytesMin);
  std::string text(1, kMark);
  text.reserve(bytes + kFiller.size());
  put(text, stamp.run, kShortDigits);
  put(text, stamp.sender, kShortDigits);
  put(text, stamp.n, kShortDigits);
  put(text, static_cast<uint64_t>(stamp.intended.ns), kLongDigits);
  put(text, static_cast<uint64_t>(stamp.actual.ns), kLongDigits);
  while (text.size() < bytes) text += kFiller;
  text.resize(bytes);
  return text;
}

std::optional<Stamp> read_stamp(std::string_view text) {
  if (text.size() < kStampBytes || text[0] != kMark) return std::nullopt;
  text.remove_prefix(1);
  uint64_t run = 0, sender = 0, n = 0, intended = 0, actual = 0;
  if (!take(text, run, kShortDigits) || !take(text, sender, kShortDigits) ||
      !take(text, n, kShortDigits) || !take(text, intended, kLongDigits) ||
      !take(text, actual, kLongDigits)) {
    return std::nullopt;
  }
  return Stamp{.run = static_cast<uint32_t>(run),
               .sender = static_cast<uint32_t>(sender),
               .n = static_cast<uint32_t>(n),
               .intended = {static_cast<int64_t>(intended)},
               .actual = {static_cast<int64_t>(actual)}};
}

}  // namespace chat::sim
