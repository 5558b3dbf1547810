# Run by TestServiceUnderARealSystemd as the first process of a namespace of its own:
# a systemd serves one user, or is the init of a machine ($MANAGER is user or system),
# and aad is installed with it as the manual says.
set -eu
fail() { echo "FAIL: $*"; $ctl status aad.service aad.socket --no-pager -l || true; cat "$AA_HOME/log/aad.log" || true; exit 1; }
until_ok() { n=0; until eval "$1"; do n=$((n + 1)); [ $n -lt 3600 ] || fail "never: $1"; sleep 0.05; done; }

if [ "${1:-}" != play ]; then
    # A group of its own, so that what systemd does to its groups touches no other.
    for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
        if [ -e $tree/cgroup.procs ] && mkdir $tree/$GROUP 2>/dev/null; then echo 0 >$tree/$GROUP/cgroup.procs; fi
    done
    mount -t tmpfs none /run
    mkdir -p /run/systemd/system /run/user/0 /run/lock
    chmod 700 /run/user/0
    if [ $MANAGER = user ]; then
        export XDG_RUNTIME_DIR=/run/user/0
        unset XDG_CONFIG_HOME DBUS_SESSION_BUS_ADDRESS
        /lib/systemd/systemd --user --log-target=console 2>"$WORK/systemd.log" &
        ctl="systemctl --user"
        until_ok 'systemctl --user is-system-running >/dev/null 2>&1'
        exec sh "$0" play
    fi
    # What belongs to the machine cannot be written, and none of its units is known: one
    # that a machine starts with would empty /tmp.
    mkdir -p /run/above /run/work
    mount -t overlay -o lowerdir=/etc,upperdir=/run/above,workdir=/run/work none /etc || { echo "unshare: no overlays here"; exit 1; }
    mount -t tmpfs none /etc/systemd/system
    cp "$0" "$WORK/play.sh"
    for dir in "$HOME" "$WORK" "$BIN"; do mkdir -p "/run/kept$dir" && mount --bind "$dir" "/run/kept$dir"; done
    mount -t tmpfs none /tmp
    for dir in "$HOME" "$WORK" "$BIN"; do mkdir -p "$dir" && mount --bind "/run/kept$dir" "$dir"; done
    mount -o remount,ro,bind /
    export SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/systemd/system SYSTEMD_GENERATOR_PATH=/run/none
    for name in sysinit basic sockets multi-user shutdown; do
        printf '[Unit]\nDefaultDependencies=no\n' >/run/systemd/system/$name.target
    done
    cat >/run/systemd/system/play.service <<UNIT
[Unit]
DefaultDependencies=no
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
Environment="PATH=$PATH" "HOME=$HOME" "AA_HOME=$AA_HOME" "WORK=$WORK" "BIN=$BIN" MANAGER=system
ExecStart=/bin/sh $WORK/play.sh play
StandardOutput=file:$WORK/played.txt
StandardError=file:$WORK/played.txt
UNIT
    # As in a container, it starts this unit and not those of a machine.
    container=unshare unshare --cgroup --uts --ipc --pid --fork --mount-proc --kill-child \
        /lib/systemd/systemd --system --unit=play.service --log-target=console --show-status=0 >"$WORK/systemd.log" 2>&1 </dev/null || true
    cat "$WORK/played.txt"
    exit
fi

if [ $MANAGER = user ]; then
    ctl="systemctl --user" units=$HOME/.config/systemd/user as="" flags=""
else
    ctl=systemctl units=/etc/systemd/system as="setpriv --reuid=daemon --regid=daemon --clear-groups" flags="--system --user daemon"
fi

echo "== install says what it writes, and why lingering"
aad install $flags </dev/null >"$WORK/install.txt" || fail "install: $(cat "$WORK/install.txt")"
[ $MANAGER = system ] || grep -q enable-linger "$WORK/install.txt" || fail "install does not tell of lingering"
for want in "$units/aad.service" "$units/aad.socket" "$AA_HOME/env"; do
    grep -qF "$want" "$WORK/install.txt" || fail "install does not say $want"
done
grep -q "^PATH=.*$BIN" "$AA_HOME/env" || fail "env has no PATH"
systemd-analyze --$MANAGER verify "$units/aad.service" "$units/aad.socket" 2>"$WORK/verify.txt" || fail "verify"
! grep -E 'aad\.(service|socket)' "$WORK/verify.txt" || fail "verify complains"
$ctl is-enabled aad.service aad.socket >/dev/null || fail "not enabled"

echo "== start hands over from the aad that ran by itself, and its run goes on"
mv "$AA_HOME/service.json" "$WORK/mark" # as before the install
$as aa settings set agent custom >/dev/null 2>&1
$as aa settings set custom_command_template "sh $WORK/agent.sh {workspace} {prompt_file}" >/dev/null
run=$($as aa submit -q "Write report.md")
until_ok 'test -s "$WORK/agent.pid"'
agent=$(cat "$WORK/agent.pid")
mv "$WORK/mark" "$AA_HOME/service.json"
aad start >"$WORK/start.txt" || fail "start: $(cat "$WORK/start.txt")"
grep -q 'ran by itself' "$WORK/start.txt" || fail "no hand-over"
$ctl is-active --quiet aad.service aad.socket || fail "not active after start: not ready?"
aad status | grep -q 'runs: aad' || fail "status: $(aad status)"

[ $MANAGER = user ] || [ "$(stat -c %U "/proc/$($ctl show -P MainPID aad.service)")" = daemon ] || fail "it does not run as the user named"
[ $MANAGER = user ] || env -u AA_HOME aad status | grep -q 'runs: aad' || fail "root does not find it"

echo "== restart loses nothing: the agent lives, calls meanwhile are answered"
old=$($ctl show -P MainPID aad.service)
aad restart >/dev/null &
aa list -q >/dev/null || fail "a call during the restart was lost"
wait $!
new=$($ctl show -P MainPID aad.service)
[ "$old" != "$new" ] || fail "it was not restarted"
kill -0 "$agent" || fail "the agent died with aad"

echo "== a killed aad comes back by itself"
kill -9 "$new"
until_ok '[ "$($ctl show -P MainPID aad.service)" != "$new" ] && $ctl is-active --quiet aad.service'
kill -0 "$agent" || fail "the agent died with the killed aad"

echo "== the run ends as if nothing had been"
touch "$WORK/go"
aa wait "$run" --timeout 1m >/dev/null || [ $? -eq 13 ] || fail "the run did not complete"
[ "$(cat "$(aa open "$run")/artifacts/report.md")" = done ] || fail "no artifact"
[ "$(aa rpc run/get "{\"run_id\":\"$run\"}" | grep -c '"attempt_kind": "baseline"')" -le 1 ] || fail "it was attempted twice"

echo "== a socket without aad starts it"
$ctl stop aad.service
$ctl is-active --quiet aad.socket || fail "the socket went with aad"
aa list -q --no-autostart >/dev/null || fail "who connects does not start aad"
$ctl is-active --quiet aad.service || fail "not started by its socket"

echo "== an aad that panics comes back, though Go's own exit status is that of a refusal"
old=$($ctl show -P MainPID aad.service)
kill -ABRT "$old"
until_ok '[ "$($ctl show -P MainPID aad.service)" != "$old" ] && $ctl is-active --quiet aad.service'

echo "== one that hangs is ended by the watchdog, and comes back"
[ "$($ctl show -P WatchdogUSec aad.service)" = 1min ] || fail "no watchdog"
mkdir -p "$units/aad.service.d"
printf '[Service]\nWatchdogSec=2\n' >"$units/aad.service.d/soon.conf"
$ctl daemon-reload
aad restart >/dev/null
old=$($ctl show -P MainPID aad.service)
kill -STOP "$old"
until_ok '[ "$($ctl show -P MainPID aad.service)" != "$old" ] && $ctl is-active --quiet aad.service'
rm -r "$units/aad.service.d"
$ctl daemon-reload

echo "== install may be repeated; what was added to env stays"
echo 'MINE=1' >>"$AA_HOME/env"
aad install $flags </dev/null >/dev/null || fail "install again"
grep -qx 'MINE=1' "$AA_HOME/env" || fail "env was overwritten"
[ "$(grep -c '^PATH=' "$AA_HOME/env")" = 1 ] || fail "PATH stands twice"
$ctl is-active --quiet aad.service || fail "it ran before the second install and not after"

echo "== stop, start by aa, uninstall; the home stays"
aad stop >/dev/null
aad status | grep -q stopped || fail "status: $(aad status)"
! $ctl is-active --quiet aad.socket || fail "the socket would start it again"
if [ $MANAGER = user ]; then
    aa list -q >/dev/null 2>"$WORK/list.txt" || fail "aa does not start the service: $(cat "$WORK/list.txt")"
else # whom it serves may not start what belongs to the machine
    ! $as aa list -q >/dev/null 2>"$WORK/list.txt" || fail "another than root has started it"
    grep -q 'sudo aad start' "$WORK/list.txt" || fail "no hint: $(cat "$WORK/list.txt")"
    aad start >/dev/null || fail "start again"
fi
$ctl is-active --quiet aad.service || fail "aa started an aad of its own"
aad uninstall >"$WORK/uninstall.txt" || fail "uninstall"
! test -e "$units/aad.service" || fail "the unit stays"
! test -e "$units/aad.socket" || fail "the socket's unit stays"
test -s "$AA_HOME/aad.db" || fail "the home is gone"
! $ctl is-active --quiet aad.service || fail "it still runs"
echo "all held"
