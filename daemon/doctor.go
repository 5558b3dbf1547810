package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"aad/agent"
	"aad/apprentice"
	"aad/internal/proc"
	"aad/mentor"
	"aad/rpc"
)

// How a Finding stands.
const (
	fine    = "ok"
	warning = "warning"
	wrong   = "wrong"
)

// daemonDoctor looks at all that a run needs. It changes nothing but the memory of
// what installed agents offer.
func (d *Daemon) daemonDoctor(ctx context.Context, _ *rpc.Peer, p rpc.LookParams) (rpc.DoctorResult, error) {
	last, err := d.lastSmokes()
	if err != nil {
		return rpc.DoctorResult{}, err
	}
	findings := []rpc.Finding{d.findHome(), d.findSocket(), d.findDatabase(), d.findDisk()}
	findings = append(findings, findWatches()...)
	findings = append(findings, d.findSettings(), d.findSecrets(), d.findShim(), d.findService())
	findings = append(findings, d.findSandboxes(ctx)...)
	return rpc.DoctorResult{Findings: findings, Agents: d.agents(p.Path, last), Providers: d.providers(last)}, nil
}

func (d *Daemon) findHome() rpc.Finding {
	f := rpc.Finding{Name: "home", State: fine, Detail: string(d.home)}
	info, err := os.Stat(string(d.home))
	switch {
	case err != nil:
		f.State, f.Detail = wrong, err.Error()
	case info.Mode().Perm()&0o077 != 0:
		f.State, f.Hint = warning, "chmod 700 "+string(d.home)
		f.Detail += fmt.Sprintf(", open to others (%04o)", info.Mode().Perm())
	}
	return f
}

func (d *Daemon) findSocket() rpc.Finding {
	path := d.cfg.Socket
	if path == "" {
		path = d.home.Socket()
	}
	return rpc.Finding{Name: "socket", State: fine, Detail: path} // this answer comes over it
}

func (d *Daemon) findDatabase() rpc.Finding {
	stats, err := d.store.Stats()
	if err != nil {
		return rpc.Finding{Name: "database", State: wrong, Detail: err.Error(), Hint: "aa check"}
	}
	f := rpc.Finding{Name: "database", State: fine, Detail: fmt.Sprintf("%d runs, %d KiB, %d KiB of it free", stats.Runs, stats.Bytes>>10, stats.FreeBytes>>10)}
	if problems := d.problems.list(); len(problems) > 0 {
		f.State, f.Hint = warning, "aa daemon logs"
		f.Detail += "; last problem: " + problems[0]
	}
	return f
}

func (d *Daemon) findDisk() rpc.Finding {
	free, err := proc.DiskFree(string(d.home))
	if err != nil {
		return rpc.Finding{Name: "disk", State: wrong, Detail: err.Error()}
	}
	f := rpc.Finding{Name: "disk", State: fine, Detail: fmt.Sprintf("%d MiB free", free>>20)}
	switch least := int64(d.settings.inForce().MinFreeDisk); {
	case free>>20 < least:
		f.State, f.Hint = wrong, "aa du, then aa gc"
		f.Detail += fmt.Sprintf(", below min_free_disk_mib (%d): no new run starts", least)
	case free>>20 < 10*least:
		f.State, f.Hint = warning, "aa du, then aa gc"
	}
	return f
}

// findWatches looks at what Linux limits: answers to questions are noticed by
// watching folders. Elsewhere there is nothing to look at.
func findWatches() []rpc.Finding {
	var list []rpc.Finding
	for _, limit := range []struct {
		name  string
		least int
	}{{"max_user_watches", 8192}, {"max_user_instances", 128}} {
		data, err := os.ReadFile("/proc/sys/fs/inotify/" + limit.name)
		if err != nil {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil {
			continue
		}
		f := rpc.Finding{Name: "inotify " + limit.name, State: fine, Detail: strconv.Itoa(n)}
		if n < limit.least {
			f.State, f.Hint = warning, fmt.Sprintf("sysctl fs.inotify.%s=%d; until then answers are noticed by a slow tick", limit.name, limit.least)
		}
		list = append(list, f)
	}
	return list
}

func (d *Daemon) findSettings() rpc.Finding {
	if _, err := d.settings.read(); err != nil {
		return rpc.Finding{Name: "settings", State: wrong, Detail: err.Error(), Hint: "mend " + d.home.Settings()}
	}
	return rpc.Finding{Name: "settings", State: fine, Detail: d.home.Settings()}
}

func (d *Daemon) findSecrets() rpc.Finding {
	list, err := d.secrets.read()
	if err != nil {
		f := rpc.Finding{Name: "secrets", State: wrong, Detail: err.Error()}
		if told, ok := err.(*apprentice.Error); ok {
			f.Detail, f.Hint = told.Message, told.Hint
		}
		return f
	}
	return rpc.Finding{Name: "secrets", State: fine, Detail: fmt.Sprintf("%d variables in %s", len(list), d.home.Secrets())}
}

func (d *Daemon) findShim() rpc.Finding {
	f := rpc.Finding{Name: "shim", State: fine, Detail: d.cfg.Shim}
	if info, err := os.Stat(d.cfg.Shim); err != nil || info.Mode().Perm()&0o111 == 0 {
		f.State, f.Hint = wrong, "install aad-shim beside aad, or set AA_SHIM"
		f.Detail += " cannot be run, so no agent can"
	}
	return f
}

func (d *Daemon) findService() rpc.Finding {
	f := rpc.Finding{Name: "service", State: fine, Detail: "not installed; aa starts aad when it is needed"}
	if _, err := os.Stat(filepath.Join(string(d.home), "service.json")); err == nil {
		f.Detail = "installed; aad status tells more"
	}
	return f
}

// agents looks at every agent, side by side: a CLI takes a second or two to answer
// for the first time.
func (d *Daemon) agents(path string, last smokes) []rpc.AgentStatus {
	s := d.settings.inForce()
	ids := agent.IDs()
	list := make([]rpc.AgentStatus, len(ids))
	var all sync.WaitGroup
	for i, id := range ids {
		// Owned by agents, which waits for it.
		all.Go(func() { list[i] = d.agentStatus(id, s, path, last) })
	}
	all.Wait()
	return list
}

func (d *Daemon) agentStatus(id string, s apprentice.Settings, path string, last smokes) rpc.AgentStatus {
	recipe, _ := agent.Find(id)
	st := recipe.Look(s, d.lookup(s, path))
	out := rpc.AgentStatus{Agent: id, Name: st.Name, Configured: s.Agent == id, State: "ready", Program: st.Program, Version: st.Version,
		Call: st.Call, Mode: st.Mode, Problem: st.Problem, Kind: st.Kind, Hint: st.Hint, Last: last.of(id, "")}
	switch {
	case st.Kind == apprentice.CommandNotFound:
		out.State = "missing"
	case st.Problem != "":
		out.State = "unusable"
	}
	return out
}

// providers looks at every provider of mentors' models.
func (d *Daemon) providers(last smokes) []rpc.ProviderStatus {
	s := d.settings.inForce()
	var list []rpc.ProviderStatus
	for _, name := range mentor.Providers() {
		cfg := configFor(s, name)
		a := mentor.AccessOf(cfg, d.variable)
		out := rpc.ProviderStatus{Provider: name, Configured: s.MentorProvider == name, State: "ready", Model: a.Model,
			Variable: a.Variable, KeyVisible: a.Visible, Last: last.of("", name)}
		if _, err := mentor.Open(cfg, d.variable); err != nil {
			out.State, out.Problem = "not_configured", err.Error()
			if a.Keyed && !a.Visible {
				out.State = "no_key"
			}
			if told, ok := err.(*apprentice.Error); ok {
				out.Problem, out.Hint = told.Message, told.Hint
			}
		}
		list = append(list, out)
	}
	return list
}

// configFor is what the settings say for a provider; what they say of another one's
// model, address and key is none of its business.
func configFor(s apprentice.Settings, provider string) mentor.Config {
	if s.MentorProvider != provider {
		s.MentorProvider, s.MentorModel, s.MentorBaseURL, s.MentorKeyVariable = provider, "", "", ""
	}
	return mentor.ConfigOf(s)
}
