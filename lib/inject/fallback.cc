#include "inject/fallback.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace xc::inject {
namespace {

struct Row {
  int code;
  Next next;
  std::string_view meaning;
};

// Measured per operation (mkdir, open, bind, move_mount) on Linux 6.18, as root and in user namespaces.
constexpr std::array table{
    Row{EROFS, Next::next_place, "the file system is read-only there"},
    Row{ENOSPC, Next::next_place, "the file system is full, or has no inode left"},
    Row{EDQUOT, Next::next_place, "the quota of the file system is used up"},
    Row{EACCES, Next::next_place, "the container's root may not write there, or nobody inside can get there"},
    Row{EPERM, Next::next_place, "the directory is immutable, or its file system takes no such file"},
    Row{EOVERFLOW, Next::next_place, "the file system has no number for the container's root"},
    Row{ENOENT, Next::next_place, "a directory of the path cannot be made"},
    Row{ENOTDIR, Next::next_place, "a part of the path is not a directory"},
    Row{ELOOP, Next::next_place, "symbolic links of the path lead in a circle"},
    Row{EEXIST, Next::next_place, "something that is not ours is there already"},
    Row{EADDRINUSE, Next::next_place, "somebody listens at that name already"},
    Row{EISDIR, Next::next_place, "a directory is there"},
    Row{ENAMETOOLONG, Next::next_place, "a name of the path is longer than its file system takes"},
    Row{EOPNOTSUPP, Next::next_place, "the file system does not take such a file"},
    Row{ENODEV, Next::next_place, "the file system does not take such a file"},
    Row{EIO, Next::next_place, "the file system is broken there"},
    Row{ESTALE, Next::next_place, "the file system has lost that directory"},
    Row{EMFILE, Next::stop, "the process has no descriptor left"},
    Row{ENFILE, Next::stop, "the host has no descriptor left"},
    Row{ENOMEM, Next::stop, "the host has no memory left"},
    Row{ENOBUFS, Next::stop, "the host has no memory left for sockets"},
    Row{EINVAL, Next::stop, "the kernel was asked for something impossible: a defect of xconnect"},
};

const Row* find(int code) {
  const auto row = std::ranges::find(table, code, &Row::code);
  return row == table.end() ? nullptr : &*row;
}

}  // namespace

Next after(const Error& error) {
  if (error.kind == Kind::again || error.kind == Kind::internal) return Next::stop;
  if (error.code == 0) return error.kind == Kind::plant ? Next::next_place : Next::stop;
  const Row* row = find(error.code);
  return row != nullptr ? row->next : Next::stop;
}

std::string_view meaning_of(int code) {
  const Row* row = find(code);
  return row != nullptr ? row->meaning : std::string_view{};
}

}  // namespace xc::inject
