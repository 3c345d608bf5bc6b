// The journal's file: one line per entry, in order; a full queue drops and counts; a new file after
// the old one was moved away.
#include "server/journal/journal_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace chat {
namespace {

Journal entry_of(uint64_t seq, JournalKind kind = JournalKind::enter) {
  return {.chat = ChatId::named("a"),
          .seq = seq,
          .at = WallTime{1'700'000'000'000},
          .kind = kind,
          .user = UserId{7},
          .actor = UserId{8}};
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line + "\n");
  return lines;
}

TEST(JournalFile, ALineTellsWhoDidWhatWhenAndWhere) {
  EXPECT_EQ(journal_line(entry_of(3, JournalKind::banned)),
            "{\"at_ms\":1700000000000,\"chat\":\"" + ChatId::named("a").hex() +
                "\",\"seq\":3,\"what\":\"banned\",\"user\":7,\"by\":8}\n");
  Journal end = entry_of(4, JournalKind::ended_ttl);
  end.user = end.actor = UserId{};
  EXPECT_EQ(journal_line(end), "{\"at_ms\":1700000000000,\"chat\":\"" + ChatId::named("a").hex() +
                                   "\",\"seq\":4,\"what\":\"ended_ttl\"}\n");
}

TEST(JournalFile, EntriesAreAppendedInOrder) {
  const TempDir dir;
  const std::string path = dir / "journal";
  for (uint64_t life = 0; life < 2; ++life) {
    auto journal = JournalFile::open({.path = path});
    ASSERT_TRUE(journal.has_value());
    for (uint64_t i = 1; i <= 1'000; ++i) (*journal)->add(entry_of(1'000 * life + i));
  }
  const auto lines = lines_of(path);
  ASSERT_EQ(lines.size(), 2'000u);
  for (uint64_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i], journal_line(entry_of(i + 1)));
}

TEST(JournalFile, WhatDoesNotFitIntoTheQueueIsDroppedAndCounted) {
  const TempDir dir;
  const std::string path = dir / "journal";
  {
    auto journal = JournalFile::open({.path = path, .queue_bytes_max = 10});
    ASSERT_TRUE(journal.has_value());
    (*journal)->add(entry_of(1));
    EXPECT_EQ((*journal)->counters().dropped, 1u);
  }
  EXPECT_TRUE(lines_of(path).empty());
}

TEST(JournalFile, ADiskThatTakesNothingIsToldAndCounted) {
  std::string told;
  {
    auto journal = JournalFile::open(
        {.path = "/dev/full", .log = [&](std::string_view text) { told += text; }});
    ASSERT_TRUE(journal.has_value());
    (*journal)->add(entry_of(1));
  }
  EXPECT_NE(told.find("could not be written"), std::string::npos) << told;
}

TEST(JournalFile, ReopenGoesOnInANewFile) {
  const TempDir dir;
  const std::string path = dir / "journal", moved = dir / "journal.1";
  {
    auto journal = JournalFile::open({.path = path});
    ASSERT_TRUE(journal.has_value());
    (*journal)->add(entry_of(1));
    while ((*journal)->counters().written < 1) std::this_thread::yield();
    std::filesystem::rename(path, moved);
    (*journal)->reopen();
    while (!std::filesystem::exists(path)) std::this_thread::yield();
    (*journal)->add(entry_of(2));
  }
  EXPECT_EQ(lines_of(moved), std::vector<std::string>{journal_line(entry_of(1))});
  EXPECT_EQ(lines_of(path), std::vector<std::string>{journal_line(entry_of(2))});
}

TEST(JournalFile, AFileThatCannotBeOpenedIsNamed) {
  const TempDir dir;
  const auto journal = JournalFile::open({.path = dir / "no/journal"});
  ASSERT_FALSE(journal.has_value());
  EXPECT_NE(journal.error().text.find(dir / "no/journal"), std::string::npos);
}

}  // namespace
}  // namespace chat
