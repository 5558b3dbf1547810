package mcpserver

import (
	"testing"

	"aad/apprentice"
)

func TestAnAssetWithoutAPathIsNotTheCurrentFolder(t *testing.T) {
	if got, err := absolutePaths([]string{""}); apprentice.KindOf(err) != apprentice.Invalid {
		t.Errorf("it is taken as %v, %v", got, err)
	}
}
