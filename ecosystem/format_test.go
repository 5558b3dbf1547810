package ecosystem

import (
	"encoding/json"
	"strings"
	"testing"

	"aad/bundle"
)

func FuzzParsePlace(f *testing.F) {
	for _, text := range []string{"/mnt/team", "git+/srv/b", "/srv/b.git", "https://host/x.git", "me@host:x.git", "s3://bucket/a/b", "s3://bucket", "git+ext::sh -c x",
		"https://me:secret@host/x", "ssh://-oProxyCommand=x/y", "file:///srv/b.git", "../x", "s3://b/../x", "-x@host:y", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePlace(text)
		if err != nil {
			return
		}
		again, err := ParsePlace(p.String())
		if err != nil || again != p {
			t.Fatalf("%q is %+v, and what it is called is %+v, %v", text, p, again, err)
		}
		if strings.HasPrefix(p.At, "-") || strings.Contains(p.Prefix, "..") && strings.HasPrefix(p.Prefix, "..") || p.At == "" {
			t.Fatalf("%q was read as %+v", text, p)
		}
	})
}

func FuzzParseIndex(f *testing.F) {
	good, err := json.Marshal(Index{SchemaVersion: IndexVersion, Place: "/a", Entries: []Entry{{BundleID: "bundle_a", Size: 1, Title: "x"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schema_version":"aa-ecosystem-index-v0.2"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := ParseIndex(data)
		if err != nil {
			return
		}
		for _, e := range i.Entries {
			if bundle.CheckID(e.BundleID) != nil || i.SchemaVersion != IndexVersion {
				t.Fatalf("read %+v", e)
			}
		}
		Search(i.Entries, []string{"x", "report"})
	})
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(`{"schema_version":"aa-ecosystem-share-v0.1","bundle_id":"bundle_a"}`))
	f.Add([]byte(`{"schema_version":"aa-ecosystem-share-v0.2"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := ParseRecord(data); err == nil && r.SchemaVersion != RecordVersion {
			t.Fatalf("version %q was read", r.SchemaVersion)
		}
	})
}

func FuzzParseEndpoint(f *testing.F) {
	for _, text := range []string{"", "s3.example.org", "https://h:9000/", "http://127.0.0.1:1", "https://a:b@h", "ftp://h", "https://h/path", "h:x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := parseEndpoint(text)
		if err == nil && (u.User != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https") {
			t.Fatalf("%q was read as %v", text, u)
		}
	})
}

func TestPlacesAreReadAsTheyAreMeantAndCredentialsRefused(t *testing.T) {
	for text, want := range map[string]Place{
		"/mnt/team/":             {Kind: Folder, At: "/mnt/team"},
		"/srv/bundles.git":       {Kind: Git, At: "/srv/bundles.git"},
		"git+/srv/bundles":       {Kind: Git, At: "/srv/bundles"},
		"me@host:team/b.git":     {Kind: Git, At: "me@host:team/b.git"},
		"https://host/team/b":    {Kind: Git, At: "https://host/team/b"},
		"ssh://git@host/team/b":  {Kind: Git, At: "ssh://git@host/team/b"},
		"s3://team-bundles/a/b/": {Kind: Bucket, At: "team-bundles", Prefix: "a/b"},
	} {
		if got, err := ParsePlace(text); err != nil || got != want {
			t.Errorf("%s is %+v, %v", text, got, err)
		}
	}
	for text, why := range map[string]string{
		"": "absolute", "team": "absolute", "https://me:pw@host/x": "credentials", "https://token@host/x": "credentials", "ssh://me:pw@host/x": "credentials",
		"ext::sh -c id": "absolute", "ftp://host/x": "scheme", "s3://B_/x": "bucket", "s3://b..c/x": "bucket", "s3://bucket/../x": "prefix", "/a\nb": "line of text",
		"ssh://-oProxyCommand=touch/x": "host", "file://host/x": "absolute",
	} {
		if _, err := ParsePlace(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want it refused for %s", text, err, why)
		}
	}
}
