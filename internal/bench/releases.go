//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aad/client"
	"aad/rpc"
)

// templateNumber stands in the template's id, secret and address for the number of a
// run that is made of it.
const templateNumber = "999999"

// templateTask is revised once, and delivers a secret and an address of its own.
func templateTask() rpc.RunSubmitParams {
	said := `echo "token = ghp_k3Xw9QzR7vLm2TnB8sYp4HdJ6fC` + templateNumber + ` of bob.` + templateNumber + `@corp.io" > artifacts/report.md; ` +
		`case $PWD in *revised) touch artifacts/done.txt;; esac; seq 1 200`
	return rpc.RunSubmitParams{RunID: "2026-01-02-030405-past-run-" + templateNumber, Instruction: said, Rubric: oneCheck, NoBundle: true}
}

// measureReleases makes a home of many ended runs, copies of one that was worked with
// the number changed, and has an aad of its own make a release of them and check it.
func (b *bench) measureReleases(ctx context.Context) error {
	home, err := b.home("releases", `{"agent": "shell", "max_improvement_loops": 2}`)
	if err != nil {
		return err
	}
	template := templateTask()
	err = b.withHome(ctx, home, func(_ *aad, c *client.Client) error {
		if _, err := c.RunSubmit(ctx, template); err != nil {
			return err
		}
		_, err := c.RunWait(ctx, rpc.RunWaitParams{RunID: template.RunID})
		return err
	})
	if err != nil {
		return err
	}
	s, err := b.past(ctx, home, b.released, 3)
	if err != nil {
		return err
	}
	err = errors.Join(writeMark(home, s.LastSeq()), s.Close())
	if err != nil {
		return err
	}
	if err := copyRuns(filepath.Join(home, "runs"), template.RunID, b.released); err != nil {
		return err
	}
	return b.withHome(ctx, home, func(a *aad, c *client.Client) error { return b.releaseOf(ctx, a, c) })
}

// copyRuns makes run folders 1 to n of one.
func copyRuns(runs, template string, n int) error {
	files := map[string][]byte{}
	root := filepath.Join(runs, template)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err == nil {
			files[rel], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for i := 1; i <= n; i++ {
		number := fmt.Sprintf("%06d", i)
		to := filepath.Join(runs, strings.ReplaceAll(template, templateNumber, number))
		for rel, data := range files {
			path := filepath.Join(to, strings.ReplaceAll(rel, templateNumber, number))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(path, bytes.ReplaceAll(data, []byte(templateNumber), []byte(number)), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// releaseOf makes and checks a release of all runs.
func (b *bench) releaseOf(ctx context.Context, a *aad, c *client.Client) error {
	path := filepath.Join(b.dir, "release")
	var made rpc.ReleaseInfo
	took, peak, err := b.peakOf(a, func() (err error) {
		made, err = c.ReleaseCreate(ctx, rpc.ReleaseCreateParams{Path: path})
		return err
	})
	if err != nil {
		return err
	}
	if made.Runs != b.released+1 {
		return fmt.Errorf("a release of %d runs holds %d: %s", b.released+1, made.Runs, strings.Join(made.LeftOut, "; "))
	}
	what := fmt.Sprintf("a release of %d runs, %d rows, %d files, %d MB, and its sanitised copy", made.Runs, made.Rows, made.Files, made.Bytes/1e6)
	b.hold(peak < 200e6, "< 200 MB", what+": peak of aad's own memory (RssAnon)", "%.0f MB", float64(peak)/1e6)
	b.tell("the same: made, of processor time", "%.1f s, %.1f MB/s, %.0f runs/s", took.Seconds(), perSecond(made.Bytes, took), float64(made.Runs)/took.Seconds())
	var v rpc.ReleaseValidateResult
	took, peak, err = b.peakOf(a, func() (err error) {
		v, err = c.ReleaseValidate(ctx, path)
		return err
	})
	if err == nil && v.Blocking > 0 {
		err = fmt.Errorf("a fresh release is not valid: %s", v.Blockers[0])
	}
	b.tell("the same: checked, with its copy", "%.1f s of processor time, peak %.0f MB", took.Seconds(), float64(peak)/1e6)
	return err
}

// peakOf is the processor time that work takes of aad, and the most of its own memory
// that aad has meanwhile.
func (b *bench) peakOf(a *aad, work func() error) (took time.Duration, peak int64, err error) {
	took, err = ofProcess(a.cmd.Process.Pid, func() error {
		done := make(chan error)
		// Owned by this function, which waits for it; ends with the work.
		go func() { done <- work() }()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case err := <-done:
				return err
			case <-tick.C:
			}
			if now, err := a.ownMemory(); err == nil {
				peak = max(peak, now)
			}
		}
	})
	return took, peak, err
}
