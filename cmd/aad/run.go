package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"syscall"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"aad/apprentice"
	"aad/daemon"
	"aad/internal/version"
)

// runOptions are those of aad run.
type runOptions struct{ home, socket, envFile, as string }

func runCommand() *cobra.Command {
	var logFormat, logLevel string
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Serve the home in the foreground until SIGINT or SIGTERM",
		Example: "  aad run\n" +
			"  AA_HOME=/srv/aad aad run --log-format json\n",
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// A panic, and the watchdog's SIGABRT, end aad by a signal: Go's exit status 2
			// is that of a refusal, after which no manager is to start it again.
			debug.SetTraceback("crash")
			handler, err := logHandler(logFormat, logLevel)
			if err != nil {
				return err
			}
			if served, err := serveUnderManager(o, handler); served {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return o.serve(ctx, handler)
		},
	}
	cmd.Flags().StringVar(&logFormat, "log-format", "text", "of the log on stderr: text or json")
	cmd.Flags().StringVar(&logLevel, "log-level", "info", "of the log on stderr: debug, info, warn or error")
	cmd.Flags().StringVar(&o.home, "home", "", "the home, instead of AA_HOME")
	cmd.Flags().StringVar(&o.socket, "socket", "", "where to listen, instead of AA_SOCKET")
	cmd.Flags().StringVar(&o.envFile, "env-file", "", "set the variables of this file first; services do")
	cmd.Flags().StringVar(&o.as, "as", "", "become this user first; services that start as root do")
	return cmd
}

func (o runOptions) serve(ctx context.Context, handler slog.Handler) error {
	manager, err := meetSupervisor()
	if err != nil {
		return err
	}
	home, err := o.prepare()
	if err != nil {
		return err
	}
	shim, err := findShim()
	if err != nil {
		return err
	}
	return daemon.Run(ctx, daemon.Config{
		Home: home, Socket: os.Getenv("AA_SOCKET"), Listener: manager.listener, Shim: shim, Version: version.Version, Logger: handler,
		Ready: func() { sayReady(); manager.tell(sd.SdNotifyReady) },
		Alive: func() { manager.tell(sd.SdNotifyWatchdog) }, AliveEvery: manager.watchdog / 2,
	})
}

// prepare becomes the user asked for, sets the environment and finds the home.
func (o runOptions) prepare() (home string, err error) {
	if o.as != "" {
		if err := runAs(o.as); err != nil {
			return "", err
		}
	}
	if o.envFile != "" {
		if err := loadEnv(o.envFile); err != nil {
			return "", err
		}
	}
	for name, value := range map[string]string{"AA_HOME": o.home, "AA_SOCKET": o.socket} {
		if value == "" {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return "", fmt.Errorf("set %s: %w", name, err)
		}
	}
	return daemon.HomePath(os.LookupEnv)
}

// findShim looks for aad-shim where AA_SHIM says, beside aad itself, then in PATH.
func findShim() (string, error) {
	if path := os.Getenv("AA_SHIM"); path != "" {
		return path, nil
	}
	name := shimName
	if self, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		if path := filepath.Join(filepath.Dir(self), name); executable(path) {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", apprentice.Errorf(apprentice.Unmet, "the program %s is neither beside aad nor in PATH", name).
			WithHint("install %s beside aad, or set AA_SHIM to its path", name)
	}
	return filepath.Abs(path)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// sayReady tells whoever started us, on the descriptor in AA_READY_FD, that
// clients can connect.
func sayReady() {
	fd, err := strconv.Atoi(os.Getenv("AA_READY_FD"))
	if err != nil || fd < 3 {
		return
	}
	pipe := os.NewFile(uintptr(fd), "ready")
	fmt.Fprintln(pipe, "ready") // whoever is gone needs no word
	pipe.Close()
	os.Unsetenv("AA_READY_FD")
}

func logHandler(format, level string) (slog.Handler, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, apprentice.Errorf(apprentice.Invalid, "log level %q is unknown", level).WithHint("debug, info, warn or error")
	}
	options := &slog.HandlerOptions{Level: least}
	switch format {
	case "text":
		return slog.NewTextHandler(os.Stderr, options), nil
	case "json":
		return slog.NewJSONHandler(os.Stderr, options), nil
	}
	return nil, apprentice.Errorf(apprentice.Invalid, "log format %q is neither text nor json", format)
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: none,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "aad "+version.String()) },
	}
}
