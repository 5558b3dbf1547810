package ecosystem

import (
	"net/url"
	"strings"

	"aad/apprentice"
)

// Variables of a bucket's keys, as Amazon's own programs call them.
const (
	keyVariable    = "AWS_ACCESS_KEY_ID"
	secretVariable = "AWS_SECRET_ACCESS_KEY"
	tokenVariable  = "AWS_SESSION_TOKEN"
)

// KeysFrom tells where the keys of a bucket come from, never what they are.
func KeysFrom(variable func(string) (string, bool)) string {
	id, _ := variable(keyVariable)
	secret, _ := variable(secretVariable)
	switch {
	case id != "" && secret != "":
		return keyVariable + " and " + secretVariable
	case id != "" || secret != "":
		return "only one of " + keyVariable + " and " + secretVariable + " is set"
	}
	return "none: only what everybody may read can be read"
}

// CheckEndpoint refuses what is no address of a server that keeps buckets.
func CheckEndpoint(text string) error {
	_, err := parseEndpoint(text)
	return err
}

// parseEndpoint reads the setting ecosystem_endpoint; a host alone is meant by https.
func parseEndpoint(text string) (*url.URL, error) {
	if text == "" {
		text = "s3.amazonaws.com"
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, apprentice.Errorf(apprentice.Invalid, "endpoint %q is no address of a server", text).WithField("ecosystem_endpoint").
			WithHint("a host such as s3.example.org, or a URL such as https://s3.example.org:9000")
	}
	return u, nil
}
