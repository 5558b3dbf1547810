package shim

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"aad/internal/testbin"
)

// build makes the real aad-shim: a test binary starts slower.
func build(b *testing.B) string {
	dir := b.TempDir()
	if err := testbin.Build(dir, "aad/cmd/aad-shim"); err != nil {
		b.Fatal(err)
	}
	return filepath.Join(dir, "aad-shim")
}

// BenchmarkStartWait runs /bin/true under the shim. It reports how long it took
// until the process ran, and until its end was known and on disk.
func BenchmarkStartWait(b *testing.B) {
	bin, root := build(b), b.TempDir()
	spec := Spec{Args: []string{"/bin/true"}, Dir: root, Env: []string{"PATH=/bin"}}
	var running time.Duration
	n := 0
	for b.Loop() {
		n++
		from := time.Now()
		p, err := Start(context.Background(), bin, filepath.Join(root, strconv.Itoa(n)), spec)
		if err != nil {
			b.Fatal(err)
		}
		running += time.Since(from)
		if _, err := p.Wait(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(running.Microseconds())/float64(n)/1000, "ms-to-running")
}
