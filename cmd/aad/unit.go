package main

import (
	"bytes"
	"context"
	_ "embed" // the files of units/
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	serviceName = "aad"
	unitName    = "aad.service"
	socketName  = "aad.socket"

	openrcName = "linux-openrc" // the library's word
)

var (
	//go:embed units/aad.service
	unitText string
	//go:embed units/aad.socket
	socketText string
	//go:embed units/aad.plist
	plistText string
	//go:embed units/aad.openrc
	openrcText string
)

// systemHardening is for services of the machine, where the manager may do more.
// Neither /proc nor /sys is mounted over: an agent's own sandbox could then not
// mount a fresh one.
const systemHardening = `ProtectHostname=yes
ProtectKernelModules=yes
SystemCallFilter=~@clock @cpu-emulation @module @obsolete @raw-io @reboot @swap
SystemCallErrorNumber=EPERM
`

// serviceUnit is the systemd unit of the service.
func (in *installed) serviceUnit() string {
	edit, target, hardening := "--user", "default.target", ""
	if in.System {
		edit, target, hardening = "", "multi-user.target", systemHardening
		if in.User != "root" {
			hardening += "CapabilityBoundingSet=\n"
		}
	}
	command := []string{quoteUnit(in.Executable)}
	for _, arg := range in.arguments() {
		command = append(command, quoteUnit(arg))
	}
	return fill(unitText, "EDIT ", strings.TrimLeft(edit+" ", " "), "EXEC", strings.Join(command, " "), "USER\n", in.userLine("User="),
		"HARDENING", hardening, "TARGET", target)
}

// socketUnitText is the systemd unit of the socket.
func (in *installed) socketUnitText() string {
	return fill(socketText, "SOCKET", strings.ReplaceAll(in.Socket, "%", "%%"), "USER\n", in.userLine("SocketUser="))
}

func (in *installed) userLine(key string) string {
	if !in.System {
		return ""
	}
	return key + in.User + "\n"
}

// plist is the launchd property list of the service.
func (in *installed) plist() string {
	var args strings.Builder
	for _, arg := range append([]string{in.Executable}, in.plainArguments()...) {
		fmt.Fprintf(&args, "\t\t<string>%s</string>\n", quoteXML(arg))
	}
	who := ""
	if in.System {
		who = "\t<key>UserName</key>\n\t<string>" + quoteXML(in.User) + "</string>\n"
	}
	return fill(plistText, "NAME", in.Name, "ARGS", args.String(), "USER", who, "LOG", quoteXML(filepath.Join(in.Home, "log", "aad.out")))
}

// openrc is the script of the service for OpenRC.
func (in *installed) openrc() string {
	var args []string
	for _, arg := range in.plainArguments() {
		args = append(args, quoteOpenRC(arg))
	}
	return fill(openrcText, "EXEC", quoteOpenRC(in.Executable), "ARGS", strings.Join(args, " "))
}

// fill puts values in the place of @KEY@; a line feed or blank after a key goes with
// it.
func fill(text string, pairs ...string) string {
	var list []string
	for i := 0; i < len(pairs); i += 2 {
		key := strings.TrimRight(pairs[i], " \n")
		list = append(list, "@"+key+"@"+pairs[i][len(key):], pairs[i+1])
	}
	return strings.NewReplacer(list...).Replace(text)
}

// fits reports whether a path can stand in the file of a platform's manager. What the
// library writes for System V and its like keeps no quotes, and its templates have
// braces.
func fits(platform, path string) bool {
	bad := "\n\"'\\"
	switch platform {
	case "windows-service": // which has no file
		return !strings.Contains(path, "\"")
	case "unix-systemv", "linux-upstart", "linux-rcs", "linux-procd":
		bad += " \t$`*?[]~&;|<>()#!"
	}
	return !strings.ContainsAny(path, bad) && !strings.Contains(path, "{{")
}

// quoteUnit writes a value as systemd's ExecStart takes it: $ and % mean nothing in
// it.
func quoteUnit(text string) string {
	return strings.NewReplacer("%", "%%", "$", "$$").Replace(strconv.Quote(text))
}

// quoteOpenRC writes a value as it stands in a script's double quotes, where a shell
// reads it a second time. It has no quotes and no backslash of its own.
func quoteOpenRC(text string) string {
	return "'" + strings.NewReplacer("$", `\$`, "`", "\\`").Replace(text) + "'"
}

func quoteXML(text string) string {
	var buf bytes.Buffer
	// Writing to memory does not fail.
	_ = xml.EscapeText(&buf, []byte(text))
	return buf.String()
}

// unitFile is where the library puts the service's file; "" where it does not say.
func (in *installed) unitFile() string {
	home, _ := os.UserHomeDir() // only asked where open has worked
	switch in.manager.Platform() {
	case "linux-systemd":
		return filepath.Join(in.unitFolder(), unitName)
	case "darwin-launchd":
		if in.System {
			return "/Library/LaunchDaemons/" + in.Name + ".plist"
		}
		return filepath.Join(home, "Library/LaunchAgents", in.Name+".plist")
	case openrcName, "unix-systemv", "linux-rcs", "linux-procd":
		return "/etc/init.d/" + in.Name
	case "linux-upstart":
		return "/etc/init/" + in.Name + ".conf"
	}
	return ""
}

func (in *installed) unitFolder() string {
	if in.System {
		return "/etc/systemd/system"
	}
	home, _ := os.UserHomeDir() // as above
	return filepath.Join(home, ".config/systemd/user")
}

// socketUnit reports whether the manager listens for aad.
func (in *installed) socketUnit() bool   { return in.systemd() }
func (in *installed) socketFile() string { return filepath.Join(in.unitFolder(), socketName) }

func (in *installed) socketActive(ctx context.Context) bool {
	return in.systemctl(ctx, "is-active", "--quiet", socketName) == nil
}

// systemctl does what the library has no word for.
func (in *installed) systemctl(ctx context.Context, args ...string) error {
	if !in.System {
		args = append([]string{"--user"}, args...)
	}
	out, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
