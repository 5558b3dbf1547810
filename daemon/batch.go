package daemon

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"aad/apprentice"
	"aad/rpc"
	"aad/storage"
)

const (
	batchPage   = 200     // lines a call
	batchLine   = 4 << 20 // bytes of a line
	batchLabel  = "batch"
	batchRecord = "raw_task_id"
	mostFailing = 100
)

// taskRecord is a line of a batch: a raw task record, and what a run of it takes
// beside that.
type taskRecord struct {
	apprentice.RawTaskRecord
	Instruction string            `json:"instruction,omitempty"` // else normalized_instruction, else raw_description
	Assets      []string          `json:"assets,omitempty"`      // beside input_artifact_refs; relative to the file
	Rubric      string            `json:"rubric_path,omitempty"` // relative to the file
	Labels      map[string]string `json:"labels,omitempty"`
	Settings    rpc.RunSettings   `json:"settings,omitempty"`
}

// batchFile is a file of records that is read from its start.
type batchFile struct {
	rpc.BatchStartParams
	lines  *bufio.Reader
	number int            // of the line that was read last
	seen   map[string]int // raw_task_id -> its first line
	taken  int            // records up to here, the rejected ones left out
	any    bool           // a line with something in it was read
}

// batchStart queues a page of a batch. What was queued before, by this call or one
// that was cut off, is not queued twice.
func (d *Daemon) batchStart(ctx context.Context, peer *rpc.Peer, p rpc.BatchStartParams) (out rpc.BatchStartResult, err error) {
	if err := apprentice.CheckRunID(p.Name); err != nil {
		return out, apprentice.Errorf(apprentice.Invalid, "batch name %q is not usable", p.Name).WithField("name").
			WithHint("start with a letter or digit; then letters, digits, dot, dash and underscore")
	}
	if !filepath.IsAbs(p.Path) {
		return out, apprentice.Errorf(apprentice.Invalid, "path %s is not absolute", p.Path).WithField("path")
	}
	if err := cmp.Or(notNegative("parallel", p.Parallel), notNegative("limit", p.Limit)); err != nil {
		return out, err
	}
	file, err := openBatch(p.Path)
	if err != nil {
		return out, err
	}
	defer file.Close()
	if p.Parallel > 0 {
		if _, err := d.queueLimit(ctx, peer, rpc.QueueLimitParams{Group: batchGroup(p.Name), Limit: p.Parallel}); err != nil {
			return out, err
		}
	}
	b := &batchFile{BatchStartParams: p, lines: bufio.NewReaderSize(file, 64<<10), seen: map[string]int{}}
	for {
		line, err := b.next()
		if errors.Is(err, io.EOF) {
			if !b.any {
				err = apprentice.Errorf(apprentice.Invalid, "batch file %s is empty", p.Path).WithField("path").
					WithHint("a line for each task, such as %s", `{"raw_task_id":"one","instruction":"…"}`)
				return out, err
			}
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("read batch file: %w", err)
		}
		if b.number >= max(p.From, 1)+batchPage {
			out.Next = b.number
			return out, nil
		}
		if p.Limit > 0 && b.taken == p.Limit {
			return out, nil
		}
		if err := d.batchTake(ctx, peer, b, line, &out); err != nil {
			return out, err
		}
	}
}

// openBatch opens a file of records. Each call reads it from its start, so that it
// must be one that can be read again.
func openBatch(path string) (*os.File, error) {
	unreadable := func(err error) error {
		reason := err
		var system *fs.PathError
		if errors.As(err, &system) {
			reason = system.Err
		}
		return apprentice.Errorf(apprentice.Invalid, "batch file %s cannot be read: %v", path, reason).WithField("path")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(err)
	}
	if !info.Mode().IsRegular() {
		what := "no regular file"
		if info.IsDir() {
			what = "a folder"
		}
		return nil, apprentice.Errorf(apprentice.Invalid, "%s is %s", path, what).WithField("path").
			WithHint("name a JSONL file of task records: aa batch FILE.jsonl")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	return file, nil
}

func batchGroup(name string) string { return "batch-" + name }

// next reads a line, empty ones left out. One that is too long is cut, and is no
// record then.
func (b *batchFile) next() ([]byte, error) {
	for {
		var line []byte
		for {
			part, err := b.lines.ReadSlice('\n')
			if len(line) < batchLine {
				line = append(line, part...)
			}
			if err == nil || errors.Is(err, io.EOF) && len(line) > 0 {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return nil, err
			}
		}
		b.number++
		if line = bytes.TrimSpace(line); len(line) > 0 {
			b.any = true
			return line, nil
		}
	}
}

// batchTake queues the record of a line, unless an earlier call has dealt with it.
// What is wrong with it is told and stops nothing; an error is aad's own.
func (d *Daemon) batchTake(ctx context.Context, peer *rpc.Peer, b *batchFile, line []byte, out *rpc.BatchStartResult) error {
	record, err := parseRecord(line)
	if err == nil {
		if first, twice := b.seen[record.RawTaskID]; twice {
			err = apprentice.Errorf(apprentice.Conflict, "raw_task_id %s stands in line %d already", record.RawTaskID, first)
		} else {
			b.seen[record.RawTaskID] = b.number
			b.taken++
		}
	}
	if b.number < b.From {
		return nil
	}
	var sent rpc.SubmitResult
	if err == nil {
		sent, err = d.runSubmit(ctx, peer, b.params(record))
	}
	if err == nil && sent.Existing {
		err = d.sameTask(sent.Run, record)
	}
	var refused *apprentice.Error
	switch {
	case err == nil && sent.Existing:
		out.Existing++
	case err == nil:
		out.Queued++
	case errors.As(err, &refused) && refused.Kind != apprentice.Internal && refused.Kind != apprentice.Unavailable:
		out.Rejected = append(out.Rejected, rpc.BatchReject{Line: b.number, ID: record.RawTaskID, Reason: refused.Error()})
	default:
		return err
	}
	return nil
}

// parseRecord reads a line. An unknown field is refused, as a misspelt one would be
// lost.
func parseRecord(line []byte) (taskRecord, error) {
	var r taskRecord
	if len(line) >= batchLine {
		return r, apprentice.Errorf(apprentice.Invalid, "the line has %d bytes or more", batchLine)
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, apprentice.Errorf(apprentice.Invalid, "it is no task record: %v", err)
	}
	if dec.More() {
		return r, apprentice.Errorf(apprentice.Invalid, "it holds more than one JSON value")
	}
	for _, text := range []string{r.NormalizedInstruction, r.RawDescription} {
		if r.Instruction == "" {
			r.Instruction = text
		}
	}
	switch {
	case r.RawTaskID == "":
		return r, apprentice.Errorf(apprentice.Invalid, "it has no raw_task_id")
	case r.Instruction == "":
		return r, apprentice.Errorf(apprentice.Invalid, "it has no instruction, normalized_instruction or raw_description")
	}
	return r, nil
}

// params is the run that a record asks for.
func (b *batchFile) params(r taskRecord) rpc.RunSubmitParams {
	dir := filepath.Dir(b.Path)
	in := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	p := rpc.RunSubmitParams{Instruction: r.Instruction, Group: batchGroup(b.Name), Path: b.PathList, Force: b.Force,
		IdempotencyKey: "batch/" + b.Name + "/" + r.RawTaskID, RubricPath: b.Rubric, Settings: rpc.RunSettings{},
		Labels: map[string]string{}}
	if r.Rubric != "" {
		p.RubricPath = in(r.Rubric)
	}
	for _, a := range append(r.InputArtifactRefs, r.Assets...) {
		p.Assets = append(p.Assets, in(a))
	}
	maps.Copy(p.Labels, r.Labels)
	p.Labels[batchLabel], p.Labels[batchRecord] = b.Name, r.RawTaskID
	maps.Copy(p.Settings, b.Settings)
	maps.Copy(p.Settings, r.Settings)
	return p
}

// sameTask refuses a record whose id belongs to another task of the batch.
func (d *Daemon) sameTask(run apprentice.Run, r taskRecord) error {
	spec, err := d.store.Spec(run.RunID, 0)
	if err == nil && spec.Instruction != r.Instruction {
		err = apprentice.Errorf(apprentice.Conflict, "raw_task_id %s is run %s already, with another instruction", r.RawTaskID, run.RunID)
	}
	return err
}

// eachOfBatch calls f with each run of a batch.
func (d *Daemon) eachOfBatch(name string, f func(apprentice.Run) error) error {
	for cursor := ""; ; {
		page, next, err := d.store.Runs(storage.Filter{Labels: map[string]string{batchLabel: name}, Group: batchGroup(name)}, cursor, 1000)
		if err != nil {
			return err
		}
		for _, run := range page {
			if err := f(run); err != nil {
				return err
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

func (d *Daemon) batchGet(_ context.Context, _ *rpc.Peer, p rpc.BatchParams) (rpc.BatchStatus, error) {
	out := rpc.BatchStatus{Name: p.Name, States: map[string]int{}}
	err := d.eachOfBatch(p.Name, func(run apprentice.Run) error {
		out.Runs++
		out.States[string(run.QueueState)]++
		switch {
		case run.Accepted():
			out.Accepted++
		case !run.Live() && len(out.Failing) < mostFailing:
			out.Failing = append(out.Failing, run)
		}
		return nil
	})
	if err == nil && out.Runs == 0 {
		err = apprentice.Errorf(apprentice.NotFound, "there is no batch %s", p.Name).WithField("name").WithHint("aa batch FILE.jsonl starts one")
	}
	return out, err
}

// batchRetry queues again the runs of a batch that failed or were interrupted, each
// as often as is allowed. What nobody accepted for its quality is left: a new attempt
// is a new run.
func (d *Daemon) batchRetry(ctx context.Context, peer *rpc.Peer, p rpc.BatchRetryParams) (out rpc.BatchRetryResult, err error) {
	if err := notNegative("most", p.Most); err != nil {
		return out, err
	}
	err = d.eachOfBatch(p.Name, func(run apprentice.Run) error {
		if run.Live() || run.OperationalError == "" || run.Retries >= p.Most {
			return nil
		}
		_, err := d.runRetry(ctx, peer, rpc.RunParams{RunID: string(run.RunID)})
		if apprentice.KindOf(err) == apprentice.Conflict {
			return nil // somebody was faster
		}
		out.Retried++
		return err
	})
	return out, err
}
