// Package ecosystem shares contribution bundles: in a plain folder, a git repository
// or a bucket that speaks S3. A shared bundle is one archive, bundles/<bundle_id>.tar.zst,
// which is there whole or not at all, and is never altered.
//
// It decides nothing about what may be shared, never alters a bundle, and believes
// nothing of what others have put into a place. Read Open first, then
// Ecosystem.Contribute, Ecosystem.List and Ecosystem.Pull.
package ecosystem
