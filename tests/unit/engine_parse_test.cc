// State and config.json, in the flavours of runc, crun and podman.
#include "parse/engine.h"

#include <gtest/gtest.h>

#include "parse_error.h"

namespace xc::parse {
namespace {

TEST(ParseState, ReadsWhatRuncWrites) {
  const auto state =
      parse_state(R"({"ociVersion":"1.0.2-dev","id":"web","status":"creating","pid":4211,"bundle":"/b/web",)"
                  R"("annotations":{"io.xconnect.run":"/etc/web.json","org.example.other":"x"}})");
  ASSERT_TRUE(state) << error_of(state);
  EXPECT_EQ(state->id, "web");
  EXPECT_EQ(state->status, "creating");
  EXPECT_EQ(state->pid, 4211);
  EXPECT_EQ(state->bundle, "/b/web");
  EXPECT_EQ(state->annotations, (std::map<std::string, std::string>{{"io.xconnect.run", "/etc/web.json"}}));
  EXPECT_FALSE(state->names_root);
}

TEST(ParseState, ReadsWhatCrunWritesWithItsOwnRootAndPidZero) {
  const auto state = parse_state(
      "{\n  \"ociVersion\": \"1.0\",\n  \"id\": \"web\",\n  \"pid\": 0,\n  \"root\": \"rootfs\",\n"
      "  \"bundle\": \"/b/web\",\n  \"status\": \"stopped\"\n}\n");
  ASSERT_TRUE(state) << error_of(state);
  EXPECT_EQ(state->pid, 0);
  EXPECT_EQ(state->status, "stopped");
  EXPECT_TRUE(state->annotations.empty());
  EXPECT_TRUE(state->names_root) << "by this crun is known";
}

TEST(ParseState, ReadsWhatPodmanPassesOnAtPoststopWithoutPid) {
  const std::string id(64, 'a');
  const auto state = parse_state(
      R"({"ociVersion":"1.0.2-dev","id":")" + id +
      R"(","status":"stopped","bundle":"/var/lib/containers/storage/vfs-containers/x/userdata",)"
      R"("annotations":{"io.container.manager":"libpod","io.podman.annotations.label":"","io.xconnect.require.api":"auto"}})");
  ASSERT_TRUE(state) << error_of(state);
  EXPECT_EQ(state->id, id);
  EXPECT_EQ(state->pid, 0);
  EXPECT_EQ(state->annotations.size(), 2U);
  EXPECT_EQ(state->annotations.at("io.container.manager"), "libpod");
}

TEST(ParseState, TakesTheIdsThatEnginesTake) {
  for (const std::string& id : {std::string("a+b"), std::string(65, 'a')})
    EXPECT_EQ(error_of(parse_state(R"({"id":")" + id + R"(","status":"created"})")), "");
}

TEST(ParseState, RefusesWrongValues) {
  const struct {
    const char* text;
    const char* error;
  } rows[] = {
      {"[]", "state: expected the state of a container, found an empty list"},
      {R"({"status":"created"})", "state: has no \"id\", which it must have"},
      {R"({"id":"a"})", "state: has no \"status\", which it must have"},
      {R"({"id":"a\nb","status":"created"})",
       "state: /id: expected a string without control characters that is not empty, found a string (\"a\\x0ab\")"},
      {R"({"id":7,"status":"created"})",
       "state: /id: expected a string without control characters that is not empty, found a number (7)"},
      {R"({"id":"a","status":"created","pid":-1})",
       "state: /pid: expected a whole number from 0 to 4194304, found a number (-1)"},
      {R"({"id":"a","status":"created","pid":4194305})",
       "state: /pid: expected a whole number from 0 to 4194304, found a number (4194305)"},
      {R"({"id":"a","status":"created","pid":"1"})",
       "state: /pid: expected a whole number from 0 to 4194304, found a string (\"1\")"},
      {R"({"id":"a","status":"created","pid":1.0})",
       "state: /pid: expected a whole number from 0 to 4194304, found a number (1.0)"},
      {R"({"id":"a","status":"created","bundle":"b"})",
       "state: /bundle: expected an absolute path, found a string (\"b\")"},
      {R"({"id":"a","status":"created","annotations":[]})",
       "state: /annotations: expected an object of strings, found an empty list"},
      {R"({"id":"a","status":"created","annotations":{"io.xconnect.run":1}})",
       "state: /annotations/io.xconnect.run: expected a string without control characters that is not empty, found a "
       "number (1)"},
      {R"({"id":"a","status":"created","ID":"b"})",
       "state: /ID: differs from \"id\" only by case, and engines disagree about such keys; remove it"},
      {R"({"id":"a","id":"b","status":"created"})", "state:1:11: duplicate key \"id\""},
  };
  for (const auto& [text, error] : rows) EXPECT_EQ(error_of(parse_state(text)), error);
}

TEST(ParseState, AnnotationsOfOthersMayHoldAnything) {
  EXPECT_TRUE(parse_state(R"({"id":"a","status":"created","annotations":{"x":"a\nb","y":""}})"));
  EXPECT_TRUE(parse_state(R"({"id":"a","status":"created","annotations":null})"));
}

TEST(ParseConfig, ReadsRootEnvironmentAndAnnotations) {
  const auto config = parse_config(
      R"({"ociVersion":"1.0.2","root":{"path":"rootfs","readonly":true},"process":{"args":["sh"],)"
      R"("env":["PATH=/bin","WAYLAND_DISPLAY=wayland-0","EMPTY=","ODD"]},"annotations":{"io.xconnect.require.api":"/run/a"},)"
      R"("linux":{"namespaces":[{"type":"pid"}]}})",
      "config.json");
  ASSERT_TRUE(config) << error_of(config);
  EXPECT_EQ(config->root_path, "rootfs");
  EXPECT_TRUE(config->root_readonly);
  EXPECT_EQ(config->env, (std::vector<std::string>{"PATH=/bin", "WAYLAND_DISPLAY=wayland-0", "EMPTY="}));
  EXPECT_EQ(config->annotations.at("io.xconnect.require.api"), "/run/a");
}

std::string config_with_hooks(const std::string& hooks) {
  return R"({"root":{"path":"rootfs"},"hooks":{"createRuntime":[)" + hooks + "]}}";
}

TEST(ParseConfig, GathersWhatAllHooksOfOursAskFor) {
  const auto config = parse_config(
      config_with_hooks(R"({"path":"/x/xc-hook","args":["xc-hook","--require","a=/run/a","createRuntime"]},)"
                        R"({"path":"/x/other","args":["other","--require","a=/run/other"]},)"
                        R"({"path":"/x/xc-hook","args":["xc-hook","--require","b=auto;role=viewer"]},)"
                        R"({"path":"/x/xc-hook","args":["xc-hook","--require","a=/run/a","createRuntime"]})"),
      "config.json");
  ASSERT_TRUE(config) << error_of(config);
  EXPECT_EQ(config->annotations, (std::map<std::string, std::string>{{"io.xconnect.require.a", "/run/a"},
                                                                     {"io.xconnect.require.b", "auto;role=viewer"}}));
}

TEST(ParseConfig, RefusesTwoRequestsForOneServiceThatDiffer) {
  const std::string one_hook =
      R"({"path":"/x/xc-hook","args":["xc-hook","--require","a=/run/a","--require","a=/run/a;role=admin"]})";
  const std::string two_hooks = R"({"path":"/x/xc-hook","args":["xc-hook","--require","a=/run/a"]},)"
                                R"({"path":"/y/xc-hook","args":["xc-hook","--require","a=/run/a;role=admin"]})";
  const std::string sentence = "--require: \"a=/run/a\" and \"a=/run/a;role=admin\" ask for one service; say it once";
  EXPECT_EQ(error_of(parse_config(config_with_hooks(one_hook), "config.json")),
            "config.json: /hooks/createRuntime/0/args/4: " + sentence);
  EXPECT_EQ(error_of(parse_config(config_with_hooks(two_hooks), "config.json")),
            "config.json: /hooks/createRuntime/1/args/2: " + sentence);
}

TEST(ParseConfig, LetsAnAnnotationKnowBetterThanAHook) {
  const auto config = parse_config(
      R"({"root":{"path":"rootfs"},"annotations":{"io.xconnect.require.a":"/run/typed"},"hooks":{"createRuntime":[)"
      R"({"path":"/x/xc-hook","args":["xc-hook","--require","a=/run/a"]}]}})",
      "config.json");
  ASSERT_TRUE(config) << error_of(config);
  EXPECT_EQ(config->annotations.at("io.xconnect.require.a"), "/run/typed");
}

// MAN-05: runc takes "ROOT" for "root" and the last duplicate; crun takes the exact key and the first.
TEST(ParseConfig, RefusesKeysThatOnlySomeEnginesTakeForOurs) {
  const struct {
    const char* text;
    const char* error;
  } rows[] = {
      {R"({"root":{"path":"rootfs"},"ROOT":{"path":"rootfs2"}})", "/ROOT: differs from \"root\" only by case"},
      {R"({"Root":{"path":"rootfs"}})", "/Root: differs from \"root\" only by case"},
      {R"({"root":{"path":"a","PATH":"b"}})", "/root/PATH: differs from \"path\" only by case"},
      {R"({"root":{"path":"a","readOnly":true}})", "/root/readOnly: differs from \"readonly\" only by case"},
      {R"({"root":{"path":"a"},"Process":{}})", "/Process: differs from \"process\" only by case"},
      {R"({"root":{"path":"a"},"proces\u017f":{}})", "/proces\\xc5\\xbf: differs from \"process\" only by case"},
      {R"({"root":{"path":"a"},"process":{"Env":[]}})", "/process/Env: differs from \"env\" only by case"},
      {R"({"root":{"path":"a"},"Annotations":{}})", "/Annotations: differs from \"annotations\" only by case"},
  };
  for (const auto& [text, error] : rows) {
    const std::string found = error_of(parse_config(text, "config.json"));
    EXPECT_TRUE(found.starts_with("config.json: " + std::string(error))) << found;
  }
  EXPECT_EQ(error_of(parse_config(R"({"root":{"path":"a"},"root":{"path":"b"}})", "config.json")),
            "config.json:1:22: duplicate key \"root\"");
}

TEST(ParseConfig, LeavesKeysOfOthersAlone) {
  EXPECT_TRUE(parse_config(R"({"root":{"path":"a"},"hostname":"x","HOSTNAME":"y"})", "config.json"));
  EXPECT_TRUE(parse_config(R"({"root":{"path":"/a/b"},"process":null,"annotations":null})", "config.json"));
}

TEST(ParseConfig, RefusesWrongValues) {
  const struct {
    const char* text;
    const char* error;
  } rows[] = {
      {"3", "config.json: expected a container's configuration, found a number (3)"},
      {"{}", "config.json: has no \"root\", which it must have"},
      {R"({"root":"rootfs"})", "config.json: /root: expected an object with \"path\", found a string (\"rootfs\")"},
      {R"({"root":{}})", "config.json: /root: has no \"path\", which it must have"},
      {R"({"root":{"path":""}})",
       "config.json: /root/path: expected a string without control characters that is not empty, found a string "
       "(\"\")"},
      {R"({"root":{"path":"a","readonly":"no"}})",
       "config.json: /root/readonly: expected true or false, found a string (\"no\")"},
      {R"({"root":{"path":"a"},"process":[]})", "config.json: /process: expected an object, found an empty list"},
      {R"({"root":{"path":"a"},"process":{"env":{}}})",
       "config.json: /process/env: expected a list of strings, found an empty object"},
      {R"({"root":{"path":"a"},"process":{"env":["A=1",2]}})",
       "config.json: /process/env/1: expected a string, found a number (2)"},
  };
  for (const auto& [text, error] : rows) EXPECT_EQ(error_of(parse_config(text, "config.json")), error);
}

}  // namespace
}  // namespace xc::parse
