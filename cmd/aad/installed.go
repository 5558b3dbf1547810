package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"

	"github.com/kardianos/service"

	"aad/apprentice"
	"aad/daemon"
	"aad/internal/atomicfile"
)

// markName is a file in the home that says that a service serves it, so that aa
// starts that one and no other.
const markName = "service.json"

// mark is what markName holds.
type mark struct {
	Version     int      `json:"version"`
	Name        string   `json:"name"`
	System      bool     `json:"system"`         // of the whole machine, not of one user
	User        string   `json:"user,omitempty"` // whom a service of the machine runs as
	Executable  string   `json:"executable"`
	Socket      string   `json:"socket"`
	Files       []string `json:"files"` // written by the install, outside the home
	InstalledAt string   `json:"installed_at"`
}

// installed is a service of a home, or one about to be installed.
type installed struct {
	mark
	Home    string
	manager service.Service // of the system: systemd, launchd, …
}

func (in *installed) markPath() string { return filepath.Join(in.Home, markName) }
func (in *installed) envPath() string  { return filepath.Join(in.Home, "env") }

// arguments are those of the installed aad. The home stands there, since not every
// manager passes an environment on.
func (in *installed) arguments() []string {
	args := []string{"run", "--home", in.Home, "--env-file", in.envPath()}
	if in.Socket != daemon.SocketPath(in.Home, "") {
		args = append(args, "--socket", in.Socket)
	}
	return args
}

// plainArguments are those under managers that are not systemd. These keep what is
// said on stderr in a file that only grows, so errors alone are said there: the log of
// the home has the rest. Those of Linux start all as root.
func (in *installed) plainArguments() []string {
	args := append(in.arguments(), "--log-level", "error")
	if in.System && runtime.GOOS == "linux" {
		args = append(args, "--as", in.User)
	}
	return args
}

// machineHome is a link to the home of the machine's service, for root, whose own
// home it is not.
const machineHome = "/etc/aad.home"

// errNoService is in the chain of findInstalled's error for a home without a service.
var errNoService = errors.New("no service")

// findInstalled reads the mark of the home. Root who names no home and has no service
// means that of the machine. Without a service it returns the home with errNoService.
func findInstalled() (*installed, error) {
	home, err := daemon.HomePath(os.LookupEnv)
	if err != nil {
		return nil, err
	}
	if to, err := os.Readlink(machineHome); err == nil && os.Geteuid() == 0 && os.Getenv("AA_HOME") == "" && !exists(filepath.Join(home, markName)) {
		home = to
	}
	in := &installed{Home: home}
	data, err := os.ReadFile(in.markPath())
	if errors.Is(err, fs.ErrNotExist) {
		return in, apprentice.Errorf(apprentice.Unmet, "no service is installed for the home %s", home).
			WithHint("aad install").Because(errNoService)
	}
	if err == nil {
		err = json.Unmarshal(data, &in.mark)
	}
	if err != nil || in.Version != markVersion {
		return nil, apprentice.Errorf(apprentice.Invalid, "%s cannot be read (version %d, this aad knows %d)", in.markPath(), in.Version, markVersion).
			Because(err).WithHint("aad install writes it anew")
	}
	return in, in.open()
}

const markVersion = 2

// save notes that the service is installed.
func (in *installed) save() error {
	text, err := atomicfile.JSON(in.mark)
	if err == nil {
		err = atomicfile.WriteSynced(in.markPath(), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("note that the service is installed: %w", err)
	}
	return nil
}

// open finds the system's service manager.
func (in *installed) open() error {
	if service.ChosenSystem() == nil {
		return apprentice.Errorf(apprentice.Unmet, "this system has no service manager that aad knows").
			WithHint("aad run keeps it in the foreground")
	}
	if !in.System && !in.systemd() && runtime.GOOS != "darwin" {
		install := "sudo aad install --system --user NAME"
		if runtime.GOOS == "windows" {
			install = "as an administrator, aad install --system"
		}
		return apprentice.Errorf(apprentice.Unmet, "the service manager (%s) has no services of single users", service.Platform()).
			WithHint("%s; or aad run keeps it in the foreground", install)
	}
	options := service.KeyValue{
		"UserService": !in.System, "RunAtLoad": true,
		"OnFailure": "restart", "OnFailureDelayDuration": "2s",
	}
	switch {
	case in.systemd():
		options["SystemdScript"] = in.serviceUnit()
	case runtime.GOOS == "darwin":
		options["LaunchdConfig"] = in.plist()
	case service.Platform() == openrcName:
		options["OpenRCScript"] = in.openrc()
	}
	config := &service.Config{
		Name: in.Name, DisplayName: "aad", Description: "aad, the daemon that works runs",
		Executable: in.Executable, Arguments: in.plainArguments(), Option: options,
	}
	manager, err := service.New(idle{}, config)
	if err != nil {
		return apprentice.Errorf(apprentice.Unmet, "the service manager (%s) has no place for aad: %v", service.Platform(), err).
			WithHint("aad run keeps it in the foreground")
	}
	in.manager = manager
	return nil
}

func (in *installed) systemd() bool { return service.Platform() == "linux-systemd" }

// idle is the program that the library wants where it only installs and controls.
type idle struct{}

func (idle) Start(service.Service) error { return nil }
func (idle) Stop(service.Service) error  { return nil }

// serviceUser finds whom a service of the machine is to run as: the one named, else
// the one who called sudo. Agents have that user's rights and logins, so root must
// be asked for by name.
func serviceUser(named string) (*user.User, error) {
	if named == "" {
		named = os.Getenv("SUDO_USER")
	}
	if named == "" {
		return nil, apprentice.Errorf(apprentice.Invalid, "a service of the machine needs the user whose agents it runs").
			WithHint("aad install --system --user NAME")
	}
	u, err := user.Lookup(named)
	if err != nil {
		return nil, apprentice.Errorf(apprentice.NotFound, "there is no user %q", named).WithField("user")
	}
	return u, nil
}
