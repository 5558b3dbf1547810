package apprentice

// Nearest returns the name that a word was most likely meant to be, "" when none
// is near enough to be worth naming: one mistake in three letters, and one in a
// shorter word.
func Nearest(word string, names []string) string {
	if len(word) > 64 {
		return ""
	}
	best, least := "", min(max(len(word)/3, 1)+1, len(word))
	for _, name := range names {
		if n := edits(word, name); n < least {
			best, least = name, n
		}
	}
	return best
}

// DidYouMean begins a hint with the name that a word was most likely meant to be;
// it is empty when none is near.
func DidYouMean(word string, names []string) string {
	if near := Nearest(word, names); near != "" {
		return "did you mean " + near + "? "
	}
	return ""
}

// edits counts the bytes to insert, delete, replace or swap with the next one to
// make b of a: the optimal string alignment distance.
func edits(a, b string) int {
	var before []int // the row of two bytes ago
	last, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := last[j]
			if a[i] != b[j] {
				cost = 1 + min(last[j], row[j], last[j+1])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cost = min(cost, 1+before[j-1])
			}
			row[j+1] = cost
		}
		before, last, row = last, row, make([]int, len(b)+1)
	}
	return last[len(b)]
}
