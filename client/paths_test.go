package client_test

import (
	"path/filepath"
	"testing"

	"aad/apprentice"
	"aad/client"
)

func TestAnEmptyPathIsNotTheCurrentFolder(t *testing.T) {
	if got, err := client.AbsolutePaths("assets", []string{"a", ""}); apprentice.KindOf(err) != apprentice.Invalid {
		t.Errorf("it is taken as %v, %v", got, err)
	}
	here, err := filepath.Abs("a")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := client.AbsolutePaths("assets", []string{"a", "/b"}); err != nil || len(got) != 2 || got[0] != here || got[1] != "/b" {
		t.Errorf("they are %v, %v", got, err)
	}
}
