// Sockets by descriptor: made, connected, and told apart.
#include "sys/unix_socket.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>

#include "isolated.h"
#include "sys/process.h"
#include "sys/rights.h"
#include "sys/unix_message.h"

namespace xc::test {
namespace {

using sys::SocketKind;

Fd open_directory(const std::string& path) {
  return Fd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

Fd entry_of(const Fd& directory, const char* name) {
  return Fd{::openat(directory.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
}

TEST(UnixSocket, ListensAndConnectsInADirectoryOfAnyDepthWithEveryKind) {
  isolated([](const std::string& place) {
    const std::string deep = place + "/" + std::string(200, 'd') + "/" + std::string(200, 'e');
    make_directories(deep);
    const Fd directory = open_directory(deep);
    for (const auto kind : {SocketKind::stream, SocketKind::seqpacket, SocketKind::dgram}) {
      const std::string name = "s" + std::to_string(static_cast<int>(kind));
      const auto listener = sys::listen_at(directory.get(), name, {.kind = kind});
      ASSERT_TRUE(listener) << text_of(listener);
      const auto client = sys::connect_path(entry_of(directory, name.c_str()), kind);
      ASSERT_TRUE(client) << text_of(client);
      EXPECT_TRUE(*sys::send_message(client->get(), "hello", {}));
      EXPECT_NE(::fcntl(listener->get(), F_GETFL) & O_NONBLOCK, 0);
      EXPECT_NE(::fcntl(client->get(), F_GETFD) & FD_CLOEXEC, 0);
    }
  });
}

TEST(UnixSocket, HasOwnerAndModeAsAskedWhateverTheUmask) {
  isolated([](const std::string& place) {
    const Fd directory = open_directory(place);
    ::umask(0077);
    ASSERT_TRUE(sys::listen_at(directory.get(), "s", {.mode = 0666, .owner = {.uid = 100000, .gid = 100001}}));
    struct stat facts{};
    ASSERT_EQ(::fstatat(directory.get(), "s", &facts, AT_SYMLINK_NOFOLLOW), 0);
    EXPECT_EQ(facts.st_uid, 100000U);
    EXPECT_EQ(facts.st_gid, 100001U);
    EXPECT_EQ(facts.st_mode & 07777, 0666U);
  });
}

TEST(UnixSocket, NeverTakesANameThatIsTaken) {
  isolated([](const std::string& place) {
    const Fd directory = open_directory(place);
    write_text(place + "/file", "theirs");
    link_to(place + "/elsewhere", place + "/dangling");
    for (const char* name : {"file", "dangling"})
      EXPECT_EQ(text_of(sys::listen_at(directory.get(), name, {})),
                std::string(name) + ": bind: Address already in use");
    EXPECT_EQ(count_entries(place), 2);
    EXPECT_EQ(text_of(sys::listen_at(directory.get(), "a/b", {})), "not a name of a directory's entry: a/b");
  });
}

TEST(UnixSocket, ConnectsToTheInodeNotToItsName) {
  isolated([](const std::string& place) {
    const Fd directory = open_directory(place);
    const auto listener = sys::listen_at(directory.get(), "s", {});
    ASSERT_TRUE(listener);
    const Fd held = entry_of(directory, "s");
    ASSERT_EQ(::rename((place + "/s").c_str(), (place + "/moved").c_str()), 0);
    link_to("/dev/log", place + "/s");
    EXPECT_TRUE(sys::connect_path(held, SocketKind::stream));
    EXPECT_EQ(text_of(sys::connect_path(entry_of(directory, "s"), SocketKind::stream)),
              "connect: Socket operation on non-socket")
        << "a symlink held by O_PATH|O_NOFOLLOW is not followed";
  });
}

TEST(UnixSocket, TellsWhyItCannotConnect) {
  isolated([](const std::string& place) {
    const Fd directory = open_directory(place);
    auto listener = sys::listen_at(directory.get(), "s", {.backlog = 0});
    const Fd entry = entry_of(directory, "s");
    EXPECT_EQ(text_of(sys::connect_path(entry, SocketKind::seqpacket)), "connect: Protocol wrong type for socket");
    std::vector<Fd> waiting;
    for (int i = 0; i < 8; ++i) {
      auto client = sys::connect_path(entry, SocketKind::stream);
      if (!client) {
        EXPECT_EQ(client.error().code, EAGAIN) << "a full backlog";
        break;
      }
      waiting.push_back(std::move(*client));
    }
    EXPECT_LT(waiting.size(), 8U);
    listener->reset();
    EXPECT_EQ(text_of(sys::connect_path(entry, SocketKind::stream)), "connect: Connection refused");
  });
}

Result<Fd> listen_abstract(const std::string& name) {
  return sys::listen_abstract(sys::UnixAddress::abstract(name).value(), SocketKind::stream, 8);
}

TEST(UnixSocket, APaddedNameIsAnotherOne) {
  const std::string base = "xc-padded-" + std::to_string(::getpid());
  const auto listener = sys::listen_abstract(sys::UnixAddress::padded(base).value(), SocketKind::stream, 8);
  ASSERT_TRUE(listener) << text_of(listener);
  EXPECT_EQ(text_of(sys::connect_abstract(base, SocketKind::stream)), "connect: Connection refused");
  EXPECT_TRUE(sys::connect_abstract(base + std::string(107 - base.size(), '\0'), SocketKind::stream));
}

TEST(UnixSocket, AbstractNamesCountEveryByte) {
  const std::string base = "xc-test-" + std::to_string(::getpid());
  const std::string zero = base + std::string(1, '\0');
  const auto listener = listen_abstract(base);
  ASSERT_TRUE(listener) << text_of(listener);
  EXPECT_TRUE(sys::connect_abstract(base, SocketKind::stream));
  EXPECT_EQ(text_of(sys::connect_abstract(zero, SocketKind::stream)), "connect: Connection refused");
  EXPECT_TRUE(listen_abstract(zero)) << "another name";
  EXPECT_EQ(text_of(listen_abstract(base)), "bind: Address already in use");
  sockaddr_un bound{};
  socklen_t size = sizeof bound;
  ASSERT_EQ(::getsockname(listener->get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
  EXPECT_EQ(size, offsetof(sockaddr_un, sun_path) + 1 + base.size()) << "no padding: others must find the name";
  const std::string longest(107, 'x');
  EXPECT_TRUE(sys::UnixAddress::abstract(longest));
  EXPECT_FALSE(sys::UnixAddress::abstract(longest + "x"));
  EXPECT_FALSE(sys::UnixAddress::abstract(""));
  EXPECT_TRUE(sys::UnixAddress::path(longest));
  EXPECT_FALSE(sys::UnixAddress::path(longest + "x"));
  EXPECT_FALSE(sys::UnixAddress::path(std::string_view("a\0b", 3)));
}

struct Pair {
  explicit Pair(int type) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    a = Fd{ends[0]};
    b = Fd{ends[1]};
  }
  Fd a;
  Fd b;
};

std::vector<int> many(int number, std::size_t count) {
  return std::vector<int>(count, number);
}

int open_descriptors() {
  int count = 0;
  for (int number = 0; number < 1024; ++number)
    if (::fcntl(number, F_GETFD) >= 0) ++count;
  return count;
}

TEST(UnixMessage, CarriesBytesAndDescriptorsAndSaysWhenNothingIsThere) {
  const Pair pair(SOCK_STREAM);
  std::array<char, 64> buffer{};
  const auto nothing = sys::receive_message(pair.b.get(), buffer, 1);
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  const Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, sys::most_rights}) {
    EXPECT_EQ(*sys::send_message(pair.a.get(), "hello", many(null.get(), count)), 5U);
    const auto received = sys::receive_message(pair.b.get(), buffer, sys::most_rights);
    ASSERT_TRUE(received && *received) << text_of(received);
    EXPECT_EQ(std::string_view(buffer.data(), (*received)->size), "hello");
    ASSERT_EQ((*received)->descriptors.size(), count);
    for (const Fd& fd : (*received)->descriptors) EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(text_of(sys::send_message(pair.a.get(), "x", many(null.get(), 254))),
            "too many descriptors for one message");
}

TEST(UnixMessage, MoreDescriptorsThanAllowedIsAnErrorAndNoneStaysOpen) {
  const Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  for (const std::size_t limit : {0U, 1U, 2U, 3U}) {
    const Pair pair(SOCK_STREAM);
    ASSERT_TRUE(sys::send_message(pair.a.get(), "x", many(null.get(), limit + 1)));
    const int before = open_descriptors();
    std::array<char, 64> buffer{};
    const auto received = sys::receive_message(pair.b.get(), buffer, limit);
    EXPECT_EQ(text_of(received), "a message with more than " + std::to_string(limit) + " descriptors was sent to us");
    EXPECT_EQ(open_descriptors(), before);
  }
}

TEST(UnixMessage, AMessageLongerThanTheBufferIsAnError) {
  const Pair pair(SOCK_SEQPACKET);
  ASSERT_TRUE(sys::send_message(pair.a.get(), "four", {}));
  std::array<char, 3> buffer{};
  EXPECT_EQ(text_of(sys::receive_message(pair.b.get(), buffer, 0)), "a message longer than 3 bytes was sent to us");
}

TEST(UnixMessage, TellsEndFromFullAndFromGone) {
  Pair pair(SOCK_STREAM);
  const std::string much(1U << 20U, 'x');
  auto sent = sys::send_message(pair.a.get(), much, {});
  while (sent && *sent) sent = sys::send_message(pair.a.get(), much, {});
  EXPECT_TRUE(sent) << "full is an answer: " << text_of(sent);
  pair.b.reset();
  EXPECT_EQ(text_of(sys::send_message(pair.a.get(), "x", {})), "sendmsg: Broken pipe") << "and no SIGPIPE";
  Pair other(SOCK_STREAM);
  other.a.reset();
  std::array<char, 8> buffer{};
  const auto ended = sys::receive_message(other.b.get(), buffer, 0);
  ASSERT_TRUE(ended && *ended);
  EXPECT_EQ((*ended)->size, 0U);
}

TEST(UnixPeer, IsKnownByCredentialsAndByPidfd) {
  isolated([](const std::string& place) {
    const Fd directory = open_directory(place);
    const auto listener = sys::listen_at(directory.get(), "s", {.mode = 0666});
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setresgid(1001, 1001, 1001) != 0 || ::setresuid(1000, 1000, 1000) != 0) ::_exit(1);
      const auto client = sys::connect_path(entry_of(directory, "s"), SocketKind::stream);
      if (!client) ::_exit(1);
      while (true) ::pause();
    }
    int number = -1;
    for (int i = 0; i < 60'000 && number < 0; ++i, ::usleep(1000))
      number = ::accept4(listener->get(), nullptr, nullptr, 0);
    const Fd accepted{number};
    ASSERT_TRUE(accepted);
    const auto peer = sys::peer_credentials(accepted.get());
    ASSERT_TRUE(peer) << text_of(peer);
    EXPECT_EQ(peer->pid, child);
    EXPECT_EQ(peer->uid, 1000U);
    EXPECT_EQ(peer->gid, 1001U);
    auto pidfd = sys::peer_pidfd(accepted.get());
    ASSERT_TRUE(pidfd) << text_of(pidfd);
    if (*pidfd) {
      const auto proc = sys::Proc::open();
      const auto process = sys::open_process_of(*proc, std::move(**pidfd));
      ASSERT_TRUE(process) << text_of(process);
      EXPECT_EQ(process->pid, child);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto late = sys::peer_pidfd(accepted.get());
    if (late && *late) {
      const auto proc = sys::Proc::open();
      const auto process = sys::open_process_of(*proc, std::move(**late));
      ASSERT_FALSE(process);
      EXPECT_EQ(process.error().code, ESRCH) << "who has ended is told from who cannot be seen";
    }
    EXPECT_EQ(text_of(sys::peer_credentials(listener->get())), "success") << "a listener answers with its maker";
    const Fd alone{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    EXPECT_EQ(text_of(sys::peer_credentials(alone.get())), "SO_PEERCRED: No data available") << "nobody is not root";
  });
}

TEST(UnixPeer, CannotPassDescriptorsToASocketThatRefusesThem) {
  isolated([](const std::string& place) {
    const Fd directory = open_directory(place);
    const auto listener = sys::listen_at(directory.get(), "s", {});
    const auto refuses = sys::refuse_descriptors(listener->get());
    ASSERT_TRUE(refuses) << text_of(refuses);
    const auto client = sys::connect_path(entry_of(directory, "s"), SocketKind::stream);
    const Fd accepted{::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC)};
    const std::array<int, 1> one = {directory.get()};
    const auto sent = sys::send_message(client->get(), "x", one);
    EXPECT_EQ(text_of(sent), *refuses ? "sendmsg: Operation not permitted" : "success");
  });
}

}  // namespace
}  // namespace xc::test
