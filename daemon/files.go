package daemon

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"aad/apprentice"
	"aad/loop"
	"aad/rpc"
	"aad/shim"
	"aad/workspace"
)

const (
	maxPiece   = 64 << 10
	followTime = 10 * time.Second
	// followLook is how often a file is looked at while somebody follows it.
	followLook = 100 * time.Millisecond
)

// pieceSize settles how many bytes a call reads.
func pieceSize(asked int) (int, error) {
	if asked == 0 {
		return pageBytes, nil
	}
	if asked < 0 || asked > maxPiece {
		return 0, apprentice.Errorf(apprentice.Invalid, "limit %d is not between 1 and %d", asked, maxPiece).WithField("limit")
	}
	return asked, nil
}

func (d *Daemon) runFile(_ context.Context, _ *rpc.Peer, p rpc.RunFileParams) (rpc.RunFileResult, error) {
	run, err := d.resolve(p.RunID)
	if err != nil {
		return rpc.RunFileResult{}, err
	}
	folder := d.home.Run(run.RunID)
	out := rpc.RunFileResult{Path: p.Path, Absolute: filepath.Join(string(folder), filepath.FromSlash(p.Path))}
	if out.Dir, err = folder.IsDir(p.Path); err != nil {
		return rpc.RunFileResult{}, err
	}
	if out.Dir {
		entries, err := folder.List(p.Path)
		out.Entries = []rpc.FileEntry{}
		for _, e := range entries {
			out.Entries = append(out.Entries, rpc.FileEntry{Name: e.Name, Dir: e.Dir, Size: e.Size, At: apprentice.Stamp(e.ModTime)})
		}
		return out, err
	}
	limit, err := pieceSize(p.Limit)
	if err != nil {
		return rpc.RunFileResult{}, err
	}
	piece, err := folder.Read(p.Path, p.Offset, limit)
	if err != nil {
		return rpc.RunFileResult{}, err
	}
	out.Size, out.Next = piece.Size, piece.Next
	// A character at the piece's edge belongs to the next piece.
	data := wholeRunes(piece.Data, piece.Next == 0)
	if !utf8.Valid(data) || len(data) == 0 { // of one that is longer than limit, its bytes
		out.Base64 = piece.Data
		return out, nil
	}
	if cutOff := len(piece.Data) - len(data); cutOff > 0 {
		out.Next = p.Offset + int64(len(data))
	}
	out.Text = string(data)
	return out, nil
}

// wholeRunes leaves out a UTF-8 character whose end is missing, unless the data
// ends for good.
func wholeRunes(data []byte, end bool) []byte {
	if end {
		return data
	}
	for back := 1; back <= min(3, len(data)); back++ {
		if b := data[len(data)-back]; utf8.RuneStart(b) {
			if !utf8.FullRune(data[len(data)-back:]) {
				return data[:len(data)-back]
			}
			break
		}
	}
	return data
}

// runOutput reads what an attempt printed: from the shim's folder while it runs,
// from the package once it has ended.
func (d *Daemon) runOutput(ctx context.Context, _ *rpc.Peer, p rpc.RunOutputParams) (rpc.RunOutputResult, error) {
	run, err := d.resolve(p.RunID)
	if err != nil {
		return rpc.RunOutputResult{}, err
	}
	if p.Stream == "" {
		p.Stream = "stdout"
	}
	if p.Stream != "stdout" && p.Stream != "stderr" {
		return rpc.RunOutputResult{}, apprentice.Errorf(apprentice.Invalid, "stream %q is neither stdout nor stderr", p.Stream).WithField("stream")
	}
	limit, err := pieceSize(p.Limit)
	if err != nil {
		return rpc.RunOutputResult{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, followTime)
	defer cancel()
	tick := time.NewTicker(followLook)
	defer tick.Stop()
	for {
		out, err := d.output(run.RunID, p, limit)
		if err != nil || out.Text != "" || out.End || !p.Follow {
			return out, err
		}
		select {
		case <-tick.C:
		case <-d.stopping:
			return out, rpc.ErrStopping()
		case <-ctx.Done():
			return out, nil
		}
	}
}

func (d *Daemon) output(id apprentice.RunID, p rpc.RunOutputParams, limit int) (rpc.RunOutputResult, error) {
	a, err := d.findAttempt(id, p.Attempt, false)
	if err != nil {
		return rpc.RunOutputResult{}, err
	}
	path := filepath.Join(string(d.home.Run(id)), filepath.FromSlash(a.Folder), p.Stream+".txt")
	if a.Status == "" {
		dir := d.home.Shim(id, a.Pass, a.Kind)
		path = map[string]string{"stdout": shim.StdoutPath(dir), "stderr": shim.StderrPath(dir)}[p.Stream]
	}
	out := rpc.RunOutputResult{Attempt: a.AttemptID, Path: path, Offset: p.Offset, Next: p.Offset}
	data, offset, size, err := workspace.ReadPiece(path, p.Offset, limit)
	if err != nil {
		return out, err
	}
	atEnd := offset+int64(len(data)) >= size
	data = wholeRunes(data, atEnd && a.Status != "")
	out.Offset, out.Next = offset, offset+int64(len(data))
	out.Text = toValid(data)
	out.End = a.Status != "" && out.Next >= size
	return out, nil
}

func toValid(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	return string([]rune(string(data))) // each bad byte becomes U+FFFD
}

// findAttempt finds the attempt that a client's word means; "" is the latest, or
// with ended the latest that has ended.
func (d *Daemon) findAttempt(id apprentice.RunID, word string, ended bool) (apprentice.Attempt, error) {
	all, err := d.allAttempts(id)
	if err != nil {
		return apprentice.Attempt{}, err
	}
	for _, a := range slices.Backward(all) {
		if word == "" && (!ended || a.Status != "") || word != "" && (string(a.AttemptID) == word || string(a.Kind) == word) {
			return a, nil
		}
	}
	if word == "" {
		return apprentice.Attempt{}, apprentice.Errorf(apprentice.NotFound, "run %s has no attempt yet", id).WithHint("aa watch %s", id)
	}
	var kinds []string
	for _, a := range all {
		if kind := string(a.Kind); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return apprentice.Attempt{}, apprentice.Errorf(apprentice.NotFound, "run %s has no attempt %q", id, word).WithField("attempt").
		WithHint("it has %s", strings.Join(kinds, ", "))
}

func (d *Daemon) allAttempts(id apprentice.RunID) ([]apprentice.Attempt, error) {
	run, err := d.store.Run(id)
	if err != nil {
		return nil, err
	}
	var all []apprentice.Attempt
	for pass := range run.Pass + 1 {
		list, err := loop.Attempts(d.store.Journal(id, pass), id, pass)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}
