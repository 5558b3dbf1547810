package ecosystem

import (
	"net"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"aad/apprentice"
)

// Kinds of places.
const (
	Folder = "folder"
	Git    = "git"
	Bucket = "s3"
)

// Place is where bundles are shared. The zero value is nowhere.
type Place struct {
	Kind string
	// At is the folder's absolute path, what git is told, or the bucket's name.
	At     string
	Prefix string // of a bucket's objects, without slashes at its ends
}

// String writes the place as ParsePlace reads it.
func (p Place) String() string {
	switch {
	case p.Kind == Bucket && p.Prefix != "":
		return "s3://" + p.At + "/" + p.Prefix
	case p.Kind == Bucket:
		return "s3://" + p.At
	case p.Kind == Git:
		return "git+" + p.At
	}
	return p.At
}

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	scpLike    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^\s:][^\s]*$`)
)

// ParsePlace reads the setting ecosystem_place: the absolute path of a folder,
// s3://bucket/prefix, or what git can clone; a path that is a git repository is
// written git+PATH.
func ParsePlace(text string) (Place, error) {
	wrong := func(why string) (Place, error) {
		return Place{}, apprentice.Errorf(apprentice.Invalid, "place %q cannot be used: %s", text, why).WithField("ecosystem_place").
			WithHint("/a/folder, git+/a/repository, https://host/repository.git, user@host:repository.git, or s3://bucket/prefix")
	}
	if strings.ContainsFunc(text, unicode.IsControl) || len(text) > 4096 {
		return wrong("it is no line of text")
	}
	if rest, ok := strings.CutPrefix(text, "s3://"); ok {
		bucket, prefix, _ := strings.Cut(rest, "/")
		prefix = strings.Trim(prefix, "/")
		if !bucketName.MatchString(bucket) || strings.Contains(bucket, "..") {
			return wrong("that is no name of a bucket")
		}
		if prefix != "" && (path.Clean(prefix) != prefix || strings.HasPrefix(prefix, "..") || strings.Contains(prefix, "\\")) {
			return wrong("its prefix is no plain path")
		}
		return Place{Kind: Bucket, At: bucket, Prefix: prefix}, nil
	}
	rest, asked := strings.CutPrefix(text, "git+")
	scheme, _, isURL := strings.Cut(rest, "://")
	switch {
	case isURL:
		if why := wrongURL(scheme, rest); why != "" {
			return wrong(why)
		}
		return Place{Kind: Git, At: rest}, nil
	case scpLike.MatchString(rest):
		return Place{Kind: Git, At: rest}, nil
	case !filepath.IsAbs(rest):
		return wrong("a path must be absolute")
	case asked || strings.HasSuffix(rest, ".git"):
		return Place{Kind: Git, At: filepath.Clean(rest)}, nil
	}
	return Place{Kind: Folder, At: filepath.Clean(rest)}, nil
}

// wrongURL says why a URL is nothing for git, "" where it is.
func wrongURL(scheme, text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "it is no URL"
	}
	_, password := u.User.Password()
	switch scheme {
	case "https", "http", "ssh", "file":
	default:
		return "the scheme " + scheme + " is not known"
	}
	switch {
	case password, scheme != "ssh" && u.User != nil:
		return "it holds credentials, and settings are no place for them: leave them to git's credential helpers"
	case scheme == "file" && (u.Host != "" || !strings.HasPrefix(u.Path, "/")):
		return "a file:// URL needs an absolute path"
	case scheme != "file" && (u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-")):
		return "it names no host"
	}
	return ""
}

// checkPlain refuses a URL without TLS that is not this machine's own, unless that was
// allowed.
func checkPlain(text string, allowed bool) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || allowed {
		return nil
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsLoopback() || u.Hostname() == "localhost" {
		return nil
	}
	return apprentice.Errorf(apprentice.Denied, "%s is reached without TLS: anybody on the way could read and alter what is shared", u.Host).
		WithField("ecosystem_allow_http").WithHint("use https, or: aa settings set ecosystem_allow_http true")
}
