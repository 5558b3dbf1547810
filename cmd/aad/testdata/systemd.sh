# Run by TestServiceUnderARealSystemd as the first process of a namespace of its own:
# a systemd serves one user, and aad is installed with it as the manual says.
set -eu
fail() { echo "FAIL: $*"; systemctl --user status aad.service aad.socket --no-pager -l || true; cat "$AA_HOME/log/aad.log" || true; exit 1; }
until_ok() { n=0; until eval "$1"; do n=$((n + 1)); [ $n -lt 600 ] || fail "never: $1"; sleep 0.05; done; }

# A group of its own, so that what systemd does to its groups touches no other.
for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
    if [ -e $tree/cgroup.procs ] && mkdir $tree/$GROUP 2>/dev/null; then echo 0 >$tree/$GROUP/cgroup.procs; fi
done
mount -t tmpfs none /run
mkdir -p /run/systemd/system /run/user/0
chmod 700 /run/user/0
export XDG_RUNTIME_DIR=/run/user/0
unset XDG_CONFIG_HOME DBUS_SESSION_BUS_ADDRESS
/lib/systemd/systemd --user --log-target=console 2>"$WORK/systemd.log" &
until_ok 'systemctl --user is-system-running >/dev/null 2>&1'

echo "== install says what it writes, and why lingering"
aad install </dev/null >"$WORK/install.txt" || fail "install: $(cat "$WORK/install.txt")"
for want in "$HOME/.config/systemd/user/aad.service" "$HOME/.config/systemd/user/aad.socket" "$AA_HOME/env" "enable-linger"; do
    grep -qF "$want" "$WORK/install.txt" || fail "install does not say $want"
done
grep -q "^PATH=.*$BIN" "$AA_HOME/env" || fail "env has no PATH"
systemd-analyze --user verify "$HOME/.config/systemd/user/aad.service" "$HOME/.config/systemd/user/aad.socket" 2>"$WORK/verify.txt" || fail "verify"
! grep -E 'aad\.(service|socket)' "$WORK/verify.txt" || fail "verify complains"
systemctl --user is-enabled aad.service aad.socket >/dev/null || fail "not enabled"

echo "== start hands over from the aad that ran by itself, and its run goes on"
mv "$AA_HOME/service.json" "$WORK/mark" # as before the install
aa settings set agent custom >/dev/null 2>&1
aa settings set custom_command_template "sh $WORK/agent.sh {workspace} {prompt_file}" >/dev/null
run=$(aa submit -q "Write report.md")
until_ok 'test -s "$WORK/agent.pid"'
agent=$(cat "$WORK/agent.pid")
mv "$WORK/mark" "$AA_HOME/service.json"
aad start >"$WORK/start.txt" || fail "start: $(cat "$WORK/start.txt")"
grep -q 'ran by itself' "$WORK/start.txt" || fail "no hand-over"
systemctl --user is-active --quiet aad.service aad.socket || fail "not active after start: not ready?"
aad status | grep -q 'runs: aad' || fail "status: $(aad status)"

echo "== restart loses nothing: the agent lives, calls meanwhile are answered"
old=$(systemctl --user show -P MainPID aad.service)
aad restart >/dev/null &
aa list -q >/dev/null || fail "a call during the restart was lost"
wait $!
new=$(systemctl --user show -P MainPID aad.service)
[ "$old" != "$new" ] || fail "it was not restarted"
kill -0 "$agent" || fail "the agent died with aad"

echo "== a killed aad comes back by itself"
kill -9 "$new"
until_ok '[ "$(systemctl --user show -P MainPID aad.service)" != "$new" ] && systemctl --user is-active --quiet aad.service'
kill -0 "$agent" || fail "the agent died with the killed aad"

echo "== the run ends as if nothing had been"
touch "$WORK/go"
aa wait "$run" --timeout 1m >/dev/null || [ $? -eq 13 ] || fail "the run did not complete"
[ "$(cat "$(aa open "$run")/artifacts/report.md")" = done ] || fail "no artifact"
[ "$(aa rpc run/get "{\"run_id\":\"$run\"}" | grep -c '"attempt_kind": "baseline"')" -le 1 ] || fail "it was attempted twice"

echo "== a socket without aad starts it"
systemctl --user stop aad.service
systemctl --user is-active --quiet aad.socket || fail "the socket went with aad"
aa list -q --no-autostart >/dev/null || fail "who connects does not start aad"
systemctl --user is-active --quiet aad.service || fail "not started by its socket"

echo "== an aad that panics comes back, though Go's own exit status is that of a refusal"
old=$(systemctl --user show -P MainPID aad.service)
kill -ABRT "$old"
until_ok '[ "$(systemctl --user show -P MainPID aad.service)" != "$old" ] && systemctl --user is-active --quiet aad.service'

echo "== one that hangs is ended by the watchdog, and comes back"
[ "$(systemctl --user show -P WatchdogUSec aad.service)" = 1min ] || fail "no watchdog"
mkdir -p "$HOME/.config/systemd/user/aad.service.d"
printf '[Service]\nWatchdogSec=2\n' >"$HOME/.config/systemd/user/aad.service.d/soon.conf"
systemctl --user daemon-reload
aad restart >/dev/null
old=$(systemctl --user show -P MainPID aad.service)
kill -STOP "$old"
until_ok '[ "$(systemctl --user show -P MainPID aad.service)" != "$old" ] && systemctl --user is-active --quiet aad.service'
rm -r "$HOME/.config/systemd/user/aad.service.d"
systemctl --user daemon-reload

echo "== install may be repeated; what was added to env stays"
echo 'MINE=1' >>"$AA_HOME/env"
aad install </dev/null >/dev/null || fail "install again"
grep -qx 'MINE=1' "$AA_HOME/env" || fail "env was overwritten"
[ "$(grep -c '^PATH=' "$AA_HOME/env")" = 1 ] || fail "PATH stands twice"
systemctl --user is-active --quiet aad.service || fail "it ran before the second install and not after"

echo "== stop, start by aa, uninstall; the home stays"
aad stop >/dev/null
aad status | grep -q stopped || fail "status: $(aad status)"
! systemctl --user is-active --quiet aad.socket || fail "the socket would start it again"
aa list -q >/dev/null 2>&1 || fail "aa does not start the service"
systemctl --user is-active --quiet aad.service || fail "aa started an aad of its own"
aad uninstall >"$WORK/uninstall.txt" || fail "uninstall"
! test -e "$HOME/.config/systemd/user/aad.service" || fail "the unit stays"
! test -e "$HOME/.config/systemd/user/aad.socket" || fail "the socket's unit stays"
test -s "$AA_HOME/aad.db" || fail "the home is gone"
! systemctl --user is-active --quiet aad.service || fail "it still runs"
echo "all held"
