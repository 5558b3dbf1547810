package daemon

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"aad/apprentice"
	"aad/rpc"
)

// TestSessionsOutliveKillsAtRandomMoments kills aad while runs are continued,
// cancelled and deleted. What a call was answered must hold afterwards.
func TestSessionsOutliveKillsAtRandomMoments(t *testing.T) {
	t.Parallel()
	runs := 9
	if testing.Short() {
		runs = 3
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	a, s := newAad(t, "AA_MAX_PARALLEL=3"), newScript(t)
	more := write(t, s.file("more"), "x")
	var kept []apprentice.RunID
	answered := map[apprentice.RunID]bool{}
	for i := range runs {
		id := apprentice.RunID(fmt.Sprintf("r%d", i))
		a.submit(rpc.RunSubmitParams{RunID: string(id), Instruction: s.text(twoTries), Rubric: wantsGood})
		kept = append(kept, id)
	}
	for _, id := range kept {
		a.wait(id)
	}
	var deleted []apprentice.RunID
	for i, id := range kept {
		done := make(chan bool, 1)
		conn := a.conn
		// The goroutine ends with its call, at the latest with the kill.
		go func() {
			var err error
			switch i % 3 {
			case 0, 1:
				_, err = rpc.Call(a.ctx(), conn, rpc.RunContinue, rpc.RunContinueParams{RunID: string(id),
					Instruction: s.text("sleep 0.05; cat artifacts/out.txt > artifacts/again"), Assets: []string{more}})
				if err == nil && i%3 == 1 {
					_, err = rpc.Call(a.ctx(), conn, rpc.RunCancel, rpc.RunParams{RunID: string(id)})
				}
			case 2:
				_, err = rpc.Call(a.ctx(), conn, rpc.RunDelete, rpc.RunDeleteParams{RunID: string(id)})
			}
			done <- err == nil
		}()
		<-time.After(time.Duration(random.IntN(40)) * time.Millisecond)
		a.kill()
		answered[id] = <-done
		a.start()
		if i%3 == 2 {
			deleted = append(deleted, id)
		}
	}
	var there []apprentice.RunID
	for i, id := range kept {
		_, err := try(a, rpc.RunGet, rpc.RunParams{RunID: string(id)})
		gone := apprentice.KindOf(err) == apprentice.NotFound
		if i%3 == 2 && answered[id] != gone && answered[id] {
			t.Errorf("%s was deleted and is there again: %v", id, err)
		}
		if gone {
			if i%3 != 2 {
				t.Errorf("%s is lost", id)
			}
			continue
		}
		there = append(there, id)
		run := a.wait(id)
		types := a.types(id)
		ends := strings.Count(types, "followup_completed") + strings.Count(types, "run_cancelled")
		if answered[id] && i%3 == 1 && run.QueueState != apprentice.Cancelled {
			t.Errorf("%s was cancelled and ended %s", id, run.QueueState)
		}
		if asked := strings.Count(types, "run_queued") - 1; ends != asked || answered[id] && i%3 != 2 && asked != 1 {
			t.Errorf("%s, answered %v: its events are %s", id, answered[id], types)
		}
	}
	eventually(t, "no folder of a deleted run is left", func() bool {
		for _, id := range deleted {
			_, err := try(a, rpc.RunGet, rpc.RunParams{RunID: string(id)})
			if apprentice.KindOf(err) == apprentice.NotFound && len(under(string(a.home.Run(id)))) > 0 {
				return false
			}
		}
		return true
	})
	a.stop()
	for _, id := range there {
		a.conforms(id)
	}
	a.whole(there...)
}
