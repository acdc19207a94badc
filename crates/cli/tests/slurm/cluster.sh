#!/usr/bin/env bash
# A small Slurm on this machine for tests: one controller and three nodes, without accounting.
#   cluster.sh start FOLDER PORT     cluster.sh stop FOLDER
# Commands find it by SLURM_CONF=FOLDER/slurm.conf. Wants Debian's slurm-wlm and munge, and runs as root.
set -eu
action=$1
folder=$(realpath -m "$2")

stop() {
    for file in "$folder"/*.pid; do
        [ -e "$file" ] || continue
        kill "$(cat "$file")" 2>/dev/null || true
    done
    sleep 1
    for file in "$folder"/*.pid; do
        [ -e "$file" ] || continue
        kill -9 "$(cat "$file")" 2>/dev/null || true
        rm -f "$file"
    done
}

if [ "$action" = stop ]; then
    stop
    exit
fi

port=$3
mkdir -p "$folder/state" "$folder/munge"
chmod 700 "$folder/munge"
head -c 1024 /dev/urandom >"$folder/munge/key"
chmod 400 "$folder/munge/key"
munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge.pid" \
    --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"

host=$(hostname -s)
cat >"$folder/slurm.conf" <<EOF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool.%n
SlurmctldPidFile=$folder/controller.pid
SlurmdPidFile=$folder/node.%n.pid
SlurmctldLogFile=$folder/controller.log
SlurmdLogFile=$folder/node.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=bf_interval=1,sched_min_interval=100000,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
JobRequeue=1
ReturnToService=2
KillWait=10
MinJobAge=3600
MpiDefault=none
SlurmdParameters=config_overrides
EOF
for number in 1 2 3; do
    echo "NodeName=n$number NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + number)) CPUs=1 RealMemory=4000 State=UNKNOWN" >>"$folder/slurm.conf"
done
echo "PartitionName=main Nodes=n[1-3] Default=YES MaxTime=60 State=UP" >>"$folder/slurm.conf"

export SLURM_CONF=$folder/slurm.conf
slurmctld -c
for number in 1 2 3; do
    mkdir -p "$folder/spool.n$number"
    slurmd -N "n$number"
done
for _ in $(seq 100); do
    if [ "$(sinfo --noheader --format=%T 2>/dev/null | sort -u)" = idle ]; then exit 0; fi
    sleep 0.2
done
echo "the nodes did not become idle:" >&2
sinfo >&2 || true
stop
exit 1
