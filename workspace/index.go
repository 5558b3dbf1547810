package workspace

import (
	"context"
	"io/fs"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/internal/atomicfile"
)

// previewBytes is what a reader may show of a text without asking.
const previewBytes = 64 << 10

// Index lists the package's files for artifacts_index.json, sorted by path:
// inputs, what attempts left, traces, grades, feedback, rubric. Put-aside
// attempts, the index itself and what is ignored in workspaces are left out.
// traces are those of the attempts, to link files with the steps that name them.
func (p Package) Index(ctx context.Context, traces []apprentice.AgentTrace) (apprentice.List[apprentice.Artifact], error) {
	list, _, err := snapshot(ctx, string(p), p.skipInIndex)
	if err != nil {
		return nil, err
	}
	steps := stepsByRef(traces)
	rows := make(apprentice.List[apprentice.Artifact], 0, len(list))
	for _, f := range list {
		if f.Link != "" {
			continue
		}
		rows = append(rows, p.row(f, steps[f.Path]))
	}
	return rows, nil
}

// WriteIndex replaces artifacts_index.json.
func (p Package) WriteIndex(rows apprentice.List[apprentice.Artifact]) error {
	return atomicfile.WriteJSON(p.ArtifactsIndex(), rows)
}

func (p Package) row(f File, steps []int) apprentice.Artifact {
	row := apprentice.Artifact{
		PackageRelativePath: f.Path, ArtifactRef: f.Path, ArtifactKind: artifactKind(f.Path),
		LinkedTraceSteps: steps, SizeBytes: f.Size, ContentHash: "sha256:" + f.SHA256,
	}
	row.MimeType, row.MediaType = MediaType(p.File(f.Path))
	switch row.MediaType {
	case "text", "code":
		row.PreviewAvailable = true
	case "data":
		row.PreviewAvailable = strings.HasPrefix(row.MimeType, "text/") || strings.Contains(row.MimeType, "json") || strings.Contains(row.MimeType, "yaml")
	}
	row.PreviewTruncated = row.PreviewAvailable && f.Size > previewBytes
	if kind, _, ok := inAttempt(f.Path); ok && row.ArtifactKind != "input" {
		task := apprentice.TaskID(lastPart(string(p)))
		row.ProducedByAttemptKind = kind
		row.ProducedByAttemptID = string(apprentice.AttemptOf(task, apprentice.AttemptKind(kind)))
	}
	return row
}

func lastPart(path string) string {
	return path[strings.LastIndexAny(path, `/\`)+1:]
}

// inAttempt splits attempts/<kind>/<rest>.
func inAttempt(ref string) (kind, rest string, ok bool) {
	parts := strings.SplitN(ref, "/", 3)
	if len(parts) < 3 || parts[0] != "attempts" {
		return "", "", false
	}
	return parts[1], parts[2], true
}

func artifactKind(ref string) string {
	if _, rest, ok := inAttempt(ref); ok {
		return attemptFileKind(rest)
	}
	switch top, _, below := strings.Cut(ref, "/"); {
	case !below:
		return "package_file"
	case top == inputName:
		return "input"
	case top == "grading":
		return "score"
	case top == "rubric", top == "feedback":
		return top
	}
	return "package_file"
}

func attemptFileKind(rest string) string {
	top, _, below := strings.Cut(rest, "/")
	switch {
	case below && top == artifactsName:
		return "output"
	case below && top == inputName:
		return "input"
	case below:
		return "intermediate"
	case rest == promptName:
		return "input"
	case rest == stdoutName, rest == stderrName, rest == streamName, rest == finalMessageName:
		return "log"
	case rest == traceName, rest == rawName(traceName), rest == outputsName, rest == rawName(outputsName),
		strings.HasSuffix(rest, "_normalization_report.json"), rest == "contract_diagnostics.json":
		return "trace"
	}
	return "intermediate"
}

func (p Package) skipInIndex(rel string, d fs.DirEntry) bool {
	if rel == "artifacts_index.json" || rel == "aside" || atomicfile.IsTemp(d.Name()) {
		return true
	}
	_, rest, ok := inAttempt(rel)
	return ok && (ignoredEntry(rest, d) || p.isRepo(rel, rest))
}

// stepsByRef maps a reference to the steps of its attempt's trace that name it.
func stepsByRef(traces []apprentice.AgentTrace) map[string][]int {
	steps := map[string][]int{}
	for _, t := range traces {
		for _, s := range t.Steps {
			refs := append(slices.Clone(s.ArtifactRefs), s.StdoutRef, s.StderrRef)
			slices.Sort(refs)
			for _, ref := range slices.Compact(refs) {
				if ref != "" {
					steps[ref] = append(steps[ref], s.Step)
				}
			}
		}
	}
	return steps
}
