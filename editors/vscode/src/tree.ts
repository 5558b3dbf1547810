// The tree of runs: the newest runs, and below each what it has delivered.
import * as vscode from "vscode";
import { Aad, Run } from "./aad";

interface Entry {
  name: string;
  dir?: boolean;
}

interface Listing {
  entries?: Entry[];
  dir?: boolean;
  absolute: string;
}

export class FileItem extends vscode.TreeItem {
  constructor(readonly run: string, readonly inside: string, entry: Entry) {
    super(entry.name, entry.dir ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None);
    this.iconPath = entry.dir ? vscode.ThemeIcon.Folder : vscode.ThemeIcon.File;
    if (!entry.dir) {
      this.command = { command: "aad.artifact", title: "Open", arguments: [this] };
    }
  }
}

const icons: Record<string, string> = {
  queued: "clock", deferred: "clock", running: "sync", waiting: "question", completed: "check", partial: "warning", failed: "error", cancelled: "circle-slash",
};

export class RunItem extends vscode.TreeItem {
  constructor(readonly run: Run) {
    super(run.title, vscode.TreeItemCollapsibleState.Collapsed);
    this.id = run.run_id;
    this.contextValue = "run." + run.queue_state;
    const score = typeof run.final_score === "number" ? " " + run.final_score.toFixed(2) : "";
    const state = run.checkpoint ? `asks: ${run.checkpoint.stage}` : run.queue_state;
    this.description = `${state} ${run.verdict ?? ""}${score}`.trim();
    this.tooltip = `${run.title}\n${this.description}: ${run.latest_message}\n${run.run_id}`;
    this.iconPath = new vscode.ThemeIcon(icons[run.queue_state] ?? "circle");
  }
}

export class Runs implements vscode.TreeDataProvider<RunItem | FileItem> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private due: NodeJS.Timeout | undefined;

  constructor(private readonly aad: Aad) {}

  // refresh reads the runs anew, once for all events that come together.
  refresh(): void {
    this.due ??= setTimeout(() => {
      this.due = undefined;
      this.changed.fire();
    }, 150);
  }

  getTreeItem(item: RunItem | FileItem): vscode.TreeItem {
    return item;
  }

  async getChildren(item?: RunItem | FileItem): Promise<(RunItem | FileItem)[]> {
    if (!item) {
      return (await this.aad.runs()).map((run) => new RunItem(run));
    }
    const [run, inside] = item instanceof RunItem ? [item.run.run_id, "artifacts"] : [item.run, item.inside];
    const listing = await this.aad.call<Listing>("run/file", { run_id: run, path: inside }).catch(() => undefined);
    return (listing?.entries ?? []).map((e) => new FileItem(run, `${inside}/${e.name}`, e));
  }
}
