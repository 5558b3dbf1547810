package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"aad/apprentice"
)

// Record is one event in the daemon-wide order.
type Record struct {
	Seq   uint64           // 1, 2, 3… over the daemon's life; deleted runs leave gaps
	RunID apprentice.RunID // "" for what concerns no run
	Index uint64           // the event's event_index; 0 in the daemon-wide log only
	JSON  []byte           // the event exactly as it is mirrored
}

// Events returns a run's events after an index, oldest first, about maxBytes of
// them but at least one if there is one. An empty answer means that there are no
// more yet.
func (s *Store) Events(id apprentice.RunID, after uint64, maxBytes int) (records []Record, err error) {
	err = s.view(func(v snapshot) error {
		number, err := v.number(id)
		if err != nil {
			return err
		}
		log := v.tx.Bucket(logBucket)
		c := v.tx.Bucket(eventsBucket).Cursor()
		size := 0
		if after == math.MaxUint64 {
			return nil
		}
		for k, seq := c.Seek(pair(number, after+1)); k != nil && readU64(k) == number; k, seq = c.Next() {
			r, err := readRecord(seq, log.Get(seq))
			if err != nil {
				return err
			}
			if size += len(r.JSON); size > maxBytes && len(records) > 0 {
				return nil
			}
			r.JSON = slices.Clone(r.JSON)
			records = append(records, r)
		}
		return nil
	})
	return records, err
}

// Log returns what happened after a number, in the daemon-wide order, about
// maxBytes of it but at least one record if there is one. keep chooses by run id,
// nil takes all; it must be quick and not call the store. last is the number to
// go on from: it also passes what was not kept. Nothing new leaves it at after.
func (s *Store) Log(after uint64, maxBytes int, keep func(apprentice.RunID) bool) (records []Record, last uint64, err error) {
	last = after
	for end := s.LastSeq(); len(records) == 0 && last < end; {
		from := last
		err = s.view(func(v snapshot) (err error) {
			records, last, err = v.logSlice(from, maxBytes, keep)
			return err
		})
		if err != nil || last == from {
			return records, last, err
		}
	}
	return records, last, nil
}

func (s snapshot) logSlice(after uint64, maxBytes int, keep func(apprentice.RunID) bool) (records []Record, last uint64, err error) {
	last = after
	c := s.tx.Bucket(logBucket).Cursor()
	size, looked := 0, 0
	for k, v := c.Seek(u64(after + 1)); k != nil && looked < 4*scanned; k, v = c.Next() {
		looked++
		r, err := readRecord(k, v)
		if err != nil {
			return nil, after, err
		}
		if keep == nil || keep(r.RunID) {
			if size += len(r.JSON); size > maxBytes && len(records) > 0 {
				return records, last, nil
			}
			r.JSON = slices.Clone(r.JSON)
			records = append(records, r)
		}
		last = r.Seq
	}
	return records, last, nil
}

// readRecord borrows its JSON.
func readRecord(seq, value []byte) (Record, error) {
	index, id, event, err := splitLog(value)
	if err != nil {
		return Record{}, fmt.Errorf("record %d: %w", readU64(seq), err)
	}
	return Record{Seq: readU64(seq), RunID: id, Index: index, JSON: event}, nil
}

// Note appends an event to the daemon-wide log alone: it gets a number there and
// a date, but no event_index.
func (s *Store) Note(ctx context.Context, e apprentice.Event) error {
	return s.write(ctx, 1024, func(b *batch) (func() error, error) {
		return b.planNote(e)
	})
}

func (b *batch) planNote(e apprentice.Event) (func() error, error) {
	e.EventIndex, e.CreatedAt = 0, b.stamp
	v, err := encode(e)
	if err != nil {
		return nil, fmt.Errorf("note %s: %w", e.EventType, err)
	}
	return func() error { return b.append(e.RunID, 0, 0, v) }, nil
}

// SessionEvents returns a run's session events, oldest first.
func (s *Store) SessionEvents(id apprentice.RunID) (events []apprentice.SessionEvent, err error) {
	for {
		n := len(events)
		err = s.view(func(v snapshot) (err error) {
			events, err = v.sessionSlice(id, events)
			return err
		})
		if err != nil || len(events) < n+scanned {
			return events, err
		}
	}
}

func (s snapshot) sessionSlice(id apprentice.RunID, events []apprentice.SessionEvent) ([]apprentice.SessionEvent, error) {
	number, err := s.number(id)
	if err != nil {
		return nil, err
	}
	c := s.tx.Bucket(sessionBucket).Cursor()
	k, v := c.Seek(pair(number, uint64(len(events))+1))
	for n := 0; n < scanned && k != nil && readU64(k) == number; n++ {
		var e apprentice.SessionEvent
		if err := json.Unmarshal(v, &e); err != nil {
			return nil, fmt.Errorf("read session event of run %s: %w", id, err)
		}
		events = append(events, e)
		k, v = c.Next()
	}
	return events, nil
}
