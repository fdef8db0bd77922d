// Ids, types and descriptors of a mediated Wayland connection, both ways; whole and byte by byte.
#include "wl_fixture.h"

namespace xc::mediate::wl {
namespace {

class WaylandObjects : public testing::TestWithParam<bool> {
 protected:
  WaylandObjects() {
    link.open({"1 wl_shm 1", "2 wl_seat 5", "3 wl_data_device_manager 3", "4 wl_compositor 4"});
    for (const char* line :
         {"2 wl_registry.bind 1 wl_shm 1 3", "2 wl_registry.bind 2 wl_seat 5 4",
          "2 wl_registry.bind 3 wl_data_device_manager 3 5", "2 wl_registry.bind 4 wl_compositor 4 6"})
      EXPECT_EQ(link.client(line), "");
    link.client_heard();
    link.server_heard();
    for (const auto& [id, name] : std::map<std::uint32_t, const char*>{
             {3, "wl_shm"}, {4, "wl_seat"}, {5, "wl_data_device_manager"}, {6, "wl_compositor"}})
      link.at_client.know(id, name);
  }
  void does(const std::string& line, std::size_t descriptors = 0) {
    EXPECT_EQ(link.client(line, descriptors), "");
    EXPECT_EQ(link.server_heard(), Lines{line});
  }
  /// Whatever that is, the compositor must not see it.
  void refused(std::string_view bytes, const std::string& error, std::size_t descriptors = 0) {
    EXPECT_EQ(link.client_bytes(bytes, descriptors), "");
    EXPECT_EQ(link.server_heard(), Lines{});
    link.expect_refused(error);
  }
  void refused_line(const std::string& line, const std::string& error, std::size_t descriptors = 0) {
    refused(message(Direction::request, line), error, descriptors);
  }
  Link link{GetParam()};
};

TEST_P(WaylandObjects, RefusesAnObjectThatDoesNotExist) {
  refused_line("77 wl_surface.commit", "1 0 invalid object 77");
}
TEST_P(WaylandObjects, RefusesNull) {
  refused(Writer(0, 0).take(), "1 0 invalid object 0");
}
TEST_P(WaylandObjects, RefusesAnIdOfTheCompositorsThatItNeverGave) {
  refused_line("4278190080 wl_data_offer.destroy", "1 0 invalid object 4278190080");
}
TEST_P(WaylandObjects, RefusesAnOpcodeBeyondTheTable) {
  refused(Writer(1, 9).take(), "1 1 invalid method 9, object wl_display@1");
}
TEST_P(WaylandObjects, RefusesARequestOfALaterVersion) {
  does("6 wl_compositor.create_surface 7");
  refused_line("7 wl_surface.offset 1 1", "1 1 invalid method 10 (since 4 < 5), object wl_surface@7");
}
TEST_P(WaylandObjects, RefusesAnIdInUse) {
  refused_line("1 wl_display.sync 3", "1 1 invalid arguments for wl_display@1.sync");
}
TEST_P(WaylandObjects, RefusesAnIdThatLeavesAGap) {
  refused_line("1 wl_display.sync 8", "1 1 invalid arguments for wl_display@1.sync");
}
TEST_P(WaylandObjects, RefusesAnIdOfTheCompositorsRange) {
  refused_line("1 wl_display.sync 4278190080", "1 1 invalid arguments for wl_display@1.sync");
}
TEST_P(WaylandObjects, RefusesNullForANewObject) {
  refused_line("1 wl_display.sync 0", "1 1 invalid arguments for wl_display@1.sync");
}
TEST_P(WaylandObjects, RefusesAnObjectOfAnotherInterfaceAsArgument) {
  refused_line("5 wl_data_device_manager.get_data_device 7 3",
               "1 1 invalid arguments for wl_data_device_manager@5.get_data_device");
}
TEST_P(WaylandObjects, RefusesNullWhereTheProtocolAllowsNone) {
  refused_line("5 wl_data_device_manager.get_data_device 7 null",
               "1 1 invalid arguments for wl_data_device_manager@5.get_data_device");
}
TEST_P(WaylandObjects, RefusesAMessageWithBytesBehindItsArguments) {
  refused(Writer(1, 0).number(7).number(0).take(), "1 1 invalid arguments for wl_display@1.sync");
}
TEST_P(WaylandObjects, RefusesAMessageWithoutItsArguments) {
  refused(Writer(1, 0).take(), "1 1 invalid arguments for wl_display@1.sync");
}
TEST_P(WaylandObjects, RefusesAStringWithoutAnEnd) {
  refused(Writer(2, 0).number(1).number(8).number(0x61616161).number(0x61616161).number(1).number(7).take(),
          "1 1 invalid arguments for wl_registry@2.bind");
}
TEST_P(WaylandObjects, RefusesAStringWithTwoEnds) {
  refused(Writer(2, 0).number(1).number(8).number(0x00616161).number(0x00616161).number(1).number(7).take(),
          "1 1 invalid arguments for wl_registry@2.bind");
}
TEST_P(WaylandObjects, RefusesAStringLongerThanItsMessage) {
  for (const std::uint32_t length : {9U, 0xfffffffdU, 0xffffffffU, 0x7fffffffU}) {
    Link fresh(GetParam());
    fresh.open({"1 wl_shm 1"});
    fresh.client_heard();
    EXPECT_EQ(fresh.client_bytes(Writer(2, 0).number(1).number(length).number(0).number(1).number(3).take()), "");
    fresh.expect_refused("1 1 invalid arguments for wl_registry@2.bind");
  }
}

TEST_P(WaylandObjects, RefusesImpossibleLengthsAtOnce) {
  for (const std::uint32_t size : {0U, 4U, 7U, 10U, 4100U, 65532U}) {
    Link fresh(GetParam());
    std::string bytes = Writer(1, 0).take();
    bytes[6] = static_cast<char>(size & 0xffU);
    bytes[7] = static_cast<char>(size >> 8U);
    EXPECT_EQ(fresh.client_bytes(bytes), "");
    fresh.expect_refused("1 1 invalid length " + std::to_string(size) + " of a request to object 1");
  }
}

TEST_P(WaylandObjects, RefusesAPoolWithoutItsDescriptor) {
  refused_line("3 wl_shm.create_pool 7 fd 4096", "1 1 invalid arguments for wl_shm@3.create_pool");
}
TEST_P(WaylandObjects, PassesADescriptorWithItsMessage) {
  does("3 wl_shm.create_pool 7 fd 4096", 1);
  EXPECT_EQ(link.at_server.waiting(), 0U);
  EXPECT_EQ(link.tally.descriptors, 1U);
}

TEST_P(WaylandObjects, PassesABurstWhoseDescriptorsCameTogether) {
  std::string bytes;
  Lines lines;
  for (int i = 0; i < 300; ++i) lines.push_back("3 wl_shm.create_pool " + std::to_string(7 + i) + " fd 4096");
  for (int i = 0; i < 300; i += 28) {  // as libwayland flushes: 28 descriptors with the first bytes
    bytes.clear();
    const int end = std::min(i + 28, 300);
    for (int j = i; j < end; ++j) bytes += message(Direction::request, lines[static_cast<std::size_t>(j)]);
    EXPECT_EQ(link.client_bytes(bytes, static_cast<std::size_t>(end - i)), "");
    const auto heard = link.server_heard();
    EXPECT_EQ(heard, Lines(lines.begin() + i, lines.begin() + end));
  }
  EXPECT_EQ(link.at_server.waiting(), 0U);
}

TEST_P(WaylandObjects, RestsWhileTheCompositorTakesNoDescriptors) {
  std::size_t passed = 0;
  for (int i = 0; i < 300 && link.from_client.room() > 0; ++i) {
    EXPECT_EQ(link.client("3 wl_shm.create_pool " + std::to_string(7 + i) + " fd 4096", 1), "");
    ++passed;
  }
  EXPECT_LT(passed, 300U) << "no end to the descriptors it holds";
  std::size_t heard = 0;
  for (;;) {
    const auto lines = link.server_heard();
    heard += lines.size();
    if (lines.empty()) break;
    EXPECT_TRUE(link.advance());
  }
  EXPECT_EQ(heard, passed) << "what waited must go on when there is room";
  EXPECT_GT(link.from_client.room(), 0U);
}

TEST_P(WaylandObjects, RefusesAFloodOfDescriptorsNobodyClaims) {
  for (int i = 0; i < 3; ++i) {
    const std::string sync = message(Direction::request, "1 wl_display.sync " + std::to_string(7 + i));
    EXPECT_EQ(link.client_bytes(sync, 28), "");
    EXPECT_EQ(link.to_client.ended(), i == 2);
  }
  link.expect_refused("1 1 descriptors that no request claims");
}

TEST_P(WaylandObjects, KeepsTheMeaningOfAnIdUntilItIsGivenBack) {
  does("4 wl_seat.get_keyboard 7");
  does("7 wl_keyboard.release");
  link.at_client.know(7, "wl_keyboard");
  EXPECT_EQ(link.server("7 wl_keyboard.keymap 1 fd 4096", 1), "");  // it was on its way
  EXPECT_EQ(link.client_heard(), Lines{"7 wl_keyboard.keymap 1 fd 4096"});
  EXPECT_EQ(link.server("1 wl_display.delete_id 7"), "");
  does("4 wl_seat.get_pointer 7");
}

TEST_P(WaylandObjects, RefusesARequestToADestroyedObject) {
  does("4 wl_seat.get_keyboard 7");
  does("7 wl_keyboard.release");
  refused_line("7 wl_keyboard.release", "1 0 invalid object 7");
}
TEST_P(WaylandObjects, RefusesAnIdThatWasNotGivenBack) {
  does("4 wl_seat.get_keyboard 7");
  does("7 wl_keyboard.release");
  refused_line("4 wl_seat.get_pointer 7", "1 1 invalid arguments for wl_seat@4.get_pointer");
}
TEST_P(WaylandObjects, RefusesADestroyedObjectAsArgument) {
  does("6 wl_compositor.create_surface 7");
  does("6 wl_compositor.create_region 8");
  does("8 wl_region.destroy");
  refused_line("7 wl_surface.set_input_region 8", "1 1 invalid arguments for wl_surface@7.set_input_region");
}

TEST_P(WaylandObjects, KnowsTheObjectsOfTheCompositor) {
  does("5 wl_data_device_manager.get_data_device 7 4");
  link.at_client.know(7, "wl_data_device");
  EXPECT_EQ(link.server("7 wl_data_device.data_offer 4278190080"), "");
  EXPECT_EQ(link.server("4278190080 wl_data_offer.offer text"), "");
  EXPECT_EQ(link.client_heard(),
            (Lines{"7 wl_data_device.data_offer 4278190080", "4278190080 wl_data_offer.offer text"}));
  link.at_server.know(4278190080U, "wl_data_offer");
  does("4278190080 wl_data_offer.receive text fd", 1);
  does("4278190080 wl_data_offer.destroy");
  EXPECT_EQ(link.server("7 wl_data_device.data_offer 4278190080"), "") << "the compositor may use its ids again";
  does("4278190080 wl_data_offer.destroy");
}

TEST_P(WaylandObjects, GivesUpACompositorThatBreaksTheProtocol) {
  const std::map<std::string, std::string> rows = {
      {message(Direction::event, "9 wl_keyboard.keymap 1 fd 4096"),
       "Wayland event 0 of object 9: the object does not exist"},
      {Writer(3, 7).take(), "Wayland event 7 of object 3: its interface has no such event"},
      {Writer(3, 0).take(), "Wayland event 0 of object 3: arguments that do not fit"},
      {message(Direction::event, "7 wl_keyboard.keymap 1 fd 4096"),
       "Wayland event 0 of object 7: its descriptor is missing"},
      {message(Direction::event, "7 wl_keyboard.leave 1 44"),
       "Wayland event 2 of object 7: it names an object that does not exist"},
      {message(Direction::event, "7 wl_keyboard.leave 1 3"),
       "Wayland event 2 of object 7: it names an object that does not exist"},
      {message(Direction::event, "8 wl_data_device.data_offer 12"),
       "Wayland event: 12 is no id for a new object of the compositor"},
      {message(Direction::event, "8 wl_data_device.data_offer 4278190085"),
       "Wayland event: 4278190085 is no id for a new object of the compositor"},
      {std::string("\1\0\0\0\0\0\6\0", 8), "Wayland event of an impossible length"},
  };
  for (const auto& [bytes, text] : rows) {
    Link fresh(GetParam());
    fresh.open({"1 wl_shm 1", "2 wl_seat 5", "3 wl_data_device_manager 3"});
    for (const char* line : {"2 wl_registry.bind 1 wl_shm 1 3", "2 wl_registry.bind 2 wl_seat 5 4",
                             "2 wl_registry.bind 3 wl_data_device_manager 3 5", "1 wl_display.sync 6",
                             "4 wl_seat.get_keyboard 7", "5 wl_data_device_manager.get_data_device 8 4"})
      EXPECT_EQ(fresh.client(line), "");
    fresh.client_heard();
    EXPECT_EQ(fresh.feed(fresh.from_server, bytes), "");
    fresh.expect_refused("1 3 the compositor broke the protocol");
    EXPECT_EQ(
        fresh.mediator().expire({fresh.from_client, fresh.to_server, fresh.from_server, fresh.to_client}).error().text,
        text);
  }
}

TEST_P(WaylandObjects, DropsAnEventOfALaterVersionWithItsDescriptor) {
  EXPECT_EQ(link.server("4 wl_seat.name seat0"), "");  // since 2, bound 5
  Link old(GetParam());
  old.open({"2 wl_seat 1"});
  EXPECT_EQ(old.client("2 wl_registry.bind 2 wl_seat 1 3"), "");
  old.client_heard();
  EXPECT_EQ(old.server("3 wl_seat.name seat0"), "");
  EXPECT_EQ(old.client_heard(), Lines{});
  EXPECT_EQ(link.client_heard(), Lines{"4 wl_seat.name seat0"});
}

INSTANTIATE_TEST_SUITE_P(Whole, WaylandObjects, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(ByteByByte, WaylandObjects, testing::Values(true));

}  // namespace
}  // namespace xc::mediate::wl
