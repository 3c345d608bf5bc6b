// JournalFile: writes the life-cycle journal to a file, one JSON object per line, on a thread of
// its own. A bounded queue stands before it: when the disk does not keep up, entries are dropped
// and counted, and no reactor waits. Lines are handed to the kernel but not synced. Owns the file
// and the thread. Thread rule: every function from any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "core/base/error.h"
#include "core/engine/io.h"

namespace chat {

struct JournalFileOptions {
  std::string path;
  size_t queue_bytes_max = 8 << 20;
  /// Hears when writing begins to fail or entries to be dropped. Called on the journal's thread.
  std::function<void(std::string_view)> log{};
};

struct JournalCounters {
  uint64_t written = 0;
  uint64_t dropped = 0;  ///< The queue was full, or the file did not take them.
};

/// The line of an entry, with its end of line.
std::string journal_line(const Journal& entry);

class JournalFile {
 public:
  /// Opens the file for appending, and makes it if there is none. Error: unavailable.
  static Result<std::unique_ptr<JournalFile>> open(const JournalFileOptions& options);
  /// Writes what is queued.
  ~JournalFile();

  /// Queues an entry; never waits for the disk.
  void add(const Journal& entry);
  /// Goes on in a new file of the same name, after the old one was moved away.
  void reopen();
  JournalCounters counters() const;

 private:
  JournalFile(JournalFileOptions options, int file);

  void run();
  void write(const std::string& lines, uint64_t count);
  void open_again();

  const JournalFileOptions options_;
  int file_;  ///< Only the thread touches it.
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::string queued_;
  uint64_t queued_count_ = 0;
  bool reopen_ = false;
  bool stopping_ = false;
  JournalCounters counters_;
  uint64_t told_dropped_ = 0;  ///< Only the thread touches it.
  std::thread thread_;
};

}  // namespace chat
