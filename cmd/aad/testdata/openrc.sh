# Run by TestServiceUnderOpenRC in a namespace of its own: what aad installs is started,
# restarted and stopped by Debian's openrc, which lies in $OPENRC and over the machine's
# own folders in this namespace alone.
set -eu
fail() { echo "FAIL: $*"; cat "$AA_HOME/log/"* /var/log/* /run/errors.txt || true; exit 1; }
until_ok() { n=0; until eval "$1"; do n=$((n + 1)); [ $n -lt 3600 ] || fail "never: $1"; sleep 0.05; done; }
service_pid() { aa rpc ping '{}' | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'; }

mount -t tmpfs none /run
mkdir -p /run/above /run/work /run/openrc
mount -t overlay -o "lowerdir=$OPENRC/etc:/etc,upperdir=/run/above,workdir=/run/work" none /etc ||
    { echo "unshare: no overlays here"; exit 1; }
for dir in bin lib sbin; do mount -t overlay -o "lowerdir=$OPENRC/usr/$dir:/usr/$dir" none /usr/$dir; done
mount -t tmpfs none /var/log
mkdir -p /etc/runlevels/default
touch /etc/insserv.conf # openrc of Debian asks for it
echo default >/run/openrc/softlevel
rc-status --all >/dev/null 2>&1 # makes the folders of its state

echo "== install says what it writes; the script is OpenRC's"
aad install --print --system --user nobody >/run/printed.txt || fail "print"
! test -e /etc/init.d/aad || fail "print writes"
aad install --system --user nobody >/run/install.txt 2>/run/errors.txt || fail "install"
grep -q '^wrote /etc/init.d/aad$' /run/install.txt || fail "install does not say what it wrote: $(cat /run/install.txt)"
cmp /run/printed.txt /etc/init.d/aad || fail "printed is another than what is written"
test -L /etc/runlevels/default/aad || fail "not started with the machine"

echo "== start returns when aad answers, as nobody"
rc-service aad describe >/dev/null || fail "rc-service does not read the script"
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin AA_HOME="$AA_HOME" "$BIN/aad" start >/run/start.txt || fail "start: $(cat /run/start.txt)"
aa list -q --no-autostart >/dev/null || fail "it is started and does not answer"
old=$(service_pid)
[ "$(stat -c %U "/proc/$old")" = nobody ] || fail "it does not run as nobody"
aad status | grep -q 'runs: aad' || fail "status: $(aad status)"
rc-service aad status | grep -q started || fail "rc-service does not see it run"

echo "== restart loses nothing: the agent lives"
aa settings set agent custom >/dev/null 2>&1
aa settings set custom_command_template "sh $WORK/agent.sh {workspace} {prompt_file}" >/dev/null
run=$(aa submit -q "Write report.md")
until_ok 'test -s "$WORK/agent.pid"'
agent=$(cat "$WORK/agent.pid")
aad restart >/dev/null || fail "restart"
new=$(service_pid)
[ "$old" != "$new" ] || fail "it was not restarted"
kill -0 "$agent" || fail "the agent died with aad"

echo "== so does a restart by OpenRC itself"
rc-service aad restart >/dev/null 2>&1 || fail "rc-service restart"
until_ok 'aa list -q --no-autostart >/dev/null 2>&1'
kill -0 "$agent" || fail "the agent died with aad"

echo "== a killed aad comes back by itself"
new=$(service_pid)
kill -9 "$new"
until_ok 'pid=$(service_pid 2>/dev/null) && [ -n "$pid" ] && [ "$pid" != "$new" ]'
kill -0 "$agent" || fail "the agent died with the killed aad"

echo "== the run ends as if nothing had been"
touch "$WORK/go"
aa wait "$run" --timeout 1m >/dev/null || [ $? -eq 13 ] || fail "the run did not complete"
[ "$(cat "$(aa open "$run")/artifacts/report.md")" = done ] || fail "no artifact"

echo "== install may be repeated while it runs"
aad install --system --user nobody >/run/install.txt 2>>/run/errors.txt || fail "install again"
aad status | grep -q 'runs: aad' || fail "it ran before the second install and not after"

echo "== stop, a start that is refused, uninstall; the home stays"
aad stop >/dev/null || fail "stop"
aad status | grep -q stopped || fail "status: $(aad status)"
mv "$AA_HOME/settings.json" /run/settings.json
echo '{"agnet": "shell"}' >"$AA_HOME/settings.json"
chown nobody "$AA_HOME/settings.json"
rc-service aad start >/dev/null 2>&1 || true
until_ok 'grep -q agnet /var/log/aad.log'
aad stop >/dev/null 2>&1 || true
mv /run/settings.json "$AA_HOME/settings.json"
aad uninstall >/dev/null 2>>/run/errors.txt || fail "uninstall"
! test -e /etc/init.d/aad || fail "the script stays"
! test -L /etc/runlevels/default/aad || fail "its link stays"
test -s "$AA_HOME/aad.db" || fail "the home is gone"
! pgrep -x supervise-daemo >/dev/null || fail "its supervisor stays"
echo "all held"
