# Run by TestServiceStartedByHand in a namespace of its own, where nothing says systemd:
# what the library generates for $INIT is started by hand, as that init would. Of upstart
# and procd, which no distribution of today has to install, the parts that read the
# generated files are played here, by their manuals.
set -eu
fail() { echo "FAIL: $*"; cat "$AA_HOME/log/"* /var/log/aad* || true; exit 1; }
until_ok() { n=0; until eval "$1"; do n=$((n + 1)); [ $n -lt 3600 ] || fail "never: $1"; sleep 0.05; done; }
service_pid() { aa rpc ping '{}' | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'; }
executable() { cat >"$1" && chmod 755 "$1"; }

mount -t tmpfs none /run
for dir in etc usr/sbin; do
    mkdir -p "/run/above/$dir" "/run/work/$dir"
    mount -t overlay -o "lowerdir=/$dir,upperdir=/run/above/$dir,workdir=/run/work/$dir" none "/$dir" ||
        { echo "unshare: no overlays here"; exit 1; }
done
mount -t tmpfs none /var/log
rm -rf /etc/rc.d /etc/inittab
mkdir -p /etc/init.d /etc/rc.d /etc/init
for n in 0 1 2 3 4 5 6; do mkdir -p /etc/rc$n.d; done

script=/etc/init.d/aad
platform=linux-$INIT
case $INIT in
sysv)
    platform=unix-systemv
    link=/etc/rc2.d/S50aad
    ;;
rcs)
    mount --bind /dev/null /usr/sbin/service # one cannot be run
    touch /etc/init.d/rcS
    echo ::sysinit:/etc/init.d/rcS >/etc/inittab
    link=/etc/rc.d/S50aad
    ;;
procd)
    link=/etc/rc.d/S50aad
    echo | executable /usr/sbin/procd
    # Of OpenWrt's rc.common what a script with USE_PROCD=1 meets.
    executable /etc/rc.common <<'COMMON'
#!/bin/sh
initscript=$1 action=$2
procd_open_instance() { instance=; }
procd_set_param() {
    case $1 in
    command) shift; instance=$* ;;
    pidfile) pidfile=$2 ;;
    esac
}
procd_close_instance() {
    setsid $instance >/run/procd.log 2>&1 &
    echo $! >"$pidfile"
}
runs() { kill -0 "$(cat "$pid_file" 2>/dev/null)" 2>/dev/null; }
. "$initscript"
case $action in
start) runs || start_service ;;
stop) ! runs || kill "$(cat "$pid_file")"; while runs; do sleep 0.05; done ;;
disable) rm -f /etc/rc.d/[SK]??"${initscript##*/}" ;;
status) if runs; then echo running; else echo inactive; exit 3; fi ;;
esac
COMMON
    ;;
upstart)
    script=/etc/init/aad.conf
    link=$script
    # Of upstart's initctl what reads a job: its script runs in sh -e (init(5)), and the
    # signal that ends it is the one of "kill signal".
    executable /usr/sbin/initctl <<'INITCTL'
#!/bin/sh
conf=/etc/init/${2:-none}.conf
section() { sed -n "/^$1\$/,/^end script\$/{//!p}" "$conf"; }
runs() { kill -0 "$(cat /run/upstart.pid 2>/dev/null)" 2>/dev/null; }
case $1 in
--version) echo "initctl (upstart 1.13.2)" ;;
start)
    section "pre-start script" >/run/prestart.sh
    section script >/run/job.sh
    sh -e /run/prestart.sh || exit 1
    setsid sh -e /run/job.sh >/run/upstart.log 2>&1 &
    echo $! >/run/upstart.pid
    ;;
stop)
    kill -s "$(sed -n 's/^kill signal //p' "$conf")" -- "-$(cat /run/upstart.pid)" # all of its group
    while runs; do sleep 0.05; done
    ;;
restart) "$0" stop "$2" && "$0" start "$2" ;;
status) if runs; then echo "$2 start/running, process $(cat /run/upstart.pid)"; else echo "$2 stop/waiting"; fi ;;
esac
INITCTL
    ;;
esac

! aad install 2>"$WORK/refused.txt" || fail "a user's service was installed"
grep -q 'hint: .*--system' "$WORK/refused.txt" || fail "no hint: $(cat "$WORK/refused.txt")"
! aad install --system 2>"$WORK/nobody.txt" || fail "root's agents without being asked for"
grep -q -- '--user NAME' "$WORK/nobody.txt" || fail "no hint: $(cat "$WORK/nobody.txt")"

aad install --system --user nobody >"$WORK/install.txt" || fail "install"
grep -q "^installed aad as a service ($platform)" "$WORK/install.txt" || fail "another manager: $(cat "$WORK/install.txt")"
grep -q "^wrote $script\$" "$WORK/install.txt" || fail "install does not say what it wrote"
[ $INIT = upstart ] || sh -n $script || fail "not a script"
test -e $link || fail "not started with the machine"

# As the machine starts it: with an environment of next to nothing.
bare="env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin"
if [ $INIT = upstart ]; then $bare initctl start aad; else $bare $link start; fi >/dev/null || fail "start"
until_ok 'test -S "$AA_HOME/aad.sock"'
old=$(service_pid)
[ "$(stat -c %U "/proc/$old")" = nobody ] || fail "it does not run as nobody"
grep -q "^Groups:[[:space:]]*65534" "/proc/$old/status" || fail "it has kept root's groups: $(grep Groups "/proc/$old/status")"
env -u AA_HOME aad status | grep -q 'runs: aad' || fail "status: $(aad status)"

# A restart loses nothing: the agent lives.
aa settings set agent custom >/dev/null 2>&1
aa settings set custom_command_template "sh $WORK/agent.sh {workspace} {prompt_file}" >/dev/null
run=$(aa submit -q "Write report.md")
until_ok 'test -s "$WORK/agent.pid"'
agent=$(cat "$WORK/agent.pid")
aad restart >/dev/null || fail "restart"
[ "$old" != "$(service_pid)" ] || fail "it was not restarted"
kill -0 "$agent" || fail "the agent died with aad"
touch "$WORK/go"
aa wait "$run" --timeout 1m >/dev/null || [ $? -eq 13 ] || fail "the run did not complete"
[ "$(cat "$(aa open "$run")/artifacts/report.md")" = done ] || fail "no artifact"

aad stop >/dev/null || fail "stop"
aad stop | grep -q already || fail "stop of what is stopped: $(aad stop)"
aad status | grep -q stopped || fail "status: $(aad status)"
aad uninstall >/dev/null || fail "uninstall"
! test -e $script || fail "the script stays"
! test -L /etc/aad.home || fail "the link to the home stays"
! find /etc/rc* -name '???aad' | grep . || fail "links stay"
test -s "$AA_HOME/aad.db" || fail "the home is gone"
echo "all held"
