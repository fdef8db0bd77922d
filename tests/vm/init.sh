#!/bin/sh
# First process of the guest. Moves to a tmpfs first, because the initial file system cannot be pivoted away from; where the
# image has systemd that goes on, and calls us again as a service. Then it runs what comes over the second serial line: a
# script in base64, one a line, answered by its output in base64 and its code.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin:/xc
if [ "$1" != alone ] && [ "$1" != serve ]; then
  mkdir -p /newroot
  mount -t tmpfs -o mode=755,size=80% none /newroot
  for entry in /*; do
    case $entry in /newroot | /root) ;; *) cp -a "$entry" /newroot/ ;; esac
  done
  [ -x /lib/systemd/systemd ] && exec switch_root /newroot /lib/systemd/systemd
  exec switch_root /newroot /init alone  # which empties this file system
fi
if [ "$1" = alone ]; then
  mount -t proc none /proc
  mount -t sysfs none /sys
  mount -t devtmpfs none /dev
  mkdir -p /dev/pts /dev/shm
  mount -t devpts none /dev/pts
  mount -t tmpfs none /dev/shm
  mount -t tmpfs -o nodev,nosuid,mode=755 none /run
  mount -t cgroup2 none /sys/fs/cgroup
fi
ip link set lo up
while read -r module; do insmod "/modules/$module.ko" || echo "cannot load $module"; done </modules/order
stty -F /dev/ttyS1 raw -echo
exec 3<>/dev/ttyS1
echo ready >&3
while read -r line <&3; do
  echo "$line" | base64 -d >/tmp/command
  sh /tmp/command >/tmp/output 2>&1 3<&- </dev/null
  code=$?
  base64 -w0 /tmp/output >&3
  echo " $code" >&3
done
poweroff -f
