// Records of containers that live, have died, or cannot be read.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/json_out.h"
#include "box.h"
#include "isolated.h"
#include "registry/leftovers.h"
#include "registry/providers.h"
#include "registry/records.h"
#include "sys/process.h"

namespace xc::registry {
namespace {

using test::isolated;
using test::write_text;

/// The record of a container whose init is this process.
Record record_of(const std::string& name) {
  Record record;
  record.container.name = name;
  record.container.pid = ::getpid();
  const auto proc = sys::Proc::open();
  record.init = {::getpid(), sys::open_process(*proc, ::getpid()).value().start_time};
  return record;
}

Record offering_record(const std::string& name) {
  Record record = record_of(name);
  record.offers.push_back({.name = "api", .type = model::Type::rest, .socket = "/run/api.sock"});
  return record;
}

TEST(Registry, TakesNoProviderForTheOnlyOneWhenARecordCannotBeRead) {
  isolated([](const std::string& place) {
    const auto state = StateDir::open(place + "/state");
    ASSERT_TRUE(publish(*state, offering_record("good")));
    ASSERT_EQ(survey(*state).value().offered.size(), 1U);
    write_text(place + "/state/offers/rival.1", "{\"container\": ");
    EXPECT_FALSE(survey(*state));
  });
}

TEST(Registry, DoesNotCarryOffersThatNobodyLooksFor) {
  isolated([](const std::string& place) {
    const auto state = StateDir::open(place + "/state");
    Record record = offering_record("image");
    for (const char* name : {"b", "c", "d"}) record.offers.push_back({.name = name, .socket = "/run/s"});
    record.links.emplace_back();
    ASSERT_TRUE(publish(*state, record));
    const auto all = survey(*state).value();
    ASSERT_EQ(all.providers.size(), 4U);
    for (const Record& provider : all.providers) {
      EXPECT_EQ(provider.container.name, "image");
      EXPECT_EQ(provider.init.start_time, record.init.start_time);
      EXPECT_TRUE(provider.offers.empty() && provider.links.empty()) << "an image decides how large they are";
    }
    const auto some = survey(*state, [](const std::string& service) { return service == "c"; }).value();
    ASSERT_EQ(some.offered.size(), 1U);
    EXPECT_EQ(some.offered.front().offer.name, "c");
    EXPECT_EQ(some.providers.size(), 1U);
  });
}

TEST(Registry, CanReadWhateverItWrites) {
  isolated([](const std::string& place) {
    const auto state = StateDir::open(place + "/state");
    Record record = offering_record("large");
    ASSERT_TRUE(enter(*state, record, test::soon()));
    const std::string key = key_of("large", record.init.pid);
    model::RestRules rest;
    for (int i = 0; i < 250; ++i) rest.rules.push_back({{"GET"}, {"/v1/**"}});
    record.links.resize(64);
    for (auto& link : record.links) link.grants.push_back({"*", {.rest = rest}});
    ASSERT_TRUE(update(*state, record)) << "more values than a document of somebody else's may have";
    EXPECT_EQ(read(*state, key).value()->links.size(), 64U);
    record.container.bundle.assign(std::size_t{1} << 20U, 'x');
    EXPECT_EQ(update(*state, record).error().text, "what it offers and is granted makes a record longer than 1 MiB");
    EXPECT_EQ(read(*state, key).value()->links.size(), 64U) << "the old one is kept";
  });
}

TEST(Registry, DoesNotSeeAnOfferThatIsStillBeingWritten) {
  isolated([](const std::string& place) {
    const auto state = StateDir::open(place + "/state");
    const Record record = offering_record("good");
    write_text(place + "/state/offers/.good.1.new", to_json(record));
    EXPECT_EQ(survey(*state).value().offered.size(), 0U);
  });
}

TEST(Registry, LeavesNothingOfAHookThatWasKilledWhilePublishing) {
  isolated([](const std::string& place) {
    const auto state = StateDir::open(place + "/state");
    test::make_directories(place + "/state/c/gone.0");
    write_text(place + "/state/offers/.gone.0.new", "{");
    EXPECT_EQ(sweep(*state, "gone"), 1);
    EXPECT_EQ(test::count_entries(place + "/state"), 3);  // its three rooms
  });
}

TEST(Registry, AShimThatIsLateLeavesTheNextLifeUnderTheSameKeyAlone) {
  isolated([](const std::string& place) {
    const auto state = StateDir::open(place + "/state");
    const Record now = record_of("again");
    const std::string key = key_of("again", now.init.pid);
    ASSERT_TRUE(enter(*state, now, test::soon()));
    release(*state, key, {now.init.pid, now.init.start_time - 1});
    EXPECT_TRUE(read(*state, key).value()) << "that was another container";
    release(*state, key, now.init);
    EXPECT_FALSE(read(*state, key).value());
  });
}

TEST(Registry, KeepsAnEntryWhoseRecordCannotBeRead) {
  isolated([](const std::string& place) {
    const auto state = StateDir::open(place + "/state");
    test::make_directories(place + "/state/c/torn.0");
    write_text(place + "/state/c/torn.0/record", "{\"container\": ");
    release(*state, "torn.0", {});
    (void)sweep(*state, "torn");
    EXPECT_EQ(keys(*state).value(), std::vector<std::string>{"torn.0"});
    EXPECT_FALSE(read(*state, "torn.0"));
  });
}

TEST(Registry, NobodyReleasesWhatAHookWorksOn) {
  isolated([](const std::string& place) {
    const auto state = StateDir::open(place + "/state");
    Record gone = record_of("busy");
    gone.init.pid = 0;
    const auto entry = enter(*state, gone, test::soon());
    ASSERT_TRUE(entry);
    EXPECT_EQ(sweep(*state, "other"), 0);
    EXPECT_TRUE(read(*state, "busy.0").value());
    release_held(*state, "busy.0");
    EXPECT_FALSE(read(*state, "busy.0").value());
  });
}

}  // namespace
}  // namespace xc::registry
