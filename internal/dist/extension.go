package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	extensionDir = "editors/vscode"

	vsixTypes = `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="json" ContentType="application/json"/><Default Extension="js" ContentType="application/javascript"/><Default Extension="md" ContentType="text/markdown"/><Default Extension="svg" ContentType="image/svg+xml"/><Default Extension="txt" ContentType="text/plain"/><Default Extension="ts" ContentType="text/plain"/><Default Extension="vsixmanifest" ContentType="text/xml"/></Types>
`
	vsixManifest = `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011" xmlns:d="http://schemas.microsoft.com/developer/vsx-schema-design/2011">
  <Metadata>
    <Identity Language="en-US" Id="@NAME@" Version="@VERSION@" Publisher="@PUBLISHER@"/>
    <DisplayName>@DISPLAY@</DisplayName>
    <Description xml:space="preserve">@DESCRIPTION@</Description>
    <Properties><Property Id="Microsoft.VisualStudio.Code.Engine" Value="@ENGINE@"/></Properties>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
  <Dependencies/>
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/README.md" Addressable="true"/>
  </Assets>
</PackageManifest>
`
)

// packExtension writes aad.vsix: the compiled extension, the one library that it
// runs with, and the schemas.
func (r *release) packExtension() error {
	var about struct {
		Name, DisplayName, Description, Version, Publisher string
		Engines                                            struct{ VSCode string }
		Dependencies                                       map[string]string
	}
	data, err := os.ReadFile(filepath.Join(extensionDir, "package.json"))
	if err == nil {
		err = json.Unmarshal(data, &about)
	}
	if err != nil {
		return fmt.Errorf("read the extension's package.json: %w", err)
	}
	manifest := strings.NewReplacer("@NAME@", about.Name, "@VERSION@", about.Version, "@PUBLISHER@", about.Publisher,
		"@DISPLAY@", about.DisplayName, "@DESCRIPTION@", about.Description, "@ENGINE@", about.Engines.VSCode).Replace(vsixManifest)
	work, err := os.MkdirTemp("", "aad-vsix")
	if err != nil {
		return fmt.Errorf("make a folder to work in: %w", err)
	}
	defer os.RemoveAll(work)
	var files []file
	for name, text := range map[string]string{"[Content_Types].xml": vsixTypes, "extension.vsixmanifest": manifest} {
		path := filepath.Join(work, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the extension's manifest: %w", err)
		}
	}
	for _, name := range []string{"[Content_Types].xml", "extension.vsixmanifest"} {
		files = append(files, file{name, filepath.Join(work, name), 0o644})
	}
	for _, name := range []string{"package.json", "README.md", "LICENSE", "aad.svg"} {
		files = append(files, file{"extension/" + name, filepath.Join(extensionDir, name), 0o644})
	}
	more, err := filesIn("schemas", "extension/schemas", tracked)
	if err != nil {
		return err
	}
	files = append(files, more...)
	folders := []string{"out"}
	for _, name := range slices.Sorted(maps.Keys(about.Dependencies)) {
		folders = append(folders, "node_modules/"+name)
	}
	for _, name := range folders {
		more, err := filesIn(filepath.Join(extensionDir, name), "extension/"+name, regular)
		if err != nil {
			return err
		}
		files = append(files, more...)
	}
	return r.writeZip("aad.vsix", "", files)
}
