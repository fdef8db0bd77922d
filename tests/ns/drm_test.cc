#include "sys/drm.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace xc::sys {
namespace {

TEST(Drm, ConnectorsAreNamedAsInSysfs) {
  EXPECT_EQ(connector_name(11, 1), "HDMI-A-1");
  EXPECT_EQ(connector_name(15, 2), "Virtual-2");
  EXPECT_EQ(connector_name(14, 1), "eDP-1");
  EXPECT_EQ(connector_name(20, 3), "USB-3");
  EXPECT_EQ(connector_name(21, 3), "Unknown-3");
}

TEST(Drm, ACardIsOpenedOnlyByItsOwnNumber) {
  const auto other = open_card("null", {226, 0});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().text, "/dev/null: is another device by now");
  const auto absent = open_card("dri/card4711", {226, 0});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().kind, Kind::kernel);
}

TEST(Drm, WhatIsNoCardLeasesNothing) {
  const auto null = open_card("null", {1, 3});
  ASSERT_TRUE(null) << null.error().text;
  EXPECT_FALSE(become_master(*null));
  EXPECT_FALSE(lease_connector(*null, ""));
  revoke_lease(*null, 1);
}

}  // namespace
}  // namespace xc::sys
