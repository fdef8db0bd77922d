// Documents and what may stand in their place (MAN-17, MAN-18).
#include "reader/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/fd.h"

namespace xc::reader {
namespace {

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "xc-files-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
    directory_ = Fd(::open(name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string at(const std::string& name) const { return path_ / name; }
  void write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    std::ofstream(at(name)) << text;
    ASSERT_EQ(::chmod(at(name).c_str(), mode), 0);
  }
  [[nodiscard]] Result<std::optional<std::string>> read(const std::string& name, Keeper keeper = Keeper::host,
                                                        std::size_t limit = 10) const {
    return read_document(directory_.get(), name, limit, keeper);
  }
  /// One of some times: a busy machine is late now and then, and who waits for something is late each time.
  [[nodiscard]] bool answers_at_once(const std::string& name, Keeper keeper) const {
    for (int i = 0; i < 20; ++i) {
      const auto before = std::chrono::steady_clock::now();
      (void)read(name, keeper);
      if (std::chrono::steady_clock::now() - before < std::chrono::milliseconds(100)) return true;
    }
    return false;
  }
  [[nodiscard]] std::string refusal(const std::string& name, Keeper keeper = Keeper::image) const {
    EXPECT_TRUE(answers_at_once(name, keeper)) << name;
    const auto text = read(name, keeper);
    EXPECT_FALSE(text) << name;
    return text ? "" : text.error().text;
  }

  std::filesystem::path path_;
  Fd directory_;
};

TEST_F(Files, ReadsARegularFileUpToItsLimit) {
  write("ten", "0123456789");
  write("eleven", "0123456789a");
  EXPECT_EQ(read("ten").value(), "0123456789");
  EXPECT_EQ(refusal("eleven"), "eleven: is larger than the 10 bytes allowed");
}

TEST_F(Files, AnAbsentFileIsAnAnswer) {
  const auto text = read("absent");
  ASSERT_TRUE(text);
  EXPECT_FALSE(*text);
}

TEST_F(Files, RefusesEverythingThatIsNotARegularFileAtOnce) {
  write("empty", "");
  write("real", "{}");
  ASSERT_EQ(::mkfifo(at("fifo").c_str(), 0644), 0);
  ASSERT_EQ(::mkdir(at("directory").c_str(), 0755), 0);
  ASSERT_EQ(::symlink("real", at("link").c_str()), 0);
  ASSERT_EQ(::symlink("nowhere", at("dangling").c_str()), 0);
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  at("socket").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(refusal("empty"), "empty: is empty");
  EXPECT_EQ(refusal("fifo"), "fifo: expected a regular file, found a FIFO");
  EXPECT_EQ(refusal("directory"), "directory: expected a regular file, found a directory");
  EXPECT_EQ(refusal("link"), "link: expected a regular file, found a symbolic link");
  EXPECT_EQ(refusal("dangling"), "dangling: expected a regular file, found a symbolic link");
  EXPECT_EQ(refusal("socket"), "socket: expected a regular file, found a socket");
}

TEST_F(Files, RefusesADeviceWithoutOpeningIt) {
  const Fd devices(::open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const char* name : {"zero", "null"}) {
    const auto text = read_document(devices.get(), name, 10, Keeper::image);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().text, std::string(name) + ": expected a regular file, found a character device");
  }
}

TEST_F(Files, AFileOfTheHostMayBeWrittenByItsOwnerOnly) {
  write("group", "{}", 0664);
  write("others", "{}", 0646);
  write("private", "{}", 0600);
  const std::string tail = ": may be written by others than its owner; remove that (chmod go-w)";
  EXPECT_EQ(refusal("group", Keeper::host), "group" + tail);
  EXPECT_EQ(refusal("others", Keeper::host), "others" + tail);
  EXPECT_EQ(read("group", Keeper::image).value(), "{}");
  EXPECT_EQ(read("private").value(), "{}");
}

TEST_F(Files, AFileOfTheHostBelongsToRoot) {
  if (::geteuid() != 0) GTEST_FAIL() << "needs root, as all of ns_tests";
  write("theirs", "{}");
  ASSERT_EQ(::chown(at("theirs").c_str(), 1234, 1234), 0);
  EXPECT_EQ(refusal("theirs", Keeper::host), "theirs: belongs to uid 1234; it must belong to root");
  EXPECT_EQ(read("theirs", Keeper::image).value(), "{}");
}

TEST_F(Files, TakesOnlyNamesOfTheDirectoryItself) {
  for (const char* name : {"", ".", "..", "a/b", "/etc/passwd"}) EXPECT_EQ(read(name).error().kind, Kind::internal);
}

// MAN-18: a file that becomes a link and back, as fast as another process can do it.
TEST_F(Files, ARaceWithALinkNeverShowsWhatTheLinkPointsTo) {
  write("good", "good");
  write("canary", "canary");
  ASSERT_EQ(::symlink("canary", at("link").c_str()), 0);
  const pid_t swapper = ::fork();
  if (swapper == 0) {
    for (;;) ::renameat2(AT_FDCWD, at("good").c_str(), AT_FDCWD, at("link").c_str(), RENAME_EXCHANGE);
  }
  int read_count = 0;
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    const auto text = read("good", Keeper::image);
    if (text) {
      ++read_count;
      ASSERT_EQ(text->value(), "good");
    } else {
      ++refused;
      ASSERT_EQ(text.error().text, "good: expected a regular file, found a symbolic link");
    }
  }
  ::kill(swapper, SIGKILL);
  ::waitpid(swapper, nullptr, 0);
  EXPECT_GT(read_count, 0);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace xc::reader
