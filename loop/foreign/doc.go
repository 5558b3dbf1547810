// Package foreign reads run folders that were made elsewhere: by the aad of another
// home, by an older one, or by another tool of the family. It holds every file that it
// knows against its format and all of them against each other, and tells what a
// database is to know of the run.
//
// It believes nothing that a folder says, follows no link, bounds what it reads, and
// alters nothing. Read Read first.
package foreign
