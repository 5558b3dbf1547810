package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/kardianos/service"
	"github.com/spf13/cobra"

	"aad/apprentice"
	"aad/daemon"
)

// installation is what aad install was asked for.
type installation struct {
	system, force, linger, print bool
	user                         string
	out, errOut                  io.Writer
}

func installCommand() *cobra.Command {
	var i installation
	cmd := &cobra.Command{
		Use: "install", Short: "Install aad as a service of this user, or of the machine with --system", Args: none,
		Long: `Install aad as a service of this user, or of the machine with --system. It says
what it writes and where, may be repeated, and keeps the PATH of this shell in the
file env of the home, so that the service finds the agents that you find.`,
		Example: "  aad install && aad start\n  aad install --print\n  sudo aad install --system --user ada",
		RunE: func(cmd *cobra.Command, _ []string) error {
			i.out, i.errOut = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return i.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&i.system, "system", false, "install for the whole machine; needs root")
	cmd.Flags().StringVar(&i.user, "user", "", "with --system: whom aad and its agents run as (who called sudo)")
	cmd.Flags().BoolVar(&i.force, "force", false, "replace the service of another home")
	cmd.Flags().BoolVar(&i.linger, "linger", false, "let systemd keep your services when you log out, without asking")
	cmd.Flags().BoolVar(&i.print, "print", false, "print the file of launchd or OpenRC, or those of systemd, and write nothing")
	return cmd
}

func (i *installation) run(ctx context.Context) error {
	in, owner, err := i.plan()
	if err != nil {
		return err
	}
	if i.print {
		if note := notSystemd(service.Platform()); note != "" {
			fmt.Fprintln(i.errOut, "aad:", note)
		}
		return in.print(i.out)
	}
	if err := in.open(); err != nil {
		return err
	}
	ran, err := i.clear(ctx, in)
	if err != nil {
		return err
	}
	if err := in.writeHome(owner); err != nil {
		return err
	}
	if err := in.install(ctx); err != nil {
		return err
	}
	if err := errors.Join(in.save(), chown(owner, in.markPath())); err != nil {
		return errors.Join(err, in.remove(ctx))
	}
	i.tell(in)
	if in.systemd() && !in.System {
		if err := i.askLinger(ctx); err != nil {
			return err
		}
	}
	if ran {
		return start(ctx, i.out, in)
	}
	return say(i.out, "start it with: aad start")
}

// plan is what is to be installed, and whom its home belongs to (nil: us).
func (i *installation) plan() (*installed, *user.User, error) {
	in := &installed{mark: mark{Version: markVersion, Name: serviceName, System: i.system, InstalledAt: apprentice.Stamp(time.Now())}}
	var owner *user.User
	var err error
	switch {
	case i.user != "" && runtime.GOOS == "windows":
		return nil, nil, apprentice.Errorf(apprentice.Invalid, "a service of Windows runs as no user but the system's").
			WithField("user").WithHint("aad install --system")
	case i.user != "" && !i.system:
		return nil, nil, apprentice.Errorf(apprentice.Invalid, "only a service of the machine has a user to run as").
			WithField("user").WithHint("aad install --system --user %s", i.user)
	case i.system && runtime.GOOS != "windows":
		if owner, err = serviceUser(i.user); err != nil {
			return nil, nil, err
		}
		in.User = owner.Username
	}
	if in.Home, err = daemon.HomePath(os.LookupEnv); err != nil {
		return nil, nil, err
	}
	if owner != nil && os.Getenv("AA_HOME") == "" {
		in.Home = filepath.Join(owner.HomeDir, ".aad")
	}
	in.Socket = daemon.SocketPath(in.Home, os.Getenv("AA_SOCKET"))
	if in.Executable, err = os.Executable(); err != nil {
		return nil, nil, fmt.Errorf("find out where aad lies: %w", err)
	}
	for _, path := range []string{in.Home, in.Socket, in.Executable} {
		if !fits(service.Platform(), path) {
			return nil, nil, apprentice.Errorf(apprentice.Unmet, "the path %s cannot stand in a service's file", path).
				WithHint("set AA_HOME to a folder without quotes, backslashes and the like in its name, under System V also without spaces and $")
		}
	}
	if err := in.mayUse(owner); err != nil {
		return nil, nil, err
	}
	_, err = findShim()
	return in, owner, err
}

// mayUse refuses to give another's home to the service's user, who could not read what
// is in it: neither of them would have it then.
func (in *installed) mayUse(owner *user.User) error {
	info, err := os.Stat(in.Home)
	if owner == nil || err != nil || !exists(filepath.Join(in.Home, "aad.db")) {
		return nil // what is not there yet is made for the user
	}
	uid, ok := ownerOf(info)
	if !ok || uid == owner.Uid {
		return nil
	}
	return apprentice.Errorf(apprentice.Conflict, "the home %s belongs to another user than %s", in.Home, owner.Username).WithField("user").
		WithHint("aad install --system --user %s, or give it away first: chown -R %s %s", nameOf(uid), owner.Username, in.Home)
}

// nameOf is the user's name, or the number of one that has none.
func nameOf(uid string) string {
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return uid
}

// notSystemd notes that a machine's manager has no use for the units that are printed,
// "" where it has, or where files of its own are printed.
func notSystemd(platform string) string {
	switch platform {
	case "linux-systemd", "darwin-launchd", openrcName:
		return ""
	case "":
		return "this machine has no service manager that aad knows: these are the files for systemd"
	}
	return fmt.Sprintf("the service manager here is %s: these are the files for systemd", platform)
}

func (in *installed) print(out io.Writer) error {
	switch service.Platform() {
	case "darwin-launchd":
		return say(out, "# %s.plist\n%s", in.Name, in.plist())
	case openrcName:
		return say(out, "%s", strings.TrimSuffix(in.openrc(), "\n"))
	}
	return say(out, "# %s\n%s\n# %s\n%s", unitName, in.serviceUnit(), socketName, in.socketUnitText())
}

// clear takes away what an earlier install has left, and reports whether its service
// ran.
func (i *installation) clear(ctx context.Context, in *installed) (ran bool, err error) {
	old, err := findInstalled()
	if err == nil && old.Home == in.Home {
		return old.running(), old.remove(ctx)
	}
	info, err := os.Stat(in.unitFile())
	switch {
	case err != nil:
		return false, nil
	case info.Size() == 0: // an install that did not work leaves this
		return false, os.Remove(in.unitFile())
	case !i.force:
		return false, apprentice.Errorf(apprentice.Conflict, "%s is there, and belongs to no service of the home %s", in.unitFile(), in.Home).
			WithHint("aad install --force replaces it")
	}
	return false, in.remove(ctx)
}

// install writes the service's files and has the manager know them.
func (in *installed) install(ctx context.Context) error {
	if err := in.manager.Install(); err != nil {
		fault := in.fault("install", err)
		if file := in.unitFile(); file != "" { // else the next install would find it in its way
			return errors.Join(fault, os.Remove(file))
		}
		return fault
	}
	if file := in.unitFile(); file != "" {
		in.Files = append(in.Files, file)
	}
	if in.System && runtime.GOOS != "windows" {
		// One of another home is told of by clear.
		if err := errors.Join(removed(machineHome), os.Symlink(in.Home, machineHome)); err != nil {
			return errors.Join(in.fault("link the home of", err), in.remove(ctx))
		}
		in.Files = append(in.Files, machineHome)
	}
	if !in.socketUnit() {
		return nil
	}
	if err := os.WriteFile(in.socketFile(), []byte(in.socketUnitText()), 0o644); err != nil {
		return errors.Join(in.fault("write the socket of", err), in.remove(ctx))
	}
	in.Files = append(in.Files, in.socketFile())
	for _, args := range [][]string{{"daemon-reload"}, {"enable", socketName}} {
		if err := in.systemctl(ctx, args...); err != nil {
			return errors.Join(in.fault("install the socket of", err), in.remove(ctx))
		}
	}
	return nil
}

func (i *installation) tell(in *installed) {
	fmt.Fprintf(i.out, "installed aad as a service (%s) for the home %s\n", in.manager.Platform(), in.Home)
	for _, path := range append(in.Files, in.envPath(), in.markPath()) {
		fmt.Fprintln(i.out, "wrote", path)
	}
}

const whyLinger = `systemd ends your services when you log out, and the agents that run with them,
unless lingering is on for you; it also starts aad when the machine starts.
`

// askLinger sees to it that the service outlives the user's sessions. It is for the
// user to say.
func (i *installation) askLinger(ctx context.Context) error {
	me, err := user.Current()
	if err != nil || exists("/var/lib/systemd/linger/"+me.Username) {
		return nil // it lingers, or there is nobody to linger
	}
	fmt.Fprint(i.out, whyLinger)
	yes := i.linger
	if info, err := os.Stdin.Stat(); !yes && err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Name() != os.DevNull {
		fmt.Fprint(i.out, "turn lingering on? [y/N] ")
		line, _ := bufio.NewReader(os.Stdin).ReadString('\n') // nothing said is no
		yes = strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "y")
	}
	command := []string{"loginctl", "enable-linger", me.Username}
	if !yes {
		return say(i.out, "turn it on with: %s", strings.Join(command, " "))
	}
	if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
		return say(i.out, "%s did not work: %v %s", strings.Join(command, " "), err, out)
	}
	return say(i.out, "lingering is on for %s", me.Username)
}

// chown gives what root has made in a user's home to that user; nil is us.
func chown(owner *user.User, paths ...string) error {
	if owner == nil || os.Geteuid() != 0 {
		return nil
	}
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		return fmt.Errorf("read the user id of %s: %w", owner.Username, err)
	}
	gid, err := strconv.Atoi(owner.Gid)
	if err != nil {
		return fmt.Errorf("read the group id of %s: %w", owner.Username, err)
	}
	for _, path := range paths {
		if err := os.Chown(path, uid, gid); err != nil {
			return fmt.Errorf("give %s to %s: %w", path, owner.Username, err)
		}
	}
	return nil
}
