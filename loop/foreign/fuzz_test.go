package foreign

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// FuzzRead gives Read the files of a run folder in any state: it tells problems, and
// what it finds without any is a run that can be stored.
func FuzzRead(f *testing.F) {
	session := `{"run_id":"r","session_id":"session_r","run_status":"completed","task_status":"completed","task_id":"task_r","task_instruction":"x","task_assets":[],"mentor_mode":"checks","sensitive_info_masking":"standard","max_improvement_loops":3,"apprentice_agent":"shell","session_status":"open","experience_pack_ids":[],"experience_pack_titles":[],"experience_pack_sources":[]}`
	status := `{"run_id":"r","run_status":"completed","task_status":"completed","current_phase":"completed","current_loop":1,"maximum_improvement_loops":3,"latest_message":"","apprentice_agent":"shell","mentor_mode":"checks","task_title":"x","task_workspace_path":"/h/runs/r","artifacts_path":"","traced_steps":0,"artifact_count":0,"updated_at":"","queue_state":"completed","experience_pack_ids":[],"experience_pack_titles":[],"experience_pack_sources":[]}`
	event := `{"artifact_count":0,"created_at":"2026-01-01T00:00:00.000000Z","current_loop":0,"event_index":1,"event_type":"run_queued","maximum_improvement_loops":3,"message":"","phase":"queued","run_id":"r","traced_steps":0}` + "\n"
	told := `{"event_type":"user_followup","event_index":1,"created_at":"2026-01-01T00:00:00.000000Z","run_id":"r","followup_index":1,"followup_instruction":"more"}` + "\n"
	f.Add([]byte(session), []byte(status), []byte(event), []byte(told), []byte(`{"max_iterations":1,"actual_iterations":1,"loop_stop_reason":"","baseline_attempt_id":"","revised_attempt_ids":[],"selected_attempt_id":"","mentor_mode":"checks"}`))
	f.Add([]byte(`{}`), []byte(status), []byte("\n\n"), []byte("{"), []byte(""))
	f.Fuzz(func(t *testing.T, session, status, events, told, manifest []byte) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "packages", "task_r"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"session.json": session, "run_status.json": status, "progress_events.jsonl": events,
			"session_events.jsonl": told, "packages/task_r/package_manifest.json": manifest} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		found, err := Read(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if found.Total > 0 {
			return
		}
		if len(found.Events) == 0 || len(found.Specs) != found.Run.Pass+1 || len(found.Attempts) != len(found.Specs) || !found.Run.QueueState.Ended() {
			t.Errorf("without a problem it is %+v", found)
		}
	})
}
