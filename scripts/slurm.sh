#!/usr/bin/env bash
# A Slurm cluster of this one machine, for tests: munge, a controller and a node, all on loopback.
#
#   scripts/slurm.sh start DIR    starts it with all of its files in DIR and prints the configuration's path
#   scripts/slurm.sh stop DIR     ends it
#
# The programs of Slurm find it by SLURM_CONF=DIR/slurm.conf. Needs root, and slurmctld, slurmd and munged: Debian's
# packages slurm-wlm and munge.
set -euo pipefail

action=${1:-} dir=$(realpath -m "${2:?a folder}")

start() {
    host=$(hostname -s)
    mkdir -p "$dir"/{controller,node,log,munge}
    # munge trusts a folder only if others cannot write to it, and a key only if others cannot read it.
    chmod 755 "$dir" "$dir/munge"
    (umask 077 && head -c 1024 /dev/urandom >"$dir/munge/key")
    munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge.pid" \
        --log-file="$dir/log/munge" --seed-file="$dir/munge/seed" >&2
    cat >"$dir/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
StateSaveLocation=$dir/controller
SlurmdSpoolDir=$dir/node
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld
SlurmdLogFile=$dir/log/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
    export SLURM_CONF="$dir/slurm.conf"
    slurmctld >&2
    slurmd >&2
    for _ in $(seq 150); do
        if sinfo --noheader --format=%T 2>/dev/null | grep -qE '^(idle|mixed|allocated)$'; then
            echo "$SLURM_CONF"
            return
        fi
        sleep 0.2
    done
    echo "slurm.sh: the node did not come up; see $dir/log" >&2
    stop
    exit 1
}

stop() {
    for name in slurmd slurmctld munge; do
        if [ -f "$dir/$name.pid" ]; then
            kill "$(cat "$dir/$name.pid")" 2>/dev/null || true
        fi
    done
}

case $action in
start | stop) "$action" ;;
*)
    sed -n '2,8s/^# \?//p' "$0" >&2
    exit 2
    ;;
esac
