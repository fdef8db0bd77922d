// libvchan-socket as C++ programs use it: the API's header, two handles, two threads.
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "vchan/libvchan.h"

namespace {

/// A directory of its own, and the two ends in it: domain 1 serves domain 2.
class Vchan : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    ::setenv("VCHAN_SOCKET_DIR", directory_.c_str(), 1);
    ::setenv("VCHAN_SHM", GetParam(), 1);
    ::setenv("VCHAN_DOMAIN", "1", 1);
    server_ = libvchan_server_init(2, 3, 0, 0);
    ::setenv("VCHAN_DOMAIN", "2", 1);
    client_ = libvchan_client_init(1, 3);
    ASSERT_NE(server_, nullptr);
    ASSERT_NE(client_, nullptr);
  }
  void TearDown() override {
    libvchan_close(client_);
    libvchan_close(server_);
    for (const char* name : {"VCHAN_SOCKET_DIR", "VCHAN_SHM", "VCHAN_DOMAIN"}) ::unsetenv(name);
    EXPECT_EQ(::rmdir(directory_.c_str()), 0) << "a socket was left";
  }
  static bool readable(libvchan_t* end, int milliseconds) {
    pollfd event{libvchan_fd_for_select(end), POLLIN, 0};
    return ::poll(&event, 1, milliseconds) == 1;
  }

  std::string directory_ = "/tmp/vchan-XXXXXX";
  libvchan_t* server_ = nullptr;
  libvchan_t* client_ = nullptr;
};

TEST_P(Vchan, CarriesMegabytesBothWaysAtOnce) {
  const std::string text(5'000'000, 'x');
  const auto send = [&](libvchan_t* end) { EXPECT_EQ(libvchan_send(end, text.data(), text.size()), 5'000'000); };
  const auto receive = [&](libvchan_t* end) {
    std::string got(text.size(), '\0');
    EXPECT_EQ(libvchan_recv(end, got.data(), got.size()), 5'000'000);
    EXPECT_TRUE(got == text);
  };
  std::thread one([&] { send(server_); });
  std::thread two([&] { send(client_); });
  std::thread three([&] { receive(server_); });
  receive(client_);
  for (auto* thread : {&one, &two, &three}) thread->join();
}

TEST_P(Vchan, TellsAnEventLoopOfDataAndOfTheEnd) {
  while (readable(server_, 0)) ASSERT_EQ(libvchan_wait(server_), 0);
  EXPECT_FALSE(readable(server_, 20));
  ASSERT_EQ(libvchan_write(client_, "hello", 5), 5);
  ASSERT_TRUE(readable(server_, 60'000));
  ASSERT_EQ(libvchan_wait(server_), 0);
  EXPECT_EQ(libvchan_data_ready(server_), 5);
  char word[8] = {};
  EXPECT_EQ(libvchan_read(server_, word, sizeof word), 5);
  EXPECT_STREQ(word, "hello");
  libvchan_close(client_);
  client_ = nullptr;
  ASSERT_TRUE(readable(server_, 60'000));
  EXPECT_EQ(libvchan_is_open(server_), VCHAN_DISCONNECTED);
}

TEST_P(Vchan, SaysWhatFitsAndTakesIt) {
  EXPECT_EQ(libvchan_is_open(client_), VCHAN_CONNECTED);
  EXPECT_EQ(libvchan_buffer_space(client_), 4096);
  libvchan_set_blocking(client_, false);
  std::vector<char> piece(3000);
  int sent = 0;
  for (int taken = 1; taken > 0; sent += taken) taken = libvchan_write(client_, piece.data(), piece.size());
  EXPECT_EQ(libvchan_buffer_space(client_), 0);
  int got = 0;
  while (got < sent) {
    const int some = libvchan_read(server_, piece.data(), piece.size());
    ASSERT_GT(some, 0);
    got += some;
  }
  EXPECT_EQ(libvchan_buffer_space(client_), 4096);
}

TEST_P(Vchan, ServesOneClientAfterAnotherWhileSomebodyReadsAndSomebodyElseLooks) {
  ::setenv("VCHAN_RECONNECT", "1", 1);
  ::setenv("VCHAN_DOMAIN", "1", 1);
  libvchan_t* again = libvchan_server_init(2, 4, 0, 0);
  ::unsetenv("VCHAN_RECONNECT");
  ::setenv("VCHAN_DOMAIN", "2", 1);
  std::atomic<bool> over = false;
  std::thread echo([&] {
    for (char word[4] = {}; word[0] != 's';) {
      if (libvchan_recv(again, word, sizeof word) == 4) (void)libvchan_send(again, word, sizeof word);
    }
    over = true;
  });
  std::thread look([&] {
    for (; !over; ::usleep(20)) (void)libvchan_is_open(again);
  });
  for (int i = 0; i < 200; ++i) {
    libvchan_t* client = libvchan_client_init(1, 4);
    for (const char* word : {"ping", "ring", i < 199 ? "ding" : "stop"}) {
      char answer[4] = {};
      EXPECT_EQ(libvchan_send(client, word, 4), 4) << i;
      EXPECT_EQ(libvchan_recv(client, answer, sizeof answer), 4) << i;
    }
    libvchan_close(client);
  }
  echo.join();
  look.join();
  libvchan_close(again);
}

INSTANTIATE_TEST_SUITE_P(Ways, Vchan, testing::Values("0", "1"),
                         [](const auto& way) { return way.param[0] == '0' ? "Stream" : "Memory"; });

}  // namespace
