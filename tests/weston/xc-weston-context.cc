// A module for a real Weston (weston --modules=...): offers wp_security_context_v1 as newer compositors do, and hides a
// global and the protocol itself from whoever comes through a context. For tests; never to be installed.
//
// XC_CONTEXT in the environment makes it fail as compositors might: "refuse" (a protocol error), "deaf" (takes the
// socket and accepts nobody there), "leave" (hangs up on whoever asks), "brief" (stops listening after one client),
// "silent" (stands still when asked).
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

extern "C" {
#include <libweston/libweston.h>

#include "security-context-v1-server-protocol.h"
}
#include "security-context-v1-code.inc"

namespace {

constexpr const char* hidden[] = {"wp_presentation", "wp_security_context_manager_v1"};

wl_display* display = nullptr;
std::set<const wl_client*> restricted;

bool fails(const char* how) {
  const char* wanted = std::getenv("XC_CONTEXT");
  return wanted != nullptr && std::strcmp(wanted, how) == 0;
}

struct Context {
  int listener = -1;
  int closing = -1;
  wl_event_source* accepting = nullptr;
  wl_event_source* ending = nullptr;
  std::string engine;
  std::string app_id;
  std::string instance_id;
};

void end(Context* context) {
  if (context->accepting != nullptr) wl_event_source_remove(context->accepting);
  if (context->ending != nullptr) wl_event_source_remove(context->ending);
  ::close(context->listener);
  ::close(context->closing);
  delete context;
}

struct Departure {
  wl_listener listener;
  const wl_client* client;
};

void on_departure(wl_listener* listener, void* /*client*/) {
  Departure* departure = wl_container_of(listener, departure, listener);
  restricted.erase(departure->client);
  delete departure;
}

int on_client(int /*fd*/, unsigned /*mask*/, void* data) {
  auto* context = static_cast<Context*>(data);
  const int socket = ::accept4(context->listener, nullptr, nullptr, SOCK_CLOEXEC);
  wl_client* client = socket < 0 ? nullptr : wl_client_create(display, socket);
  if (client == nullptr) return 0;
  restricted.insert(client);
  wl_client_add_destroy_listener(client, &(new Departure{{{}, on_departure}, client})->listener);
  std::fprintf(stderr, "context: a client of %s\n", context->app_id.c_str());
  if (fails("brief")) end(context);
  return 0;
}

int on_hangup(int /*fd*/, unsigned /*mask*/, void* data) {
  auto* context = static_cast<Context*>(data);
  std::fprintf(stderr, "context: end of %s\n", context->app_id.c_str());
  end(context);
  return 0;
}

Context* context_of(wl_resource* resource) {
  return static_cast<Context*>(wl_resource_get_user_data(resource));
}

void destroy(wl_client* /*client*/, wl_resource* resource) {
  wl_resource_destroy(resource);
}

template <std::string Context::* field>
void set(wl_client* /*client*/, wl_resource* resource, const char* text) {
  context_of(resource)->*field = text;
}

void commit(wl_client* /*client*/, wl_resource* resource) {
  Context* context = context_of(resource);
  wl_resource_set_user_data(resource, nullptr);
  std::fprintf(stderr, "context: %s %s %s\n", context->engine.c_str(), context->app_id.c_str(),
               context->instance_id.c_str());
  wl_event_loop* loop = wl_display_get_event_loop(display);
  if (!fails("deaf"))
    context->accepting = wl_event_loop_add_fd(loop, context->listener, WL_EVENT_READABLE, on_client, context);
  context->ending = wl_event_loop_add_fd(loop, context->closing, 0, on_hangup, context);
}

constexpr struct wp_security_context_v1_interface context_requests = {
    destroy, set<&Context::engine>, set<&Context::app_id>, set<&Context::instance_id>, commit};

void on_context_gone(wl_resource* resource) {
  if (Context* unused = context_of(resource); unused != nullptr) end(unused);
}

bool listens(int socket) {
  int answer = 0;
  socklen_t size = sizeof answer;
  return ::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &answer, &size) == 0 && answer != 0;
}

void create_listener(wl_client* client, wl_resource* manager, std::uint32_t id, std::int32_t listener,
                     std::int32_t closing) {
  while (fails("silent")) ::pause();
  if (fails("leave")) {
    (void)::shutdown(wl_client_get_fd(client),
                     SHUT_RDWR);  // freeing it here would pull the ground from under libwayland
    return;
  }
  if (fails("refuse") || restricted.contains(client))
    return wl_resource_post_error(manager, WP_SECURITY_CONTEXT_MANAGER_V1_ERROR_NESTED, "no contexts today");
  if (!listens(listener))
    return wl_resource_post_error(manager, WP_SECURITY_CONTEXT_MANAGER_V1_ERROR_INVALID_LISTEN_FD,
                                  "it does not listen");
  wl_resource* made = wl_resource_create(client, &wp_security_context_v1_interface, 1, id);
  wl_resource_set_implementation(made, &context_requests, new Context{listener, closing}, on_context_gone);
}

constexpr struct wp_security_context_manager_v1_interface manager_requests = {destroy, create_listener};

void bind(wl_client* client, void* /*data*/, std::uint32_t version, std::uint32_t id) {
  wl_resource* manager =
      wl_resource_create(client, &wp_security_context_manager_v1_interface, static_cast<int>(version), id);
  wl_resource_set_implementation(manager, &manager_requests, nullptr, nullptr);
}

bool shows(const wl_client* client, const wl_global* global, void* /*data*/) {
  if (!restricted.contains(client)) return true;
  for (const char* name : hidden)
    if (std::strcmp(wl_global_get_interface(global)->name, name) == 0) return false;
  return true;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int wet_module_init(weston_compositor* compositor, int* /*argc*/,
                                                                      char** /*argv*/) {
  display = compositor->wl_display;
  wl_display_set_global_filter(display, shows, nullptr);
  return wl_global_create(display, &wp_security_context_manager_v1_interface, 1, nullptr, bind) == nullptr ? -1 : 0;
}
