package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

func TestPathsThatFitAServiceDependOnItsManager(t *testing.T) {
	for _, c := range []struct {
		platform, path string
		want           bool
	}{
		{"windows-service", `C:\Users\ada l\.aad`, true},
		{"linux-systemd", "/srv/a home of 100%", true},
		{"linux-openrc", "/srv/a $home", true},
		{"darwin-launchd", "/Users/ada l/.aad", true},
		{"unix-systemv", "/srv/home", true},
		{"unix-systemv", "/srv/a home", false},
		{"linux-upstart", "/srv/$home", false},
		{"linux-systemd", "/srv/a\nhome", false},
		{"linux-systemd", "/srv/{{home}}", false},
		{"linux-openrc", `/srv/a"home`, false},
	} {
		if got := fits(c.platform, c.path); got != c.want {
			t.Errorf("%s: %q fits: %v, want %v", c.platform, c.path, got, c.want)
		}
	}
}

func TestUnitsOfAnotherManagerArePrintedWithANote(t *testing.T) {
	for platform, want := range map[string]string{
		"linux-systemd": "", "linux-openrc": "", "darwin-launchd": "",
		"unix-systemv": "the service manager here is unix-systemv: these are the files for systemd",
		"":             "this machine has no service manager that aad knows: these are the files for systemd",
	} {
		if got := notSystemd(platform); got != want {
			t.Errorf("%q: %q, want %q", platform, got, want)
		}
	}
}

// TestOpenRCScriptIsReadAsItWasWritten has a shell read it as OpenRC's does: once as a
// script, and what stands there once more.
func TestOpenRCScriptIsReadAsItWasWritten(t *testing.T) {
	in := &installed{mark: mark{Name: serviceName, System: true, User: "ada", Executable: "/opt/a `b`/aad", Socket: "/srv/s"}, Home: "/srv/a $HOME"}
	cmd := exec.Command("sh", "-c", `eval "$0"; eval printf "'%s|'" $command $command_args`, in.openrc())
	out, err := cmd.CombinedOutput()
	want := strings.Join(append([]string{in.Executable}, in.plainArguments()...), "|") + "|"
	if err != nil || string(out) != want {
		t.Errorf("%v, the shell reads\n%s\nwant\n%s", err, out, want)
	}
}

// TestPropertyListHasOnlyWhatLaunchdKnows reads it as XML: each key is one of
// launchd.plist(5), and its value of the kind that stands there.
func TestPropertyListHasOnlyWhatLaunchdKnows(t *testing.T) {
	kinds := map[string]string{
		"Label": "string", "ProgramArguments": "array", "UserName": "string", "RunAtLoad": "true", "KeepAlive": "dict", "SuccessfulExit": "false",
		"ThrottleInterval": "integer", "AbandonProcessGroup": "true", "ExitTimeOut": "integer", "ProcessType": "string",
		"StandardOutPath": "string", "StandardErrorPath": "string",
	}
	in := &installed{mark: mark{Name: serviceName, System: true, User: "ada", Executable: "/opt/a & b/aad", Socket: "/Users/s"}, Home: "/Users/a <b>"}
	seen, texts := 0, []string{}
	key := ""
	for d := xml.NewDecoder(strings.NewReader(in.plist())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch element := token.(type) {
		case xml.StartElement:
			if key != "" && kinds[key] != element.Name.Local {
				t.Errorf("%s is a %s, want %q", key, element.Name.Local, kinds[key])
			}
			key = ""
			var text string
			switch element.Name.Local {
			case "key":
				if err := d.DecodeElement(&key, &element); err != nil {
					t.Fatal(err)
				}
				seen++
			case "string":
				if err := d.DecodeElement(&text, &element); err != nil {
					t.Fatal(err)
				}
				texts = append(texts, text)
			}
		}
	}
	if seen != len(kinds) {
		t.Errorf("it has %d keys, want %d", seen, len(kinds))
	}
	if all, want := strings.Join(texts, "|"), "/opt/a & b/aad|run|--home|/Users/a <b>|--env-file|/Users/a <b>/env|"; !strings.Contains(all, want) {
		t.Errorf("it says %s, want %s", all, want)
	}
}
