#include "inject/fallback.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace xc::inject {
namespace {

Next after_errno(int code) {
  return after(Error{Kind::plant, "", code});
}

TEST(Fallback, WhatIsWrongWithAPlaceLeadsToTheNext) {
  for (const int code : {EROFS, ENOSPC, EDQUOT, EACCES, EPERM, EOVERFLOW, ENOENT, ENOTDIR, ELOOP, EEXIST, EADDRINUSE,
                         EISDIR, ENAMETOOLONG, EOPNOTSUPP, ENODEV, EIO, ESTALE}) {
    EXPECT_EQ(after_errno(code), Next::next_place) << code;
    EXPECT_FALSE(meaning_of(code).empty()) << code;
  }
  EXPECT_EQ(after(Error{Kind::plant, "the mount is shared", 0}), Next::next_place);
  EXPECT_EQ(after(Error{Kind::kernel, "@x: bind", EADDRINUSE}), Next::next_place);
}

TEST(Fallback, WhatIsWrongWithTheHostStops) {
  for (const int code : {EMFILE, ENFILE, ENOMEM, ENOBUFS, EINVAL}) EXPECT_EQ(after_errno(code), Next::stop) << code;
  EXPECT_EQ(after_errno(ENOTRECOVERABLE), Next::stop) << "not in the table";
  EXPECT_EQ(meaning_of(ENOTRECOVERABLE), "");
  EXPECT_EQ(after(Error{Kind::again, "the deadline", 0}), Next::stop);
  EXPECT_EQ(after(Error{Kind::internal, "a defect", EROFS}), Next::stop);
  EXPECT_EQ(after(Error{Kind::kernel, "setns", 0}), Next::stop);
}

}  // namespace
}  // namespace xc::inject
