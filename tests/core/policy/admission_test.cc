#include "core/policy/admission.h"

#include <gtest/gtest.h>

namespace chat {
namespace {

const Instant kStart = Instant{} + seconds(1);

TEST(Admission, AcceptsAtItsPaceAfterTheBurst) {
  Admission admission({.accepts_per_second = 100, .accepts_burst = 2});
  EXPECT_EQ(admission.admit(kStart), AdmissionVerdict::accept);
  EXPECT_EQ(admission.admit(kStart), AdmissionVerdict::accept);
  EXPECT_EQ(admission.admit(kStart), AdmissionVerdict::later);
  const Duration wait = admission.retry_after(kStart);
  EXPECT_EQ(wait, milliseconds(10));
  EXPECT_EQ(admission.admit(kStart + wait), AdmissionVerdict::accept);
  EXPECT_EQ(admission.accepted(), 3u);
  EXPECT_EQ(admission.refused_later(), 1u);
}

TEST(Admission, HoldsNoMoreThanItsMaximum) {
  Admission admission({.connections_max = 2});
  EXPECT_EQ(admission.admit(kStart), AdmissionVerdict::accept);
  EXPECT_EQ(admission.admit(kStart), AdmissionVerdict::accept);
  EXPECT_EQ(admission.admit(kStart), AdmissionVerdict::full);
  admission.closed();
  EXPECT_EQ(admission.admit(kStart), AdmissionVerdict::accept);
  EXPECT_EQ(admission.connections(), 2u);
  EXPECT_EQ(admission.connections_peak(), 2u);
  EXPECT_EQ(admission.refused_full(), 1u);
}

TEST(Admission, RefusalForFullnessCostsNoPace) {
  Admission admission({.accepts_per_second = 1, .accepts_burst = 2, .connections_max = 1});
  EXPECT_EQ(admission.admit(kStart), AdmissionVerdict::accept);
  EXPECT_EQ(admission.admit(kStart), AdmissionVerdict::full);
  admission.closed();
  EXPECT_EQ(admission.admit(kStart), AdmissionVerdict::accept);
}

TEST(Admission, AnnouncesAWindowInWhichAllCouldComeBack) {
  Admission admission({.accepts_per_second = 10, .accepts_burst = 1'000});
  EXPECT_EQ(admission.reconnect_window(), seconds(5));
  for (int i = 0; i < 200; ++i) ASSERT_EQ(admission.admit(kStart), AdmissionVerdict::accept);
  EXPECT_EQ(admission.reconnect_window(), seconds(20));
  admission.set_options({.accepts_per_second = 100});
  EXPECT_EQ(admission.reconnect_window(), seconds(5));
}

TEST(Admission, WithoutAPaceAnnouncesTheShortestWindow) {
  Admission admission({});
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(admission.admit(kStart), AdmissionVerdict::accept);
  EXPECT_EQ(admission.reconnect_window(), seconds(5));
}

}  // namespace
}  // namespace chat
