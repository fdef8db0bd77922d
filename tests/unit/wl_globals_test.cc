// Which globals a client is shown, at which version, and what it may bind; every conversation whole and byte by byte.
#include "wl_fixture.h"

namespace xc::mediate::wl {
namespace {

const Lines desktop = {"1 wl_compositor 4",      "2 wl_shm 1",
                       "3 xdg_wm_base 3",        "4 wl_seat 7",
                       "5 wl_output 3",          "6 zwlr_screencopy_manager_v1 3",
                       "7 zwlr_layer_shell_v1 4"};

Lines shown(Link& link) {
  Lines names;
  for (const std::string& line : link.client_heard()) {
    EXPECT_EQ(line.substr(0, 21), "2 wl_registry.global ");
    names.push_back(line.substr(21));
  }
  return names;
}

TEST_P(Wayland, ShowsTheDefaultRoleWhatAnOrdinaryProgramNeeds) {
  Link link(GetParam());
  link.open(desktop);
  EXPECT_EQ(shown(link), (Lines{"1 wl_compositor 4", "2 wl_shm 1", "3 xdg_wm_base 3", "4 wl_seat 7", "5 wl_output 3"}));
}

TEST_P(Wayland, ShowsTheDefaultRoleNothingThatReachesForFilesOrProgramsOfTheCompositor) {
  Link link(GetParam());
  link.open({"1 org_kde_kwin_server_decoration_palette_manager 1", "2 org_kde_kwin_appmenu_manager 1",
             "3 qt_windowmanager 1", "4 wl_seat 7"});
  EXPECT_EQ(shown(link), Lines{"4 wl_seat 7"});
}

TEST_P(Wayland, ShowsNoSeatToTheBaseRole) {
  Link link(GetParam(), {{.roles = {"base"}}});
  link.open(desktop);
  EXPECT_EQ(shown(link), (Lines{"1 wl_compositor 4", "2 wl_shm 1", "3 xdg_wm_base 3", "5 wl_output 3"}));
}

TEST_P(Wayland, ShowsOneMoreTaskToEachPrivilegedRole) {
  const std::map<std::string, std::string> rows = {{"capture", "6 zwlr_screencopy_manager_v1 3"},
                                                   {"shell", "7 zwlr_layer_shell_v1 4"}};
  for (const auto& [role, global] : rows) {
    Link link(GetParam(), {{.roles = {role}}});
    link.open({"6 zwlr_screencopy_manager_v1 3", "7 zwlr_layer_shell_v1 4"});
    EXPECT_EQ(shown(link), Lines{global}) << role;
  }
}

TEST_P(Wayland, ShowsBuffersOfTheGpuOnlyToOneWhoHasAGpu) {
  for (const bool gpu : {false, true}) {
    Link link(GetParam(), {{.roles = {"gpu"}}}, Upstream::connected, nullptr, gpu);
    link.open({"1 zwp_linux_dmabuf_v1 3", "2 wl_seat 5"});
    EXPECT_EQ(shown(link), gpu ? (Lines{"1 zwp_linux_dmabuf_v1 3", "2 wl_seat 5"}) : Lines{"2 wl_seat 5"});
  }
}

TEST_P(Wayland, ShowsWhatAnyRoleOfAListShows) {
  Link link(GetParam(), {{.roles = {"capture", "shell"}}});
  link.open({"6 zwlr_screencopy_manager_v1 3", "7 zwlr_layer_shell_v1 4"});
  EXPECT_EQ(shown(link), (Lines{"6 zwlr_screencopy_manager_v1 3", "7 zwlr_layer_shell_v1 4"}));
}

TEST_P(Wayland, AddsAndRemovesByPolicy) {
  Link link(GetParam(), {{.roles = {"ui"}, .add = {"zwlr_screencopy_manager_v1"}, .remove = {"wl_seat"}}});
  link.open(desktop);
  EXPECT_EQ(shown(link), (Lines{"1 wl_compositor 4", "2 wl_shm 1", "3 xdg_wm_base 3", "5 wl_output 3",
                                "6 zwlr_screencopy_manager_v1 3"}));
}

TEST_P(Wayland, ShowsOnlyWhatEveryDocumentAllows) {
  Link link(GetParam(), {{.roles = {"capture"}}, {.roles = {"ui"}, .remove = {"wl_output"}}});
  link.open(desktop);
  EXPECT_EQ(shown(link), (Lines{"1 wl_compositor 4", "2 wl_shm 1", "3 xdg_wm_base 3", "4 wl_seat 7"}));
}

TEST_P(Wayland, NeverShowsAFreshIdentity) {
  Link link(GetParam(), {{.roles = {"admin"}, .add = {"zwp_xwayland_keyboard_grab_manager_v1"}}});
  link.open({"1 zwp_xwayland_keyboard_grab_manager_v1 1", "2 wl_shm 1"});
  EXPECT_EQ(shown(link), Lines{"2 wl_shm 1"});
}

TEST_P(Wayland, HidesWhatTheTableDoesNotKnowEvenFromTheAdministrator) {
  Link link(GetParam(), {{.roles = {"admin"}, .add = {"acme_secret_v1"}}});
  link.open({"1 acme_secret_v1 1", "2 wl_shm 1"});
  EXPECT_EQ(shown(link), Lines{"2 wl_shm 1"});
}

TEST_P(Wayland, OffersNoVersionBeyondTheTable) {
  Link link(GetParam());
  link.open({"1 wl_compositor 200", "2 wl_shm 4294967295", "3 wl_output 0"});
  EXPECT_EQ(shown(link), (Lines{"1 wl_compositor " + std::to_string(version_of(*find_interface("wl_compositor"))),
                                "2 wl_shm " + std::to_string(version_of(*find_interface("wl_shm")))}));
}

TEST_P(Wayland, TellsOfAGlobalThatGoesOnlyWhenItWasShown) {
  Link link(GetParam());
  link.open({"1 wl_output 3", "2 zwlr_screencopy_manager_v1 3"});
  EXPECT_EQ(link.server("2 wl_registry.global_remove 1"), "");
  EXPECT_EQ(link.server("2 wl_registry.global_remove 2"), "");
  EXPECT_EQ(link.server("2 wl_registry.global_remove 9"), "");
  EXPECT_EQ(link.client_heard(), (Lines{"2 wl_registry.global 1 wl_output 3", "2 wl_registry.global_remove 1"}));
}

TEST_P(Wayland, LetsALateBindOfAGoneGlobalPass) {
  Link link(GetParam());
  link.open({"1 wl_output 3"});
  EXPECT_EQ(link.server("2 wl_registry.global_remove 1"), "");
  EXPECT_EQ(link.client("2 wl_registry.bind 1 wl_output 3 3"), "");
  EXPECT_EQ(link.server_heard(), Lines{"2 wl_registry.bind 1 wl_output 3 3"});
}

TEST_P(Wayland, ForgetsAGlobalWhoseNameIsGivenToAHiddenOne) {
  Link link(GetParam());
  link.open({"1 wl_output 3", "1 zwlr_screencopy_manager_v1 3"});
  link.client_heard();
  EXPECT_EQ(link.client("2 wl_registry.bind 1 wl_output 3 3"), "");
  link.expect_refused("2 0 invalid global wl_output (1)");
}

TEST_P(Wayland, RefusesBindsInTheCompositorsWords) {
  const std::map<std::string, std::string> rows = {
      {"6 zwlr_screencopy_manager_v1 1", "invalid global zwlr_screencopy_manager_v1 (6)"},
      {"77 wl_shm 1", "invalid global wl_shm (77)"},
      {"2 wl_seat 1", "invalid interface for global 2: have wl_seat, wanted wl_shm"},
      {"2 wl_shm 2", "invalid version for global wl_shm (2): have 1, wanted 2"},
      {"2 wl_shm 0", "invalid version for global wl_shm (2): 0 is not a valid version"},
  };
  for (const auto& [bind, text] : rows) {
    Link link(GetParam());
    link.open(desktop);
    link.client_heard();
    EXPECT_EQ(link.client("2 wl_registry.bind " + bind + " 3"), "");
    EXPECT_EQ(link.server_heard(), Lines{}) << bind;
    link.expect_refused("2 0 " + text);
    EXPECT_EQ(link.tally.refusals, 1U);
  }
}

Lines window_requests(const model::WaylandRules& rules, bool drip, const Lines& names) {
  Link link(drip, {rules});
  link.open({"1 xdg_wm_base 3", "2 wl_compositor 4"});
  for (const char* line : {"2 wl_registry.bind 1 xdg_wm_base 3 3", "2 wl_registry.bind 2 wl_compositor 4 4",
                           "4 wl_compositor.create_surface 5", "3 xdg_wm_base.get_xdg_surface 6 5"})
    EXPECT_EQ(link.client(line), "");
  link.server_heard();
  EXPECT_EQ(link.client("6 xdg_surface.get_toplevel 7"), "");
  for (const std::string& name : names) EXPECT_EQ(link.client("7 xdg_toplevel." + name), "");
  return link.server_heard();
}

TEST_P(Wayland, LeavesNamesOfWindowsAloneUnlessALinkSaysSo) {
  EXPECT_EQ(
      window_requests({}, GetParam(), {"set_title my_title", "set_app_id org.x"}),
      (Lines{"6 xdg_surface.get_toplevel 7", "7 xdg_toplevel.set_title my title", "7 xdg_toplevel.set_app_id org.x"}));
}

TEST_P(Wayland, PrefixesNamesOfWindows) {
  const model::WaylandRules rules{.app_id = {.prefix = "box."}, .title = {.prefix = "[{client}] "}};
  EXPECT_EQ(window_requests(rules, GetParam(), {"set_title my_title", "set_app_id org.x"}),
            (Lines{"6 xdg_surface.get_toplevel 7", "7 xdg_toplevel.set_title [panel] my title",
                   "7 xdg_toplevel.set_app_id box.org.x"}));
}

TEST_P(Wayland, PinsTheNameOfAWindowThatGivesItselfNone) {
  const model::WaylandRules rules{.app_id = {.pin = "org.acme.{client}"}};
  EXPECT_EQ(window_requests(rules, GetParam(), {"set_title t", "set_app_id org.gnome.Settings"}),
            (Lines{"6 xdg_surface.get_toplevel 7", "7 xdg_toplevel.set_app_id org.acme.panel",
                   "7 xdg_toplevel.set_title t", "7 xdg_toplevel.set_app_id org.acme.panel"}));
}

TEST_P(Wayland, CutsATitleThatOutgrowsTheLongestMessageBetweenCharacters) {
  const std::string title(4076, 'a');
  const auto last = [&](const char* prefix) {
    return window_requests({.title = {.prefix = prefix}}, GetParam(), {"set_title " + title + "\u00e4"}).back();
  };
  EXPECT_TRUE(last("\u00e4\u00e4") == "7 xdg_toplevel.set_title \u00e4\u00e4" + title + "\u00e4");
  EXPECT_TRUE(last("\u00e4\u00e4\u00e4") == "7 xdg_toplevel.set_title \u00e4\u00e4\u00e4" + title);
}

INSTANTIATE_TEST_SUITE_P(Whole, Wayland, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(ByteByByte, Wayland, testing::Values(true));

}  // namespace
}  // namespace xc::mediate::wl
