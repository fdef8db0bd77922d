// Ends, back-pressure, absent compositors and the trace of a mediated Wayland connection.
#include "wl_fixture.h"

namespace xc::mediate::wl {
namespace {

Wire wire_of(Link& link) {
  return {link.from_client, link.to_server, link.from_server, link.to_client};
}

TEST(WaylandFlow, KeepsEventsForAClientThatDoesNotRead) {
  Link link(false);
  link.open({"1 wl_output 3"});
  const std::string event = message(Direction::event, "2 wl_registry.global_remove 1");
  std::string many;
  for (int i = 0; i < 1000; ++i) many += event;
  std::size_t fed = 0;
  while (link.from_server.room() >= many.size() && fed < 8U << 20U) {
    EXPECT_EQ(link.feed(link.from_server, many), "");
    fed += many.size();
  }
  EXPECT_GT(fed, 2000U * 1024) << "a stalled client must live this long";
  EXPECT_LT(fed, 2200U * 1024) << "and no longer";
  EXPECT_FALSE(link.to_client.ended());
  link.client_heard();
  EXPECT_TRUE(link.advance());
  EXPECT_GT(link.from_server.room(), many.size()) << "it goes on when the client reads";
}

TEST(WaylandFlow, BoundsWhatAllClientsTogetherLeaveUnread) {
  const std::string event = message(Direction::event, "2 wl_registry.global_remove 1");
  std::string many;
  for (int i = 0; i < 1000; ++i) many += event;
  std::vector<std::unique_ptr<Link>> links;
  std::size_t together = 0;
  for (int i = 0; i < 30; ++i) {
    auto& link = *links.emplace_back(std::make_unique<Link>(false));
    link.open({"1 wl_output 3"});
    while (link.from_server.room() >= many.size()) EXPECT_EQ(link.feed(link.from_server, many), "");
    EXPECT_GE(link.to_client.data().size(), 64U * 1024);
    together += link.to_client.data().size();
  }
  EXPECT_LT(together, 20U << 20U);
  links.clear();
  Link last(false);
  last.open({"1 wl_output 3"});
  for (int i = 0; i < 60; ++i) EXPECT_EQ(last.feed(last.from_server, many), "");
  EXPECT_GT(last.to_client.data().size(), 500U * 1024) << "what the others held was given back";
}

TEST(WaylandFlow, ReadsNoFurtherWhileTheCompositorIsBusy) {
  Link link(false);
  link.open({});
  std::uint32_t id = 3;
  std::size_t fed = 0;
  while (link.from_client.room() > 0 && fed < 1U << 20U) {
    const std::string sync = message(Direction::request, "1 wl_display.sync " + std::to_string(id++));
    EXPECT_EQ(link.client_bytes(sync), "");
    fed += sync.size();
  }
  EXPECT_GT(fed, 100U * 1024);
  EXPECT_LT(fed, 150U * 1024);
  const auto first = link.server_heard().size();
  EXPECT_TRUE(link.advance());
  EXPECT_EQ(first + link.server_heard().size(), id - 3);
}

TEST(WaylandFlow, DeliversWhatWaitsBeforeAnEnd) {
  Link link(false);
  link.open({"1 wl_shm 1"});
  link.from_client.append(message(Direction::request, "1 wl_display.sync 3"));
  link.from_client.end();
  EXPECT_TRUE(link.advance());
  EXPECT_EQ(link.server_heard(), Lines{"1 wl_display.sync 3"});
  EXPECT_TRUE(link.to_server.ended());
  EXPECT_FALSE(link.to_client.ended());
  EXPECT_EQ(link.mediator().patience(), std::chrono::seconds(10));
  EXPECT_EQ(link.mediator().expire(wire_of(link)).error().text, "the compositor keeps a client that has left");
  link.from_server.end();
  EXPECT_TRUE(link.advance());
  EXPECT_TRUE(link.to_client.ended());
}

TEST(WaylandFlow, EndsBothSidesWhenTheCompositorLeaves) {
  Link link(false);
  link.open({"1 wl_shm 1"});
  link.from_server.end();
  EXPECT_TRUE(link.advance());
  EXPECT_TRUE(link.to_client.ended() && link.to_server.ended());
  EXPECT_EQ(link.client_heard(), Lines{"2 wl_registry.global 1 wl_shm 1"});
}

TEST(WaylandFlow, ReadsNothingMoreOfAClientItRefused) {
  Link link(false);
  link.open({});
  EXPECT_EQ(link.client("77 wl_surface.commit"), "");
  link.expect_refused("1 0 invalid object 77");
  EXPECT_EQ(link.client("1 wl_display.sync 3"), "");
  EXPECT_EQ(link.server_heard(), Lines{});
  EXPECT_TRUE(link.from_client.empty());
  link.from_client.end();
  EXPECT_EQ(link.feed(link.from_client, ""), "refused: invalid object 77") << "the log learns why";
}

TEST(WaylandFlow, DeliversWhatCameBeforeTheRefusedRequest) {
  Link link(false);
  link.open({});
  EXPECT_EQ(link.client_bytes(message(Direction::request, "1 wl_display.sync 3") +
                              message(Direction::request, "9 wl_surface.commit")),
            "");
  EXPECT_EQ(link.server_heard(), Lines{"1 wl_display.sync 3"});
  link.expect_refused("1 0 invalid object 9");
}

TEST(WaylandFlow, TellsTheClientWhenThereIsNoCompositor) {
  const std::map<Upstream, std::string> rows = {{Upstream::absent, "nobody offers this display now"},
                                                {Upstream::failed, "this display could not be reached"},
                                                {Upstream::denied, "this display is refused by policy"}};
  for (const auto& [upstream, text] : rows) {
    Link link(false, {}, upstream);
    EXPECT_TRUE(link.advance());
    link.expect_refused("1 3 " + text);
  }
}

TEST(WaylandFlow, RefusesMoreObjectsThanAClientCanNeed) {
  Link link(false);
  link.open({});
  std::string many;
  for (std::uint32_t id = 3; id < (1U << 18U) + 2 && !link.to_client.ended(); ++id) {
    EXPECT_EQ(link.client("1 wl_display.sync " + std::to_string(id)), "");
    link.to_server.consume(link.to_server.data().size());
  }
  link.expect_refused("1 2 too many objects");
}

class Ear final : public Observer {
 public:
  void on_event(std::string_view line) override { lines.emplace_back(line); }
  Lines lines;
};

TEST(WaylandFlow, TellsTheObserverWhatBecameOfEveryMessage) {
  Ear ear;
  Link link(false, {}, Upstream::connected, &ear);
  link.open({"1 wl_shm 1", "2 zwlr_screencopy_manager_v1 3"});
  EXPECT_EQ(link.client("2 wl_registry.bind 2 zwlr_screencopy_manager_v1 1 3"), "");
  ASSERT_EQ(ear.lines.size(), 4U);
  const std::string who = R"("client":"panel","role":"panel","service":"panel",)";
  EXPECT_EQ(
      ear.lines[0],
      R"({"event":"message",)" + who +
          R"("from":"client","verdict":"passed","object":1,"interface":"wl_display",)"
          R"("message":"get_registry","arguments":"new id wl_registry@2","opcode":1,"bytes":12,"descriptors":0})");
  EXPECT_EQ(
      ear.lines[2],
      R"({"event":"message",)" + who +
          R"("from":"compositor","verdict":"dropped","object":2,"interface":"wl_registry",)"
          R"("message":"global","arguments":"2, \"zwlr_screencopy_manager_v1\", 3","opcode":0,"bytes":48,"descriptors":0})");
  EXPECT_EQ(
      ear.lines[3],
      R"({"event":"message",)" + who +
          R"("from":"client","verdict":"refused","object":2,"interface":"wl_registry",)"
          R"("message":"bind","arguments":"2, new id zwlr_screencopy_manager_v1@3 v1","opcode":0,"bytes":52,"descriptors":0,)"
          R"#("reason":"invalid global zwlr_screencopy_manager_v1 (2)"})#");
}

}  // namespace
}  // namespace xc::mediate::wl
