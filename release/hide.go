package release

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"aad/apprentice"
)

// private is what of a package's rubric an apprentice was not shown, and so nobody is
// who may train or test one with public/.
type private struct {
	ids    []string // of items
	texts  []string // their names and descriptions, long ones first
	leaked bool     // what is hidden got into the package: nothing of it is public
}

// hidden stands for the name or description of a hidden criterion in what judges
// wrote.
const hidden = "[hidden-criterion]"

// secretOf is what is private of the package, made if need be.
func (t *taking) secretOf() *private {
	p := t.gatherer.run.private[t.TaskID]
	if p == nil {
		p = &private{}
		t.gatherer.run.private[t.TaskID] = p
	}
	return p
}

// hide notes an item that apprentices were not shown.
func (t *taking) hide(item apprentice.RubricItem) {
	if shown(item) {
		return
	}
	t.secretOf().add(item)
}

func shown(item apprentice.RubricItem) bool { return item.WorkerVisible && !item.VerifierOnly }

func (p *private) add(item apprentice.RubricItem) {
	if !slices.Contains(p.ids, item.RubricItemID) {
		p.ids = append(p.ids, item.RubricItemID)
	}
	for _, text := range []string{item.CriterionName, item.CriterionDescription} {
		if text != "" && !slices.Contains(p.texts, text) {
			p.texts = append(p.texts, text)
		}
	}
	slices.SortStableFunc(p.texts, func(a, b string) int { return len(b) - len(a) })
}

// judged are the datasets whose text comes from judges, who know the whole rubric;
// what apprentices wrote cannot hold what they were not shown.
var judged = []string{"full_task_records", "rubrics", "rubric_items", "grader_results", "verifier_results", "evaluator_feedback", "revision_plans",
	"hillclimb_results", "lesson_packs", "training_signals", "process_supervision", "reward_modeling", "revision_preference_pairs", "role_results_index"}

// publicRow is a row as an apprentice may know it; nil where nothing is left of it.
// The checks of a rubric's items stay with the verifier in any case.
func publicRow(name string, line []byte, p *private) ([]byte, error) {
	if p != nil && p.leaked {
		return nil, nil
	}
	rubric := name == "rubrics" || name == "rubric_items" || name == "full_task_records"
	if !rubric && (p == nil || !slices.Contains(judged, name)) {
		return line, nil
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	var row map[string]any
	if err := dec.Decode(&row); err != nil {
		return nil, err
	}
	if p == nil {
		p = &private{}
	}
	if !p.strip(row) {
		return nil, nil
	}
	return compact(row)
}

// strip takes what is hidden out of an object, and reports whether anything of it may
// stay: not a hidden item, nor a rubric without any other.
func (p *private) strip(object map[string]any) bool {
	id, _ := object["rubric_item_id"].(string)
	if slices.Contains(p.ids, id) {
		return false
	}
	if meta, ok := object["metadata_json"].(map[string]any); ok && object["criterion_description"] != nil {
		delete(meta, "check")
	}
	for key, member := range object {
		if stays, to := p.value(member); stays {
			object[key] = to
		} else {
			delete(object, key)
		}
	}
	items, rubric := object["rubric_items"].([]any)
	return !rubric || len(items) > 0
}

// value is a value without what is hidden, and whether it may stay.
func (p *private) value(v any) (stays bool, to any) {
	switch v := v.(type) {
	case string:
		return true, p.masked(v)
	case map[string]any:
		return p.strip(v), v
	case []any:
		list := []any{}
		for _, one := range v {
			if text, ok := one.(string); ok && (slices.Contains(p.ids, text) || slices.Contains(p.texts, text)) {
				continue
			}
			if stays, to := p.value(one); stays {
				list = append(list, to)
			}
		}
		return true, list
	}
	return true, v
}

// masked is a text without the names and descriptions of hidden criteria. Very short
// names are words of every text and stay.
func (p *private) masked(text string) string {
	for _, secret := range p.texts {
		if len(secret) >= 4 {
			text = strings.ReplaceAll(text, secret, hidden)
		}
	}
	if slices.Contains(p.ids, text) {
		return hidden
	}
	return text
}
