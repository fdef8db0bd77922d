# Becomes the first process of a machine with another root directory: tests/releases/run starts it in a mount and a process
# namespace of its own, so all of this ends with it.
#   ROOM yes SOURCE RESULTS ROOT COMMAND...   ROOT, with the source tree where it is here; what is written there goes to memory,
#                                             but what is written in /results to RESULTS
#   ROOM "" "" "" ROOT COMMAND...             ROOT itself, to be changed
set -e
room=$1 overlay=$2 source=$3 results=$4 root=$5
shift 5
if [ -n "$overlay" ]; then
  mount -t tmpfs -o mode=755 tmpfs "$room"
  mkdir "$room/upper" "$room/work" "$room/root" "$room/source" "$room/source-work"
  mount -t overlay -o "lowerdir=$root,upperdir=$room/upper,workdir=$room/work" overlay "$room/root"
  root=$room/root
else
  mount --bind "$root" "$root"
fi
cd "$root"
mkdir -p before results
mount --rbind /sys sys
mount --rbind /dev dev
if [ -n "$source" ]; then
  mkdir -p ".$source"
  mount -t overlay -o "lowerdir=$source,upperdir=$room/source,workdir=$room/source-work" overlay ".$source"
  mount --bind "$results" results
fi
pivot_root . before
cd /
mount -t proc proc /proc
umount -l /before
rmdir /before
exec "$@"
