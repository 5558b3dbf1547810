package bundle

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Sum is one line of SHA256SUMS.
type Sum struct{ Path, SHA256 string }

// In a line that begins with a backslash the path is written with these escapes, as
// sha256sum does where a line could not hold it as it is.
var (
	escaped   = strings.NewReplacer("\\", "\\\\", "\n", "\\n", "\r", "\\r")
	unescaped = strings.NewReplacer("\\\\", "\\", "\\n", "\n", "\\r", "\r")
)

// WriteSums writes SHA256SUMS as sha256sum does, sorted by path.
func WriteSums(sums []Sum) []byte {
	slices.SortFunc(sums, func(a, b Sum) int { return strings.Compare(a.Path, b.Path) })
	var b bytes.Buffer
	for _, s := range sums {
		mark, path := "", escaped.Replace(s.Path)
		if path != s.Path {
			mark = "\\"
		}
		fmt.Fprintf(&b, "%s%s  %s\n", mark, s.SHA256, path)
	}
	return b.Bytes()
}

// ParseSums reads SHA256SUMS. Any byte that WriteSums would not have written is an
// error, so that nothing can be altered in it unseen.
func ParseSums(data []byte) ([]Sum, error) {
	var sums []Sum
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line, marked := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "\\")
		sum, path, ok := strings.Cut(line, "  ")
		if marked {
			path = unescaped.Replace(path)
		}
		if raw, err := hex.DecodeString(sum); !ok || err != nil || len(raw) != 32 || path == "" {
			return nil, fmt.Errorf("read %s: line %d is no sum and path", SumsName, n)
		}
		sums = append(sums, Sum{path, sum})
	}
	if !bytes.Equal(WriteSums(slices.Clone(sums)), data) {
		return nil, fmt.Errorf("read %s: its lines are not as aad writes them", SumsName)
	}
	return sums, nil
}
