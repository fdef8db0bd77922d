// Errno values in the words of a person who gives services to containers. Pure.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "advice/explain.h"
#include "base/text.h"

namespace xc::advice {
namespace {

struct Errno {
  int code;
  std::string_view means;
  std::string_view mend;
};

constexpr std::array known{
    Errno{EPERM,
          "the kernel does not allow it to this process: a capability is missing, a seccomp or device filter "
          "refuses, "
          "or the inode is immutable",
          "run as root; inside a container, give it CAP_SYS_ADMIN and a seccomp profile that lets mount "
          "calls pass; "
          "for a device look at the container's device group"},
    Errno{ENOENT, "a file or directory of that path is not there", "correct the path, or start what makes it"},
    Errno{ESRCH, "that process has ended", "the container ended while it was worked on: look at why it ends so early"},
    Errno{EINTR, "a signal came in between", "try again; tell us, as this should not be seen"},
    Errno{EIO, "the file system or device is broken there", "look into the kernel's log: dmesg"},
    Errno{ENXIO, "there is nobody behind that FIFO or device", "start what should be there"},
    Errno{E2BIG, "it is longer than the kernel takes", "make it shorter"},
    Errno{EBADF, "a descriptor is not open, or not open for that",
          "a descriptor that was named on the command line must be open"},
    Errno{EAGAIN, "it would have to wait: a queue or a limit of processes is full",
          "try again; look at ulimit -u and the control group's pids.max"},
    Errno{ENOMEM, "the host has no memory left, or a namespace cannot make one more process",
          "free memory, or raise the control group's limit"},
    Errno{EACCES,
          "the permissions of a file or directory do not allow it; in a container with a user namespace its "
          "root has "
          "no right there",
          "chmod or chown it, or choose a target on a tmpfs such as /run"},
    Errno{EFAULT, "the kernel was given a wrong address", "a defect of xconnect: tell us"},
    Errno{EBUSY, "something is mounted there, or somebody uses it", "umount it, or end who uses it"},
    Errno{EEXIST, "something is there already", "remove it, or choose another place"},
    Errno{EXDEV, "the path leaves its file system, or a mount lies on the way",
          "choose a target without mounts on its way"},
    Errno{ENODEV, "there is no such device, or the file system takes no such file",
          "load the driver, or choose another place"},
    Errno{ENOTDIR, "a part of the path is not a directory", "correct the path"},
    Errno{EISDIR, "a directory is there", "name a file"},
    Errno{EINVAL, "the kernel was asked for something it finds impossible",
          "where the words before it name no reason, tell us"},
    Errno{ENFILE, "the host has no descriptor left", "raise fs.file-max, or end who holds so many"},
    Errno{EMFILE, "the process has no descriptor left", "raise its limit (ulimit -n)"},
    Errno{ENOTTY, "it is no terminal", "call it from a terminal"},
    Errno{EFBIG, "the file is too large", "make it smaller"},
    Errno{ENOSPC,
          "the file system is full, or has no inode left; for a namespace: the limit of "
          "user.max_*_namespaces is reached",
          "free space (df, df -i), or raise the limit"},
    Errno{EROFS, "the file system is read-only there",
          "choose a target on a tmpfs such as /run, or make an empty file of that name in the image"},
    Errno{EMLINK, "there are too many links to it", "choose another place"},
    Errno{EPIPE, "the other side has closed the connection", "look at why it ended"},
    Errno{ENAMETOOLONG, "a name is longer than its place takes: 255 bytes for a component, 107 for a socket's address",
          "choose a shorter path"},
    Errno{ENOSYS, "this kernel has no such call, or a filter around us says so",
          "xc-inject doctor says which, and what follows"},
    Errno{ELOOP, "symbolic links of the path lead in a circle, or a link is where none may be", "name the file itself"},
    Errno{ENODATA, "the kernel tells nothing about it", "tell us, with the kernel's version"},
    Errno{ETIME, "the time was over", "try again"},
    Errno{EPROTO, "the other side does not keep to the protocol", "look at the other side"},
    Errno{EOVERFLOW,
          "a number does not fit: in a user namespace the file system has no number for the container's root",
          "map the container's id 0, or choose another place"},
    Errno{ENOTSOCK, "what is there is no socket", "correct the path"},
    Errno{EMSGSIZE, "the message is longer than the socket takes", "send smaller messages"},
    Errno{EPROTOTYPE, "the socket there is of another kind (stream, seqpacket)",
          "say \"socket-type\" in services.json"},
    Errno{EOPNOTSUPP, "the file system or socket does not do that", "choose another place"},
    Errno{EADDRINUSE, "somebody listens at that name already", "choose another name, or end who listens"},
    Errno{ECONNREFUSED, "nobody listens there: the socket is the leftover of a program that has ended",
          "start the program"},
    Errno{ECONNRESET, "the other side went away in the middle", "look at why it ended"},
    Errno{ENOBUFS, "the host has no memory left for sockets", "free memory"},
    Errno{ETIMEDOUT, "the other side did not answer in time", "look at why it is slow"},
    Errno{ESTALE, "the file system has lost that directory (NFS)", "mount it anew"},
    Errno{EDQUOT, "the quota of the file system, or of keys, is used up", "raise the quota, or free space"},
    Errno{EUSERS, "there are too many user namespaces inside each other", "run it less deep"},
};

bool is(const Errno& row, std::string_view word) {
  return word == strerrorname_np(row.code) || word == strerrordesc_np(row.code) || word == text::number(row.code);
}

}  // namespace

std::optional<Told> explain_errno(std::string_view word) {
  const auto row = std::ranges::find_if(known, [&](const Errno& one) { return is(one, word); });
  if (row == known.end()) return std::nullopt;
  return Told{std::string(strerrorname_np(row->code)) + " (" + text::number(row->code) + ", " +
                  strerrordesc_np(row->code) + ")",
              std::string(row->means), std::string(row->mend)};
}

}  // namespace xc::advice
