package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
)

// each does work for every one of a list, two at a time at most: a bundle is made
// beside runs that matter more. It stops at the first error, or when ctx ends.
func each[T any](ctx context.Context, list []T, work func(T) error) error {
	var (
		next  = make(chan T)
		all   sync.WaitGroup
		once  sync.Once
		first error
	)
	stop := make(chan struct{})
	for range min(2, runtime.GOMAXPROCS(0), max(1, len(list))) {
		all.Add(1)
		// Owned by each, which closes next and waits.
		go func() {
			defer all.Done()
			for one := range next {
				if err := work(one); err != nil {
					once.Do(func() { first = err; close(stop) })
				}
			}
		}()
	}
feed:
	for _, one := range list {
		select {
		case next <- one:
		case <-stop:
			break feed
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	all.Wait()
	if first == nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return first
}

func sumOfBytes(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// SumOf is a file's sum and size.
func SumOf(path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return "", n, fmt.Errorf("sum %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}

// JSONLine encodes one row of a .jsonl file.
func JSONLine(row any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(row); err != nil {
		return nil, fmt.Errorf("encode a row: %w", err)
	}
	return b.Bytes(), nil
}

// CompactLine makes one line of a JSON document.
func CompactLine(doc []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, doc); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func joined(lines [][]byte) []byte { return bytes.Join(lines, nil) }

// rows counts the lines of a .jsonl file.
func rows(data []byte) int { return bytes.Count(data, []byte("\n")) }
