// Messages about what the kernel refused or lacks, and about our own processes.
#include <array>

#include "advice/explain.h"

namespace xc::advice {
namespace {

constexpr std::array entries{
    Entry{"cannot isolate the worker: clone*", "a worker needs namespaces of its own, and the kernel refused them",
          "xc-inject doctor says which are missing; inside a container, allow clone(2) with new namespaces"},
    Entry{"starting the worker*|pivot_root*|mounting an empty root*|leaving the old root*|making mounts "
          "private*|setresuid*|setresgid*|setgroups*",
          "a wall of the worker's sandbox could not be built, so it was not started",
          "run as root with CAP_SYS_ADMIN; xc-inject doctor"},
    Entry{"seccomp: *|no_new_privs*", "a process could not be confined, so it was not started",
          "a kernel with CONFIG_SECCOMP_FILTER"},
    Entry{"entering the container's mount namespace*|entering the container's network namespace*|*: not a "
          "namespace|opening the root of process *|NS_GET_PARENT*",
          "the container's namespaces cannot be entered",
          "the hook must run as root in the host's own pid and user namespace"},
    Entry{"/proc is not the root of a procfs; mount one there|opening /proc*|fstatfs /proc*|fstat /proc*|"
          "fchdir "
          "/proc*|/proc/self*",
          "the hook looks at processes through /proc, and what is mounted there is not the kernel's own",
          "mount -t proc proc /proc"},
    Entry{"*not as proc(5) says*|cgroup: not as cgroups(7) says*|not as user_namespaces(7) says*|"
          "stat: the start time "
          "is not a number|the kernel does not tell *",
          "the kernel answers in a form that is not known", "tell us, with the kernel's version"},
    Entry{"the kernel does not let this process create files as *",
          "the hook makes files as the container's root (setfsuid), and is not allowed to",
          "run it as root with CAP_SETUID and CAP_SETGID"},
    Entry{"PR_GET_SECUREBITS*|PR_SET_SECUREBITS*|PR_GET_PDEATHSIG*|PR_SET_PDEATHSIG*|PR_SET_DUMPABLE*|"
          "cap_get_proc*|"
          "cap_set_proc*|getgroups*|setegid*|seteuid*|RLIMIT_CPU*|getrlimit*",
          "a process could not put down rights that it must not have",
          "run as root; inside a container, with a profile that lets prctl(2) and capset(2) pass"},
    Entry{"making the cgroup *|opening the cgroup *|removing the cgroup *|"
          "*: another file system lies over the cgroups",
          "the shim's own control group could not be made or removed",
          "xc-inject doctor looks at the control groups; they must be mounted writable"},
    Entry{"mount_setattr*|open_tree*|move_mount*|mount (bind)*|umount*|setting the flags of the mount*|"
          "making the "
          "mount private*|fstatfs of the mount*|opening the planted "
          "entry*|duplicating a descriptor*",
          "a socket could not be mounted into the container",
          "run as root with CAP_SYS_ADMIN; a security module (AppArmor, SELinux) may refuse mounts: dmesg "
          "says so"},
    Entry{"making the directory*|making the file to mount on*|opening the directory just made*|"
          "fstat of the directory "
          "just made*|setting the mode of the directory just made*|opening what is there already*|"
          "fstat of what is "
          "there already*|fstatfs: *|fstat: *|fstat of a root directory*|a root directory*|opening *",
          "the place of a link in the container could not be made or looked at",
          "choose another target; the errno says what is wrong with this one"},
    Entry{"memfd_create*|writing a file in memory*|sealing*|configuration: *|"
          "configuration is too large|a "
          "message between our own processes is malformed|a child of ours *|waiting for a child of ours*|"
          "a descriptor "
          "that is not a pidfd|too many descriptors for one message|"
          "a descriptor came with bytes that had none|bytes "
          "of a stream vanished while they were looked at|the parent is gone|"
          "D-Bus header handed over incomplete",
          "our own processes did not understand each other: one of them was killed, or there is a defect",
          "look whether something was killed (dmesg: out of memory); else tell us"},
    Entry{"fork: *|socketpair: *|pipe: *|poll: *|dup2*|dup3*|fcntl: "
          "*|/dev/null*|close_range*|epoll_*|signalfd*|sigprocmask*|chdir*|mmap*|flock*|mkdir: *|open: *|"
          "read: *|stat: "
          "*|socket: *|listen: *|bind: *|chmod: *|chown: *|fchmod*|O_NONBLOCK*|sendmsg: *|recvmsg: "
          "*|splice*|SIOCINQ*|SO_*|status socket: *|standard input: *|reading *|writing *|"
          "listing a "
          "directory*|opening the socket's entry*|connect: *|poll of a pidfd*|signalling *",
          "a system call of that name failed; the errno at the end of the line says why",
          "mend what the errno says; what stands before names the file or container"},
    Entry{"*: not a regular file|*: longer than * bytes|only a part was taken|*: not a process number",
          "a file of the kernel's or of ours is not what it should be", "look what is at that path"},
    Entry{"the peer has ended|the peer lives outside our pid namespace|a client that cannot be known*",
          "who connected cannot be told, so it is turned away", "run the hook in the host's own pid namespace"},
    Entry{"it does not answer|it ends with code *|it is ended by signal *",
          "a program or a shim that was asked said nothing in time, or failed", "ask again; xc-inject doctor"},
    Entry{"a message longer than * bytes was sent to us|a message with more than * descriptors was sent to us",
          "one of our own processes said more than it may: it was taken over, or there is a defect", "tell us"},
};

}  // namespace

const std::span<const Entry> kernel_entries = entries;

}  // namespace xc::advice
