// FileDelayLog: a DelayLog in one file of a directory of its own, written and synced by append.
// Live entries are in memory too; the file is written anew when most of it is no longer needed.
// Owns the file; the caller sees to it that nobody else has the directory. Thread rule: one thread
// at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/store/delay_log.h"

namespace chat {

struct FileDelayLogOptions {
  std::string dir;  ///< Exists.
  uint64_t dead_bytes_max = 1 << 20;  ///< More, and more than live ones: the file is written anew.
  std::function<void(std::string_view)> log = [](std::string_view) {};  ///< For the operator.
};

class FileDelayLog : public DelayLog {
 public:
  /// Errors: unavailable when the file cannot be read or written, corrupt when it is damaged before
  /// its end; both name the file and the remedy. A write that was cut off at the end is dropped.
  static Result<std::unique_ptr<FileDelayLog>> open(FileDelayLogOptions options);
  ~FileDelayLog() override;

  std::vector<Status> write(std::span<const DelayCommand> commands) override;
  Result<std::vector<DelayEntry>> load() override;

  uint64_t file_bytes() const { return file_bytes_; }
  size_t entries() const { return entries_.size(); }

 private:
  explicit FileDelayLog(FileDelayLogOptions options) : options_(std::move(options)) {}

  std::string path() const { return options_.dir + "/delayed.log"; }
  Status open_file();
  Status append(const std::string& frame, bool synced);
  void apply(const DelayCommand& command);
  /// Writes the live entries into a new file that takes the place of this one.
  Status rewrite();

  FileDelayLogOptions options_;
  int file_ = -1;
  uint64_t salt_ = 0;
  uint64_t file_bytes_ = 0;
  uint64_t live_bytes_ = 0;
  bool broken_ = false;  ///< What is on the disk is not known: to be written anew first.
  std::map<uint64_t, DelayEntry> entries_;  ///< By position.
  std::map<DelayKey, uint64_t> positions_;
  uint64_t next_position_ = 1;
};

}  // namespace chat
