package loop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aad/apprentice"
	"aad/internal/testbin"
	"aad/workspace"
)

var shimPath string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "looptest")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	shimPath = filepath.Join(dir, "aad-shim")
	if err := testbin.Build(dir, "aad/cmd/aad-shim"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// stages is a journal in memory.
type stages map[string]string

func (s stages) Load(stage string, into any) (bool, error) {
	text, ok := s[stage]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal([]byte(text), into)
}

func (s stages) Save(stage string, result any, c apprentice.Change) error {
	data, err := json.Marshal(result)
	if err != nil {
		return err
	}
	for name := range s {
		for _, prefix := range c.Drop {
			if strings.HasPrefix(name, prefix) {
				delete(s, name)
			}
		}
	}
	s[stage] = string(data)
	return nil
}

// cutOff is a journal that is lost before or after its n-th save, as in a crash.
type cutOff struct {
	stages
	left  int
	after bool
}

var errCut = errors.New("cut off here")

func (c *cutOff) Save(stage string, result any, change apprentice.Change) error {
	c.left--
	if c.left == 0 && !c.after {
		return errCut
	}
	if err := c.stages.Save(stage, result, change); err != nil {
		return err
	}
	if c.left == 0 {
		return errCut
	}
	return nil
}

// task is a run to be worked in a home of its own.
type task struct {
	t     *testing.T
	env   Env
	run   apprentice.Run
	spec  apprentice.Spec
	count string // file in which each start of the agent leaves a line
}

func newTask(t *testing.T, script, rubric string) *task {
	t.Helper()
	dir, err := os.MkdirTemp("", "loop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	home, err := workspace.OpenHome(dir)
	if err != nil {
		t.Fatal(err)
	}
	settings := apprentice.DefaultSettings()
	settings.Agent = "shell"
	count := filepath.Join(t.TempDir(), "starts")
	return &task{t: t, count: count,
		env:  Env{Home: home, Shim: shimPath, Now: time.Now, Log: slog.New(slog.DiscardHandler), Environ: os.Environ()},
		run:  apprentice.Run{RunID: "r", Agent: "shell", MaxLoops: settings.MaxLoops},
		spec: apprentice.Spec{RunID: "r", Instruction: "echo $AA_ATTEMPT >> '" + count + "'\n" + script, Settings: settings, Rubric: rubric, RubricName: "rubric.yaml"}}
}

func (k *task) work(j Journal) (Outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return Work(ctx, k.env, k.run, k.spec, nil, j)
}

const (
	twoTries  = `if [ "$AA_ATTEMPT" = baseline ]; then echo bad > artifacts/out.txt; else echo good > artifacts/out.txt; fi`
	wantsGood = "criteria: [{name: says good, check: {contains: {path: artifacts/out.txt, text: good}}}]"
)

func TestWorkAfterACrashAtAnyStageDoesNoStageTwice(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			k, kept := newTask(t, twoTries, wantsGood), stages{}
			_, err := k.work(&cutOff{kept, n, after})
			if err == nil {
				break // there is no n-th save
			}
			if !errors.Is(err, errCut) {
				t.Fatalf("save %d: %v", n, err)
			}
			out, err := k.work(kept)
			if err != nil || out.State != apprentice.Completed || out.Verdict != apprentice.Passed || out.Selected != "task_r_revised" {
				t.Errorf("cut off at save %d, after %v: %+v, %v", n, after, out, err)
			}
			data, err := os.ReadFile(k.count)
			if err != nil || string(data) != "baseline\nrevised\n" {
				t.Errorf("cut off at save %d, after %v: the agent was started %q, %v", n, after, data, err)
			}
		}
	}
}

func TestWorkOfAFinishedPassComesToTheSame(t *testing.T) {
	k, kept := newTask(t, twoTries, wantsGood), stages{}
	first, err := k.work(kept)
	if err != nil {
		t.Fatal(err)
	}
	pack := k.env.Home.Run("r").Package("task_r")
	if err := os.RemoveAll(pack.Signals()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(pack.ArtifactsIndex()), os.Remove(pack.Rubric())); err != nil {
		t.Fatal(err)
	}
	second, err := k.work(kept)
	if err != nil || second.State != first.State || *second.Score != *first.Score || second.Selected != first.Selected {
		t.Errorf("first %+v, then %+v, %v", first, second, err)
	}
	for _, path := range []string{pack.ArtifactsIndex(), pack.Rubric(), filepath.Join(pack.Signals(), "hillclimb_result.json")} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("what can be made again is not: %v", err)
		}
	}
}

func TestWorkThatIsStoppedGoesOn(t *testing.T) {
	k, kept := newTask(t, `while [ ! -e '`+filepath.Join(t.TempDir(), "x")+`' ]; do sleep 0.01; [ -e go ] && break; done; echo good > artifacts/out.txt`, wantsGood), stages{}
	ctx, stop := context.WithCancelCause(context.Background())
	// The goroutine ends with the test's poll; stop is called once the agent runs.
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := os.Stat(k.count); err == nil {
				stop(ErrStopping)
				return
			}
		}
	}()
	if _, err := Work(ctx, k.env, k.run, k.spec, nil, kept); !errors.Is(err, ErrStopping) {
		t.Fatalf("stopped, it says %v", err)
	}
	if err := os.WriteFile(filepath.Join(k.env.Home.Work("r", 0, apprentice.Baseline), "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := k.work(kept)
	if err != nil || out.Verdict != apprentice.Passed {
		t.Errorf("gone on with, it is %+v, %v", out, err)
	}
	if data, _ := os.ReadFile(k.count); string(data) != "baseline\n" {
		t.Errorf("the agent was started %q", data)
	}
}
