// How a herald asks a compositor for a security context, whole and byte by byte.
#include "mediate/wl_context.h"

#include <gtest/gtest.h>

#include "wl_fixture.h"

namespace xc::mediate::wl {
namespace {

const ContextNames names{"io.xconnect", "kiosk", "kiosk.77"};

Lines lines_of(const std::string& bytes) {
  Stream stream;
  stream.append(bytes);
  Listener listener(Direction::request);
  listener.know(2, "wl_registry");
  listener.know(4, "wp_security_context_manager_v1");
  listener.know(5, "wp_security_context_v1");
  stream.pin_at(0, some_descriptors(2));
  return listener.take(stream);
}

std::string said(const Lines& lines) {
  std::string bytes;
  for (const std::string& line : lines) bytes += message(Direction::event, line);
  return bytes;
}

Result<bool> hear(ContextTalk& talk, const Lines& lines) {
  Result<bool> answered = false;
  for (const char byte : said(lines)) {
    answered = talk.hear({&byte, 1});
    if (!answered) break;
  }
  return answered;
}

const Lines offers{"2 wl_registry.global 7 wl_shm 1", "2 wl_registry.global 9 wp_security_context_manager_v1 3",
                   "3 wl_callback.done 1"};

TEST(SecurityContext, IsAskedForInOneBreathWithTwoDescriptors) {
  ContextTalk talk;
  EXPECT_EQ(lines_of(talk.look()), (Lines{"1 wl_display.get_registry 2", "1 wl_display.sync 3"}));
  EXPECT_EQ(talk.hear(said(offers)), true);
  ASSERT_TRUE(talk.offered());
  EXPECT_EQ(lines_of(talk.ask(names)),
            (Lines{"2 wl_registry.bind 9 wp_security_context_manager_v1 1 4",
                   "4 wp_security_context_manager_v1.create_listener 5 fd fd",
                   "5 wp_security_context_v1.set_sandbox_engine io.xconnect",
                   "5 wp_security_context_v1.set_app_id kiosk", "5 wp_security_context_v1.set_instance_id kiosk.77",
                   "5 wp_security_context_v1.commit", "5 wp_security_context_v1.destroy", "1 wl_display.sync 6"}));
  EXPECT_EQ(talk.hear(said({"1 wl_display.delete_id 3", "1 wl_display.delete_id 5"})), false);
  EXPECT_EQ(hear(talk, {"6 wl_callback.done 1"}), true);
}

TEST(SecurityContext, IsNotOfferedByACompositorThatDoesNotNameIt) {
  ContextTalk talk;
  (void)talk.look();
  EXPECT_EQ(hear(talk, {"2 wl_registry.global 7 wl_shm 1", "2 wl_registry.global 8 wp_security_context_v1 1",
                        "3 wl_callback.done 1"}),
            true);
  EXPECT_FALSE(talk.offered());
}

TEST(SecurityContext, IsNotHadBeforeTheLastAnswer) {
  ContextTalk talk;
  (void)talk.look();
  EXPECT_EQ(hear(talk, offers), true);
  (void)talk.ask(names);
  EXPECT_EQ(hear(talk, {"3 wl_callback.done 1", "2 wl_registry.global_remove 9"}), false);
}

TEST(SecurityContext, IsRefusedInTheCompositorsWords) {
  ContextTalk talk;
  (void)talk.look();
  EXPECT_EQ(hear(talk, offers), true);
  (void)talk.ask(names);
  const auto outcome = hear(talk, {"1 wl_display.error 4 2 nested\x1b"});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().text, "the compositor refuses: nested\\x1b");
}

TEST(SecurityContext, IsNotHadFromAnythingButACompositor) {
  ContextTalk talk;
  (void)talk.look();
  EXPECT_EQ(talk.hear("HTTP/1.1 400 Bad Request\r\n").error().text, "an event of an impossible length");
  ContextTalk other;
  (void)other.look();
  EXPECT_EQ(other.hear(std::string("\2\0\0\0\0\0\x0c\0\1\0\0\0", 12)).error().text,
            "an event with arguments that do not fit");
}

TEST(SecurityContext, CutsNamesThatNoCompositorWouldTake) {
  ContextTalk talk;
  (void)talk.look();
  EXPECT_EQ(hear(talk, offers), true);
  EXPECT_LT(talk.ask({std::string(5000, 'a'), std::string(5000, 'b'), std::string(5000, 'c')}).size(), 1200U);
}

}  // namespace
}  // namespace xc::mediate::wl
