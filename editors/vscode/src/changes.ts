// What the last attempt of a run changed, as a page that cannot be edited: closing it
// asks for no name.
import * as vscode from "vscode";
import { Aad, Run } from "./aad";

interface FileDiff {
  path: string;
  change: string;
  diff?: string;
}

const scheme = "aad-changes";

export class Changes implements vscode.TextDocumentContentProvider {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly texts = new Map<string, string>();
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(scheme, this);

  constructor(private readonly aad: Aad) {}

  async show(run: Run | undefined): Promise<void> {
    if (!run) {
      return;
    }
    const { files } = await this.aad.call<{ files?: FileDiff[] }>("run/diff", { run_id: run.run_id });
    if (!files?.length) {
      throw new Error("the last attempt has changed nothing");
    }
    const page = vscode.Uri.from({ scheme, path: `/${run.run_id}.diff` });
    this.texts.set(page.path, files.map((f) => `${f.change} ${f.path}\n${f.diff ?? ""}`).join("\n"));
    this.changed.fire(page);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(page));
  }

  provideTextDocumentContent(page: vscode.Uri): string {
    return this.texts.get(page.path) ?? "";
  }

  dispose(): void {
    this.registered.dispose();
    this.changed.dispose();
  }
}
