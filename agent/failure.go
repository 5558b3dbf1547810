package agent

import (
	"regexp"
	"strings"

	"aad/apprentice"
)

// Failure is what an agent's stream says went wrong, by its own error records.
type Failure struct {
	Kind    apprentice.OperationalError // "" when it is none that we tell apart
	Message string
}

// fail takes in an error record that may have ended the agent's work, known by
// the CLI's own word for it and its message.
func (a *account) fail(word, message string) {
	if message == "" {
		message = word
	}
	a.Failure = &Failure{Kind: failureKind(word + "\n" + message), Message: cutText(strings.TrimSpace(plain(message)), 300)}
}

// recovered takes back a failure after which the agent went on and ended well.
func (a *account) recovered() { a.Failure = nil }

// failureWords are what error records say, in lower case, the first that fits
// counting. They are never held against an answer.
var failureWords = []struct {
	kind  apprentice.OperationalError
	words []string
}{
	{apprentice.RateLimitError, []string{"per minute", "per min", "tokens per", "requests per", "retry in", "try again in"}},
	{apprentice.QuotaError, []string{
		"quota", "usage limit", "usage_limit", "credit balance", "billing", "payment required", "402",
		"out of credits", "hit your limit", "spending limit", "insufficient credits", "insufficient balance",
	}},
	{apprentice.RateLimitError, []string{
		"rate limit", "rate_limit", "ratelimit", "too many requests", "429", "overloaded", "529", "resource_exhausted",
	}},
	{apprentice.AuthError, []string{
		"401", "unauthorized", "unauthenticated", "not logged in", "log in", "login", "sign in", "api key", "api_key", "apikey",
		"authentication", "auth method", "oauth", "providerautherror", "credentials", "access token",
	}},
	{apprentice.WorkspaceTrustError, []string{"trusted directory", "trusted folder", "trusted workspace", "untrusted", "workspace trust", "is not trusted"}},
	{apprentice.PermissionError, []string{"permission denied", "permission_denied", "requires approval", "403", "forbidden", "not permitted", "approval policy"}},
}

// failureKind tells what an error's words mean, "" for none of the kinds.
func failureKind(text string) apprentice.OperationalError {
	text = strings.ToLower(cutText(text, 4<<10))
	for _, f := range failureWords {
		for _, word := range f.words {
			if hasWord(text, word) {
				return f.kind
			}
		}
	}
	return ""
}

// hasWord finds a word; a number must stand alone, as no part of a name, of a time or
// of a larger number.
func hasWord(text, word string) bool {
	if !statusCode.MatchString(word) {
		return strings.Contains(text, word)
	}
	return regexp.MustCompile(`(^|[^\w.])` + word + `($|[^\w.]|\.\D|\.$)`).MatchString(text)
}

var statusCode = regexp.MustCompile(`^\d+$`)

// lastWords judges the end of what an agent CLI printed on stderr: the last line
// that says something, and only if it complains or asks to sign in. nil when it
// tells nothing.
func lastWords(stderr string) *Failure {
	line := lastLine(stderr)
	lower := strings.ToLower(line)
	for _, complaint := range complaints {
		if !strings.Contains(lower, complaint) {
			continue
		}
		if kind := failureKind(line); kind != "" {
			return &Failure{kind, line}
		}
	}
	return nil
}

// complaints are words without which a line is not taken for what ended the agent.
var complaints = []string{
	"error", "fail", "please", "required", "must", "invalid", "expired", "denied", "exceeded", "not ", "limit", "set an auth", "unauthorized",
}
