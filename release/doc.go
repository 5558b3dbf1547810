// Package release gathers many ended runs into a dataset: rows of every kind as JSON
// lines and as Parquet, the files that the rows lead to, a manifest, a report on
// quality, a card, and in public/ a sanitised copy of all of it. It checks, shows and
// sums up releases, its own and those of others.
//
// It never alters a run folder and never opens the database. It works row by row and
// holds no list of them: what it takes of memory does not grow with the rows.
// Read Create first, then Validate.
package release
