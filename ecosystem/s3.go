package ecosystem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"aad/apprentice"
)

// bucket is a bucket of a server that speaks S3. An archive is put by one request, on
// the condition that there is none of its name.
type bucket struct {
	client *minio.Client
	name   string
	prefix string // of keys, with a slash at its end where it is not ""
	host   string
}

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

// tries is how often a request is made that the server cannot answer for now.
const tries = 4

// transport is shared by all, so that connections are used again.
var transport = sync.OnceValues(func() (*http.Transport, error) { return minio.DefaultTransport(true) })

func newBucket(p Place, a Access) (store, error) {
	u, err := parseEndpoint(a.Endpoint)
	if err != nil {
		return nil, err
	}
	if err := checkPlain(u.String(), a.AllowHTTP); err != nil {
		return nil, err
	}
	lines, err := transport()
	if err != nil {
		return nil, fmt.Errorf("make ready for %s: %w", p, err)
	}
	keys := [3]string{}
	for i, name := range []string{keyVariable, secretVariable, tokenVariable} {
		keys[i], _ = a.Variable(name)
	}
	if (keys[0] == "") != (keys[1] == "") {
		return nil, apprentice.Errorf(apprentice.Unmet, "%s", KeysFrom(a.Variable)).WithHint("put both into .env.local of the home")
	}
	region := a.Region
	if region == "" && !strings.HasSuffix(u.Hostname(), ".amazonaws.com") {
		region = "us-east-1" // what servers other than Amazon's take
	}
	client, err := minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(keys[0], keys[1], keys[2]), Secure: u.Scheme == "https",
		Transport: lines, Region: region, MaxRetries: tries})
	if err != nil {
		return nil, apprentice.Errorf(apprentice.Invalid, "endpoint %q cannot be used: %v", a.Endpoint, err).WithField("ecosystem_endpoint")
	}
	prefix := ""
	if p.Prefix != "" {
		prefix = p.Prefix + "/"
	}
	return bucket{client, p.At, prefix, u.Host}, nil
}

// told puts what the server answered into words that tell what to do.
func (b bucket) told(id string, err error) error {
	if err == nil {
		return nil
	}
	var answer minio.ErrorResponse
	errors.As(err, &answer)
	switch answer.Code {
	case minio.NoSuchKey:
		return notThere(id)
	case minio.NoSuchBucket:
		return apprentice.Errorf(apprentice.Unmet, "there is no bucket %s at %s", b.name, b.host).WithField("ecosystem_place").WithHint("make it first, or name another")
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "InvalidTokenId", "XAdminUserNotFound":
		return apprentice.Errorf(apprentice.Denied, "%s does not take the keys: %s", b.host, answer.Code).
			WithHint("see %s and %s in .env.local, or in aad's environment", keyVariable, secretVariable)
	case minio.AccessDenied, "AllAccessDisabled", "AccountProblem":
		return apprentice.Errorf(apprentice.Denied, "the keys do not permit this in bucket %s at %s", b.name, b.host).Because(err)
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "InvalidRegion":
		return apprentice.Errorf(apprentice.Unmet, "bucket %s at %s is in another region: %s", b.name, b.host, answer.Message).WithField("ecosystem_region").
			WithHint("aa ecosystem configure --region REGION")
	case "EntityTooLarge":
		return apprentice.Errorf(apprentice.Unmet, "%s takes no archive as large as that", b.host)
	case minio.PreconditionFailed:
		return fs.ErrExist
	}
	if answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusUnauthorized {
		return apprentice.Errorf(apprentice.Denied, "%s denies it: %s", b.host, answer.Message)
	}
	return apprentice.Errorf(apprentice.Unavailable, "bucket %s at %s cannot be used now: %v", b.name, b.host, err)
}

func (b bucket) key(id string) string { return b.prefix + nameOf(id) }

func (b bucket) list(ctx context.Context) (all []object, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for o := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix + folderName + "/"}) {
		if o.Err != nil {
			return nil, b.told("", o.Err)
		}
		if id := idOf(path.Base(o.Key)); id != "" && o.Key == b.key(id) {
			all = append(all, object{id, o.Size, strings.Trim(o.ETag, `"`)})
		}
		if len(all) > maxObjects {
			break
		}
	}
	return all, nil
}

func (b bucket) open(ctx context.Context, id string) (io.ReadCloser, error) {
	body, _, _, err := minio.Core{Client: b.client}.GetObject(ctx, b.name, b.key(id), minio.GetObjectOptions{})
	if err != nil {
		return nil, b.told(id, err)
	}
	return body, nil
}

func (b bucket) put(ctx context.Context, id string, archive *os.File, moved func(int64)) error {
	info, err := archive.Stat()
	if err != nil {
		return err
	}
	o := minio.PutObjectOptions{ContentType: "application/zstd", DisableMultipart: true, Progress: &sent{moved: moved, most: info.Size()}}
	o.SetMatchETagExcept("*")
	_, err = b.client.PutObject(ctx, b.name, b.key(id), archive, info.Size(), o)
	if minio.ToErrorResponse(err).Code != "NotImplemented" {
		return b.told(id, err)
	}
	// A server that knows no conditions: those who come at the same moment are not told
	// apart.
	if _, err := b.client.StatObject(ctx, b.name, b.key(id), minio.StatObjectOptions{}); err == nil {
		return fs.ErrExist
	}
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = b.client.PutObject(ctx, b.name, b.key(id), archive, info.Size(), minio.PutObjectOptions{ContentType: "application/zstd", DisableMultipart: true})
	return b.told(id, err)
}

// sent tells how much of an archive was sent; what is sent anew after a fault counts
// once.
type sent struct {
	moved     func(int64)
	all, most int64
}

func (s *sent) Read(p []byte) (int, error) {
	if s.all = min(s.all+int64(len(p)), s.most); s.moved != nil {
		s.moved(s.all)
	}
	return len(p), nil
}

// probe asks for an object to be replaced that is not there: who may not write is
// denied, and who may has written nothing.
func (b bucket) probe(ctx context.Context) error {
	key := b.prefix + folderName + "/.aad-probe"
	var o minio.PutObjectOptions
	o.SetMatchETag("00000000000000000000000000000000")
	_, err := b.client.PutObject(ctx, b.name, key, strings.NewReader(""), 0, o)
	switch code := minio.ToErrorResponse(err).Code; {
	case err == nil: // a server that knows no conditions has taken it
		return b.told("", b.client.RemoveObject(ctx, b.name, key, minio.RemoveObjectOptions{}))
	case code == minio.PreconditionFailed, code == minio.NoSuchKey, code == "NotImplemented":
		return nil
	}
	return b.told("", err)
}
