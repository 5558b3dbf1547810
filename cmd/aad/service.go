package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kardianos/service"
	"github.com/spf13/cobra"

	"aad/apprentice"
	"aad/daemon"
)

func serviceCommands() []*cobra.Command {
	return []*cobra.Command{
		installCommand(),
		{Use: "uninstall", Short: "Remove the service; the home and all that is in it stays", Args: none,
			RunE: func(cmd *cobra.Command, _ []string) error { return uninstall(cmd.Context(), cmd.OutOrStdout()) }},
		{Use: "start", Short: "Start the installed service", Args: none,
			RunE: withService(start)},
		{Use: "stop", Short: "Stop the installed service; attempts go on and are taken up when it starts", Args: none,
			RunE: withService(stop)},
		{Use: "restart", Short: "Restart the installed service, such as after an upgrade; attempts go on meanwhile", Args: none,
			RunE: withService(restart)},
		{Use: "status", Short: "Say whether the installed service runs", Args: none,
			RunE: withService(status)},
	}
}

// withService gives a command the installed service of the home.
func withService(body func(context.Context, io.Writer, *installed) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		in, err := findInstalled()
		if errors.Is(err, errNoService) && byItself[cmd.Name()] {
			return in.alone(cmd.Context(), cmd.Name(), err)
		}
		if err != nil {
			return err
		}
		return body(cmd.Context(), cmd.OutOrStdout(), in)
	}
}

// byItself are the commands that aa daemon has for an aad that is no service.
var byItself = map[string]bool{"stop": true, "restart": true, "status": true}

// alone names aa's own command where an aad serves a home without a service; else err
// stands.
func (in *installed) alone(ctx context.Context, command string, err error) error {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	who, unheard := daemon.Ask(ctx, daemon.SocketPath(in.Home, os.Getenv("AA_SOCKET")))
	if unheard != nil {
		return err
	}
	return apprentice.Errorf(apprentice.Unmet, "no service is installed for the home %s: its aad (pid %d) runs by itself", in.Home, who.PID).
		WithHint("aa daemon %s", command)
}

// start hands the home to the service: an aad that serves it by itself is stopped
// first. Its attempts go on.
func start(ctx context.Context, out io.Writer, in *installed) error {
	if in.running() {
		return say(out, "the service runs already")
	}
	if !in.socketUnit() || !in.socketActive(ctx) {
		stopped, err := daemon.StopRunning(ctx, in.Socket)
		if err != nil {
			return err
		}
		if stopped {
			fmt.Fprintln(out, "stopped the aad that ran by itself; its attempts go on")
		}
	}
	if in.socketUnit() {
		if err := in.systemctl(ctx, "start", socketName); err != nil {
			return in.fault("start the socket of", err)
		}
	}
	if err := in.manager.Start(); err != nil {
		return in.fault("start", err)
	}
	return in.tellStarted(ctx, out, "started the service")
}

func stop(ctx context.Context, out io.Writer, in *installed) error {
	if in.socketUnit() { // first, since who connects would start aad anew
		if err := in.systemctl(ctx, "stop", socketName); err != nil {
			return in.fault("stop the socket of", err)
		}
	}
	if state, err := in.state(); err == nil && state == service.StatusStopped {
		return say(out, "the service is stopped already")
	}
	if err := in.manager.Stop(); err != nil {
		return in.fault("stop", err)
	}
	return say(out, "stopped the service; attempts go on and are taken up when it starts")
}

func restart(ctx context.Context, out io.Writer, in *installed) error {
	if in.systemd() {
		if err := in.manager.Restart(); err != nil {
			return in.fault("restart", err)
		}
		return say(out, restarted)
	}
	// What does not run need not be stopped; what will not end is told below.
	stopFault := in.manager.Stop()
	if !in.settles(ctx, false) {
		return in.fault("stop", errors.Join(stopFault, errors.New("it still runs")))
	}
	if err := in.manager.Start(); err != nil {
		return in.fault("start", err)
	}
	return in.tellStarted(ctx, out, restarted)
}

const restarted = "restarted the service; attempts have gone on meanwhile"

// tellStarted says what has been done once aad answers. Managers but systemd return
// as soon as its process exists.
func (in *installed) tellStarted(ctx context.Context, out io.Writer, what string) error {
	if in.systemd() || in.settles(ctx, true) {
		return say(out, what)
	}
	if !in.running() {
		return in.fault("start", errors.New("aad has ended at once")).WithHint("aad run in the foreground says why")
	}
	return say(out, "started the service; aad does not answer yet: aad status, and %s", filepath.Join(in.Home, "log", "aad.log"))
}

// settles waits until the service runs and answers, or has gone. It reports false
// when a stop may take no longer, and when the service is seen to have ended instead.
func (in *installed) settles(ctx context.Context, up bool) bool {
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for ended := 0; ended < 20; {
		_, err := daemon.Ask(ctx, in.Socket)
		if up && err == nil {
			return true
		}
		if !in.running() {
			if !up && err != nil {
				return true
			}
			ended++ // managers may take a moment to see it run
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return false
		}
	}
	return false
}

func (in *installed) running() bool {
	state, err := in.state()
	return err == nil && state == service.StatusRunning
}

// state asks the service manager. The library takes an init script that exits with 1, 2
// or 3, which is how LSB has it say that its service does not run, for one that fails.
func (in *installed) state() (service.Status, error) {
	state, err := in.manager.Status()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 1 && exit.ExitCode() <= 3 && exists(in.unitFile()) {
		return service.StatusStopped, nil
	}
	return state, err
}

// settlePatience is the time that a service's files give aad to end, and a little.
const settlePatience = 35 * time.Second

// status asks the service manager, and aad itself if that says that it runs: asking
// aad first would start it by its socket.
func status(ctx context.Context, out io.Writer, in *installed) error {
	state, err := in.state()
	switch {
	case err == nil && state == service.StatusRunning:
	case err == nil && state == service.StatusStopped:
		return say(out, "the service (%s) is stopped; aad start starts it", in.manager.Platform())
	default: // the library takes some states, such as deactivating, for none
		return say(out, "the service (%s) does not run, or its manager cannot tell: %v", in.manager.Platform(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	d, err := daemon.Ask(ctx, in.Socket)
	if err != nil {
		return say(out, "the service (%s) runs, and aad does not answer: %s", in.manager.Platform(), message(err))
	}
	return say(out, "the service (%s) runs: aad %s, pid %d, up %s, %d of %d slots busy, home %s", in.manager.Platform(),
		d.Version, d.PID, time.Duration(d.Uptime)*time.Second, d.Busy, d.Slots, d.Home)
}

// askPatience is how long aad may take to answer aad status.
const askPatience = 5 * time.Second

func uninstall(ctx context.Context, out io.Writer) error {
	in, err := findInstalled()
	if errors.Is(err, errNoService) {
		return apprentice.Errorf(apprentice.Unmet, "no service is installed for the home %s: there is nothing to remove", in.Home)
	}
	if err != nil {
		return err
	}
	if err := in.remove(ctx); err != nil {
		return err
	}
	if err := os.Remove(in.markPath()); err != nil {
		return fmt.Errorf("note that the service is gone: %w", err)
	}
	for _, path := range in.Files {
		fmt.Fprintln(out, "removed", path)
	}
	return say(out, "removed the service; the home %s and its runs stay", in.Home)
}

// remove stops the service and removes what was installed of it. What is gone
// already is no fault, so that it may be repeated.
func (in *installed) remove(ctx context.Context) error {
	if in.socketUnit() {
		for _, verb := range []string{"stop", "disable"} {
			if err := in.systemctl(ctx, verb, socketName); err != nil && exists(in.socketFile()) {
				return in.fault(verb+" the socket of", err)
			}
		}
		if err := removed(in.socketFile()); err != nil {
			return in.fault("remove the socket of", err)
		}
	}
	// A service that does not run need not be stopped.
	_ = in.manager.Stop()
	if err := in.manager.Uninstall(); err != nil && (in.unitFile() == "" || exists(in.unitFile())) {
		return in.fault("remove", err)
	}
	if home, err := os.Readlink(machineHome); err == nil && home == in.Home {
		if err := os.Remove(machineHome); err != nil {
			return in.fault("remove a link of", err)
		}
	}
	return in.unlink()
}

// unlink removes the links of System V's runlevels to the service's script, which the
// library makes and leaves.
func (in *installed) unlink() error {
	links, _ := filepath.Glob("/etc/rc?.d/[SK]??" + in.Name) // the pattern is well formed
	for _, link := range links {
		if to, err := os.Readlink(link); err != nil || to != in.unitFile() {
			continue
		}
		if err := os.Remove(link); err != nil {
			return in.fault("remove a link of", err)
		}
	}
	return nil
}

func (in *installed) fault(what string, err error) *apprentice.Error {
	fault := apprentice.Errorf(apprentice.Unmet, "%s the service (%s): %v", what, in.manager.Platform(), err)
	if !in.System || os.Geteuid() <= 0 { // Windows has no such id: -1
		return fault.WithHint("aad run keeps aad in the foreground")
	}
	verb, _, _ := strings.Cut(what, " ")
	if verb == "remove" {
		verb = "uninstall"
	}
	return fault.WithHint("it belongs to the machine: sudo aad %s", verb)
}

func say(out io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(out, format+"\n", args...)
	return err
}

// removed removes a file that may not be there.
func removed(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
