#include "sys/carried_tree.h"

#include <cerrno>
#include <string>
#include <utility>

#include "base/pack.h"

namespace xc::sys {

/// What the child says of the tree whose descriptor it hands back.
struct CarriedTree {
  FileId id;
  bool restricted = false;
  Use use = Use::socket;
};
template <class A>
void fields(A& a, CarriedTree& t) {
  a("id", t.id);
  a("restricted", t.restricted);
  a("use", t.use);
}

Result<Tree> tree_from_child(const std::function<Result<Tree>()>& make, Deadline deadline) {
  const auto work = [&]() -> Result<Answer> {
    Tree tree = XC_TRY(make());
    if (!tree.detached)  // a source that is only remembered means nothing elsewhere
      return fail(Kind::kernel,
                  std::string("this kernel has no open_tree(2), which ") +
                      (tree.use == Use::device ? "device nodes" : "direct links") + " need",
                  ENOSYS);
    Answer answer(pack(CarriedTree{tree.id, tree.restricted, tree.use}));
    answer.descriptors.push_back(std::move(tree.fd));
    return answer;
  };
  auto answer = XC_TRY(run_child(work, deadline));
  const auto carried = XC_TRY(unpack<CarriedTree>(answer.bytes));
  if (answer.descriptors.size() != 1) return fail(Kind::internal, "a mount came without its descriptor");
  Tree tree;
  tree.fd = std::move(answer.descriptors.front());
  tree.detached = true;
  tree.restricted = carried.restricted;
  tree.use = carried.use;
  tree.id = carried.id;
  return tree;
}

}  // namespace xc::sys
