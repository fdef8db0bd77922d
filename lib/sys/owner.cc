// See owner.h.
#include "sys/owner.h"

#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.h"

namespace xc::sys {
namespace {

constexpr auto ask = static_cast<unsigned>(-1);  // setfsuid(2): an impossible id changes nothing and tells the present

Owner present() {
  return {.uid = static_cast<uid_t>(::setfsuid(ask)), .gid = static_cast<gid_t>(::setfsgid(ask))};
}

/// setfsuid(2) reports no failure; asking again does.
bool become(Owner owner) {
  (void)::setfsgid(owner.gid);
  (void)::setfsuid(owner.uid);
  const Owner now = present();
  return now.uid == owner.uid && now.gid == owner.gid;
}

}  // namespace

Result<ActingAs> ActingAs::begin(Owner owner) {
  Old old{.owner = present()};
  old.securebits = ::prctl(PR_GET_SECUREBITS);
  if (old.securebits < 0) return fail_errno(Kind::kernel, "PR_GET_SECUREBITS", errno);
  if (::prctl(PR_GET_PDEATHSIG, &old.death_signal) != 0) return fail_errno(Kind::kernel, "PR_GET_PDEATHSIG", errno);
  ActingAs acting(old);
  if (old.owner.uid == owner.uid && old.owner.gid == owner.gid) return acting;
  // Without this bit a change of fsuid away from 0 takes CAP_DAC_OVERRIDE and its kin (capabilities(7)).
  if (::prctl(PR_SET_SECUREBITS, static_cast<unsigned long>(old.securebits) | SECBIT_NO_SETUID_FIXUP) != 0)
    return fail_errno(Kind::kernel, "PR_SET_SECUREBITS", errno);
  if (!become(owner))
    return fail(Kind::kernel, "the kernel does not let this process create files as " + text::number(owner.uid) + ":" +
                                  text::number(owner.gid));
  if (::prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(old.death_signal)) != 0)
    return fail_errno(Kind::kernel, "PR_SET_PDEATHSIG", errno);
  return acting;
}

ActingAs::~ActingAs() {
  if (!active_) return;
  // To go on under an id that is not ours would be worse than to end.
  if (!become(old_.owner)) std::abort();
  if (::prctl(PR_GET_SECUREBITS) != old_.securebits &&
      ::prctl(PR_SET_SECUREBITS, static_cast<unsigned long>(old_.securebits)) != 0)
    std::abort();
  if (::prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(old_.death_signal)) != 0) std::abort();
}

}  // namespace xc::sys
