#include "server/rocksdb/expired_keys.h"

#include <utility>

#include "server/rocksdb/rows.h"

namespace chat::rocks {
namespace {

/// An append that was made before its key's date may be executed after it.
constexpr int64_t kSpareMs = 3'600'000;

class KeyFilter : public rocksdb::CompactionFilter {
 public:
  explicit KeyFilter(int64_t now_ms) : now_ms_(now_ms) {}

  const char* Name() const override { return "chat.expired_keys"; }
  bool Filter(int, const rocksdb::Slice&, const rocksdb::Slice& value, std::string*,
              bool*) const override {
    KeyRow row;
    return decode({value.data(), value.size()}, row) && row.expires_ms < now_ms_ - kSpareMs;
  }

 private:
  const int64_t now_ms_;
};

class Factory : public rocksdb::CompactionFilterFactory {
 public:
  explicit Factory(std::function<int64_t()> wall_ms) : wall_ms_(std::move(wall_ms)) {}

  const char* Name() const override { return "chat.expired_keys"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<KeyFilter>(wall_ms_());
  }

 private:
  const std::function<int64_t()> wall_ms_;
};

}  // namespace

std::shared_ptr<rocksdb::CompactionFilterFactory> drop_expired_keys(
    std::function<int64_t()> wall_ms) {
  return std::make_shared<Factory>(std::move(wall_ms));
}

}  // namespace chat::rocks
