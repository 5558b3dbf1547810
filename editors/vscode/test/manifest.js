// Run by node_test.go: which files package.json has the editor check, by the editor's own
// JSON service, and what it says of trust. stdin is a list of files as aad writes them.
const assert = require("assert");
const fs = require("fs");
const path = require("path");
const { getLanguageService, TextDocument } = require("vscode-json-languageservice");

const about = JSON.parse(fs.readFileSync("package.json", "utf8"));
const schemas = about.contributes.jsonValidation.map(({ fileMatch, url }) => {
  const file = path.join("../../schemas", path.basename(url));
  // As the editor does: a pattern that is not absolute may begin at any folder.
  return { uri: file, fileMatch: [fileMatch].flat().map((f) => (f.startsWith("/") ? f : "/" + f)), schema: JSON.parse(fs.readFileSync(file, "utf8")) };
});
const service = getLanguageService({});
service.configure({ validate: true, schemas });

// marks is what the editor has against a text in a file of that name.
async function marks(name, text) {
  const document = TextDocument.create("file://" + name, "json", 1, text);
  return (await service.doValidation(document, service.parseJSONDocument(document))).map((d) => d.message);
}

const wrong = '{"zzz": 1}';
const run = "/home/me/.aad/runs/2026-11-22-run";

async function main() {
  for (const name of [run + "/mentor_checkpoints/rubric_checkpoint.json", "/w/rubric.aad.json", "/home/me/.aad/settings.json"]) {
    assert.notDeepStrictEqual(await marks(name, wrong), [], name + " is not checked");
  }
  for (const name of [run + "/packages/task_one/rubric/rubric.json", "/w/rubric.json", "/w/model_checkpoint.json", "/w/.vscode/settings.json"]) {
    assert.deepStrictEqual(await marks(name, wrong), [], name + " is not aad's to check");
  }
  for (const file of JSON.parse(fs.readFileSync(0, "utf8"))) {
    assert.deepStrictEqual(await marks(file, fs.readFileSync(file, "utf8")), [], file);
    console.log("unmarked:", file);
  }
  for (const [name, setting] of Object.entries(about.contributes.configuration.properties)) {
    assert.strictEqual(setting.scope, "machine", name + " may be set by a folder");
    assert(about.capabilities.untrustedWorkspaces.restrictedConfigurations.includes(name), name);
  }
  for (const { command, when } of about.contributes.menus["editor/title"]) {
    assert.match(when, /^resourceDirname =~ \/mentor_checkpoints\$\/ && /, command);
  }
  console.log("all held");
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
