#include "mediate/h2_session.h"

#include <nghttp2/nghttp2.h>

#include <array>
#include <new>

#include "mediate/h2_limits.h"

namespace xc::mediate::h2 {
namespace {

std::uint8_t* bytes_of(const std::string& text) {  // the library's type is not const; it copies
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

std::vector<nghttp2_nv> as_fields(const Lines& lines) {
  std::vector<nghttp2_nv> fields;
  fields.reserve(lines.size());
  for (const auto& [name, value] : lines)
    fields.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  return fields;
}

std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

/// What the library calls; `user` is the Session.
struct Session::Callbacks {
  static Session& of(void* user) { return *static_cast<Session*>(user); }

  static int on_begin(nghttp2_session* /*session*/, const nghttp2_frame* /*frame*/, void* user) {
    of(user).events_.on_begin();
    return 0;
  }

  // NOLINTNEXTLINE(readability-function-size): the library's signature
  static int on_header(nghttp2_session* /*session*/, const nghttp2_frame* /*frame*/, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t /*flags*/,
                       void* user) {
    of(user).events_.on_field(as_text(name, name_size), as_text(value, value_size));
    return 0;
  }

  static int on_frame(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
    Events& events = of(user).events_;
    const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS) events.on_block(frame->hd.stream_id, ended);
    if (frame->hd.type == NGHTTP2_DATA && ended) events.on_end(frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_GOAWAY) events.on_goaway();
    return 0;
  }

  static int on_data(nghttp2_session* /*session*/, std::uint8_t /*flags*/, Id id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    of(user).events_.on_data(id, as_text(data, size));
    return 0;
  }

  static int on_close(nghttp2_session* /*session*/, Id id, std::uint32_t code, void* user) {
    of(user).events_.on_close(id, code);
    return 0;
  }

  // NOLINTNEXTLINE(readability-function-size): the library's signature
  static ssize_t pull(nghttp2_session* session, Id id, std::uint8_t* room, std::size_t size, std::uint32_t* flags,
                      nghttp2_data_source* source, void* /*user*/) {
    auto& events = *static_cast<Events*>(source->ptr);
    const Events::Pulled pulled = events.pull(id, {reinterpret_cast<char*>(room), size});
    if (pulled.size == 0 && !pulled.ended) return NGHTTP2_ERR_DEFERRED;
    if (pulled.ended) *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (pulled.ended && pulled.trailers != nullptr) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const auto fields = as_fields(*pulled.trailers);
      if (nghttp2_submit_trailer(session, id, fields.data(), fields.size()) != 0) return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return static_cast<ssize_t>(pulled.size);
  }

  static nghttp2_data_provider provider(Events& events) {
    nghttp2_data_provider provider{};
    provider.source.ptr = &events;
    provider.read_callback = pull;
    return provider;
  }
};

Session::Session(Role role, Events& events) : events_(events) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::on_begin);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_deflate_dynamic_table_size(option, limits::h2_table_bytes);
  const int made = role == Role::server ? nghttp2_session_server_new2(&session_, callbacks, this, option)
                                        : nghttp2_session_client_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const std::array<nghttp2_settings_entry, 4> settings{
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits::h2_streams},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits::h2_stream_window},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits::head_bytes},
       {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}}};
  if (made != 0 ||
      nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(),
                              role == Role::server ? settings.size() - 1 : settings.size()) != 0 ||
      nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, limits::h2_window) != 0)
    throw std::bad_alloc();  // there is no other reason; the worker ends, and a new one takes its place
}

Session::~Session() {
  nghttp2_session_del(session_);
}

bool Session::receive(std::string_view bytes) {
  return nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) >= 0;
}

std::string_view Session::next_output() {
  const std::uint8_t* data = nullptr;
  const ssize_t size = nghttp2_session_mem_send(session_, &data);
  return size > 0 ? as_text(data, static_cast<std::size_t>(size)) : std::string_view{};
}

bool Session::over() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

Id Session::submit_request(const Lines& head, bool body) {
  const auto fields = as_fields(head);
  const auto provider = Callbacks::provider(events_);
  const Id id =
      nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), body ? &provider : nullptr, nullptr);
  return id > 0 ? id : -1;
}

void Session::submit_response(Id id, const Lines& head, bool body, bool interim) {
  const auto fields = as_fields(head);
  const auto provider = Callbacks::provider(events_);
  // A stream that has gone meanwhile needs no answer: that is the only failure.
  if (interim)
    (void)nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, fields.data(), fields.size(), nullptr);
  else
    (void)nghttp2_submit_response(session_, id, fields.data(), fields.size(), body ? &provider : nullptr);
}

void Session::reset(Id id, Code code) {
  (void)nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, static_cast<std::uint32_t>(code));
}

void Session::resume(Id id) {
  (void)nghttp2_session_resume_data(session_, id);  // fails when nothing was deferred: then it is asked anyway
}

void Session::consume(Id id, std::size_t count) {
  (void)nghttp2_session_consume(session_, id, count);
}

void Session::consume_connection(std::size_t count) {
  (void)nghttp2_session_consume_connection(session_, count);
}

void Session::refuse_new() {
  (void)nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                              NGHTTP2_NO_ERROR, nullptr, 0);
}

void Session::terminate(Code code) {
  (void)nghttp2_session_terminate_session(session_, static_cast<std::uint32_t>(code));
}

}  // namespace xc::mediate::h2
