#!/bin/bash
# A Grid Engine of two nodes on one Debian machine, for a person who wants to see rdg's "sge" plugin
# at work. Needs root and Debian's gridengine-master, gridengine-exec and gridengine-client (8.1.9);
# their daemons need not be configured or running.
#
#   test/cluster/sge.sh start DIR          # nodes sge1 (master, submit host) and sge2
#   test/cluster/sge.sh run DIR COMMAND…   # runs COMMAND on sge1 as the ordinary user "alice"
#   test/cluster/sge.sh stop DIR
#
# Everything lives in namespaces of its own (processes, mounts, host name, network) and below DIR:
# the machine's host name, users, files and ports are not touched, and ending the first process of
# the namespace ends the whole cluster. Grid Engine refuses names that resolve to 127.0.0.1; hence the
# network of its own, with one address a node.
set -euo pipefail

self=$(readlink -f "$0")
sge_root=/var/lib/gridengine
sge_spool=/var/spool/gridengine

die() {
  echo "sge.sh: $*" >&2
  exit 1
}

# Waits until a command succeeds: wait_for SECONDS WHAT COMMAND…
wait_for() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < limit)) || die "no $what in time"
    sleep 0.2
  done
}

start() {
  [ "$(id -u)" = 0 ] || die "start needs root"
  [ -x /usr/sbin/sge_qmaster ] && [ -x /usr/sbin/sge_execd ] && [ -x /usr/bin/qconf ] ||
    die "install gridengine-master, gridengine-exec and gridengine-client first"
  [ ! -e "$dir/pid" ] || die "there is a cluster in $dir: stop it first"
  mkdir -p "$dir/root" "$dir/spool" "$dir/home" "$dir/etc"
  # Jobs of an ordinary user: every folder on the way must let them through.
  chmod 755 "$dir" "$dir/root" "$dir/spool" "$dir/home" "$dir/etc"
  # Of its own on each node: a node removes a job's folder when its part of the job has ended.
  mkdir -p -m 1777 "$dir/tmp1" "$dir/tmp2"
  cp -a "$sge_root/." "$dir/root/"
  # All of /etc: a mount over one file would go when somebody outside replaces that file.
  cp -a /etc/. "$dir/etc/"
  printf '127.0.0.1 localhost\n10.66.0.1 sge1\n10.66.0.2 sge2\n' >"$dir/etc/hosts"
  grep -q '^alice:' "$dir/etc/passwd" ||
    echo "alice:x:4242:4242::$dir/home:/bin/bash" >>"$dir/etc/passwd"
  grep -q '^alice:' "$dir/etc/group" || echo "alice:x:4242:" >>"$dir/etc/group"
  chown 4242:4242 "$dir/home"
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin unshare --mount --uts --net --pid --fork --mount-proc \
    "$self" inside "$dir" >"$dir/log" 2>&1 </dev/null &
  # unshare forks: its only child is the first process of the namespace.
  wait_for 10 "first process" pgrep -P $!
  pgrep -P $! >"$dir/pid"
  wait_for 60 "cluster (see $dir/log)" test -e "$dir/ready"
  echo "Grid Engine runs. Try:"
  echo "  $0 run $dir qhost"
  echo "  $0 run $dir qsub -b y -pe mpi 3 sleep 600"
  echo "  $0 stop $dir"
}

# The first process of the namespace: brings everything up and stays.
inside() {
  mount --bind "$dir/root" "$sge_root"
  mount --bind "$dir/spool" "$sge_spool"
  mount --bind "$dir/etc" /etc
  hostname sge1
  ip link set lo up
  ip link add to2 type veth peer name to1
  ip addr add 10.66.0.1/24 dev to2
  ip link set to2 up
  export SGE_ROOT=$sge_root SGE_CELL=default
  mkdir -p "$sge_spool/qmaster/job_scripts" "$sge_spool/spooldb" "$sge_spool/execd" \
    "$sge_root/default/common"
  cp /usr/share/gridengine/default-bootstrap "$sge_root/default/common/bootstrap"
  echo sge1 >"$sge_root/default/common/act_qmaster"
  chown -R sgeadmin:sgeadmin "$sge_root/default" "$sge_spool"
  su -s /bin/sh -c "/usr/share/gridengine/scripts/init_cluster $sge_root default \
    $sge_spool/spooldb sgeadmin" sgeadmin
  sge_qmaster
  wait_for 20 qmaster qconf -sss
  as_admin() { su -s /bin/sh -c "SGE_ROOT=$SGE_ROOT SGE_CELL=default $*" sgeadmin; }
  as_admin qconf -ah sge1 || true
  as_admin qconf -ah sge2
  as_admin qconf -as sge1
  as_admin qconf -as sge2
  sge_execd
  # The second node is a second host name and a second network.
  unshare --uts --net bash -c 'hostname sge2; ip link set lo up; echo $$ >"$0/pid2"
    until ip link show to1 >/dev/null 2>&1; do sleep 0.1; done
    ip addr add 10.66.0.2/24 dev to1; ip link set to1 up
    ping -c1 -W5 10.66.0.1 >/dev/null 2>&1; sge_execd; exec sleep infinity' "$dir" &
  wait_for 10 "second node" test -s "$dir/pid2"
  ip link set to1 netns "$(cat "$dir/pid2")"
  wait_for 20 "first execd" sh -c "qhost -h sge1 | grep -q 'sge1 .*lx'"
  wait_for 20 "second execd" sh -c "qhost -h sge2 | grep -q 'sge2 .*lx'"
  cat >"$dir/pe" <<END
pe_name            mpi
slots              64
user_lists         NONE
xuser_lists        NONE
start_proc_args    NONE
stop_proc_args     NONE
allocation_rule    \$round_robin
control_slaves     TRUE
job_is_first_task  FALSE
urgency_slots      min
accounting_summary FALSE
qsort_args         NONE
END
  cat >"$dir/queue" <<END
qname             all.q
hostlist          sge1 sge2
seq_no            0
load_thresholds   NONE
suspend_thresholds NONE
nsuspend          1
suspend_interval  00:05:00
priority          0
min_cpu_interval  00:05:00
processors        UNDEFINED
qtype             BATCH INTERACTIVE
ckpt_list         NONE
pe_list           mpi
rerun             FALSE
slots             8
tmpdir            $dir/tmp1,[sge2=$dir/tmp2]
shell             /bin/bash
prolog            NONE
epilog            NONE
shell_start_mode  posix_compliant
starter_method    NONE
suspend_method    NONE
resume_method     NONE
terminate_method  NONE
notify            00:00:60
owner_list        NONE
user_lists        NONE
xuser_lists       NONE
subordinate_list  NONE
complex_values    NONE
projects          NONE
xprojects         NONE
calendar          NONE
initial_state     default
s_rt              INFINITY
h_rt              INFINITY
s_cpu             INFINITY
h_cpu             INFINITY
s_fsize           INFINITY
h_fsize           INFINITY
s_data            INFINITY
h_data            INFINITY
s_stack           INFINITY
h_stack           INFINITY
s_core            INFINITY
h_core            INFINITY
s_rss             INFINITY
h_rss             INFINITY
s_vmem            INFINITY
h_vmem            INFINITY
END
  # A job starts a second after it was submitted, not up to 15 later.
  qconf -ssconf | sed 's/^\(flush_[a-z]*_sec\) .*/\1 1/' >"$dir/sconf"
  chmod 644 "$dir/pe" "$dir/queue" "$dir/sconf"
  as_admin qconf -Ap "$dir/pe"
  as_admin qconf -Aq "$dir/queue"
  as_admin qconf -Msconf "$dir/sconf"
  # Both nodes see all processes, and a job's are found and killed by a group of its own: not the same
  # groups on both.
  mkdir -p -m 755 "$dir/conf"
  echo 'gid_range 65501-65600' >"$dir/conf/sge2"
  as_admin qconf -Aconf "$dir/conf/sge2"
  touch "$dir/ready"
  # Reaps what the daemons leave behind.
  while :; do
    sleep 3600 &
    wait $!
  done
}

run() {
  [ -s "$dir/pid" ] || die "there is no cluster in $dir"
  exec nsenter --target "$(cat "$dir/pid")" --mount --uts --net --pid --wd="$dir/home" -- \
    setpriv --reuid 4242 --regid 4242 --clear-groups -- env -i HOME="$dir/home" USER=alice \
    LOGNAME=alice SGE_ROOT=$sge_root SGE_CELL=default PATH="${SGE_PATH:-}/usr/bin:/bin" TERM=dumb \
    "$@"
}

stop() {
  [ -s "$dir/pid" ] || die "there is no cluster in $dir"
  local pid
  pid=$(cat "$dir/pid")
  kill -KILL "$pid" 2>/dev/null || true
  wait_for 10 "end of the cluster" sh -c "! kill -0 $pid"
  rm -rf -- "$dir/root" "$dir/spool" "$dir/etc" "$dir/ready" "$dir/pid" "$dir/pid2" "$dir/pe" \
    "$dir/queue" "$dir/sconf" "$dir/conf" "$dir/tmp1" "$dir/tmp2"
  echo "Stopped; what jobs wrote is in $dir/home, the log is $dir/log"
}

[ $# -ge 2 ] || die "usage: $0 start|stop DIR, $0 run DIR COMMAND…"
action=$1
mkdir -p "$2"
dir=$(readlink -f "$2")
shift 2
case $action in
start | stop | inside) "$action" ;;
run) run "$@" ;;
*) die "unknown word \"$action\": want start, run or stop" ;;
esac
