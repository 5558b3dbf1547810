//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// effort is how much is measured.
type effort struct {
	calls, submits     int
	clients            int
	burst              time.Duration // of submits from all clients
	starts, runs       int
	drained            int
	watchers           int
	watching           time.Duration
	stored, perRun     int // ended runs in the big database, and events of each
	appends            int
	opens, idle        int // starts of aad with the big database; seconds it is left idle
	statuses           int
	shims, writesAlone int
	waiting, saves     int   // runs that wait for people; answers saved one by one
	packed             int   // MiB that a bundle holds
	streamed           int64 // bytes of each agent's stream
	longStream         int64
	previewed          int // MiB of each file that is previewed
	released           int // runs of a release
}

var full = effort{
	calls: 5000, submits: 2000, clients: 64, burst: 4 * time.Second, starts: 200, runs: 200, drained: 300,
	watchers: 100, watching: 10 * time.Second, stored: 100_000, perRun: 10, appends: 1500,
	opens: 7, idle: 10, statuses: 60, shims: 200, writesAlone: 1500, waiting: 10_000, saves: 500, packed: 64,
	streamed: 256 << 20, longStream: 1 << 30, previewed: 64, released: 10_000,
}

var smoke = effort{
	calls: 100, submits: 20, clients: 8, burst: 200 * time.Millisecond, starts: 2, runs: 2, drained: 4,
	watchers: 8, watching: 500 * time.Millisecond, stored: 500, perRun: 10, appends: 20,
	opens: 1, idle: 1, statuses: 2, shims: 2, writesAlone: 20, waiting: 10, saves: 4, packed: 1,
	streamed: 4 << 20, longStream: 16 << 20, previewed: 1, released: 20,
}

// bench is one run of the program.
type bench struct {
	effort
	dir      string // thrown away at the end
	bin      string // of aad, aa and aad-shim
	aad      string // "" is the one in bin
	patience time.Duration
	rows     []row
	loads    []string // load average at the start of each section
}

// section measures one part and adds its rows.
type section struct {
	name string
	run  func(*bench, context.Context) error
}

var sections = []section{
	{"disk", (*bench).measureDisk},
	{"calls", (*bench).measureCalls},
	{"submit", (*bench).measureSubmit},
	{"runs", (*bench).measureRuns},
	{"watch", (*bench).measureWatch},
	{"people", (*bench).measurePeople},
	{"bundles", (*bench).measureBundles},
	{"release", (*bench).measureReleases},
	{"history", (*bench).measureHistory},
	{"parts", (*bench).measureParts},
	{"streams", (*bench).measureStreams},
	{"probes", (*bench).measureProbes},
	{"mentor", (*bench).measureMentor},
	{"starts", (*bench).measureStarts},
	{"abuse", (*bench).measureAbuse},
}

func main() {
	if path := os.Getenv(echoVariable); path != "" {
		os.Exit(serveEcho(path))
	}
	if asked := os.Getenv(streamVariable); asked != "" {
		os.Exit(followStream(asked))
	}
	if socket := os.Getenv(floodVariable); socket != "" {
		os.Exit(beFlood(socket))
	}
	out := flag.String("out", "", "file whose table is replaced (docs/benchmarks.md when all is measured in full)")
	small := flag.Bool("smoke", false, "measure little: does everything run, is nothing lost?")
	only := flag.String("only", "", "sections to measure, separated by commas")
	keep := flag.Bool("keep", false, "leave the throw-away folder")
	other := flag.String("aad", "", "another aad to measure, such as one that profiles itself")
	patience := flag.Duration("patience", 0, "how long each section waits for others to leave the processors alone")
	flag.Parse()
	if *out == "" && !*small && *only == "" {
		*out = "docs/benchmarks.md"
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{effort: full, aad: *other, patience: *patience}
	if *small {
		b.effort = smoke
	}
	if err := b.all(ctx, *only, *out, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// all measures the sections that were asked for, prints the table and keeps it.
func (b *bench) all(ctx context.Context, only, out string, keep bool) (err error) {
	if b.dir, err = os.MkdirTemp("", "aadb"); err != nil {
		return fmt.Errorf("make a throw-away folder: %w", err)
	}
	if keep {
		fmt.Fprintln(os.Stderr, "bench: kept:", b.dir)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	}
	if err := b.build(ctx); err != nil {
		return err
	}
	begun := time.Now()
	for _, s := range sections {
		if only != "" && !slices.Contains(strings.Split(only, ","), s.name) {
			continue
		}
		awaitQuiet(ctx, b.patience)
		b.loads = append(b.loads, s.name+" "+load())
		fmt.Fprintf(os.Stderr, "bench: %s (%s)\n", s.name, load())
		if err := s.run(b, ctx); err != nil {
			return fmt.Errorf("measure %s: %w", s.name, err)
		}
	}
	page := b.page(ctx, begun)
	fmt.Print(page)
	if out == "" {
		return nil
	}
	return keepPage(out, page)
}
