// The tree of runs: those that wait for a person, then the newest, and below each what
// it has delivered. Read Runs.getChildren first.
import * as vscode from "vscode";
import { Aad, page, Run } from "./aad";

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

class MoreItem extends vscode.TreeItem {
  constructor() {
    super("more…", vscode.TreeItemCollapsibleState.None);
    this.id = "more";
    this.command = { command: "aad.more", title: "Show Older Runs" };
  }
}

type Item = RunItem | FileItem | MoreItem;

export class Runs implements vscode.TreeDataProvider<Item> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private due: NodeJS.Timeout | undefined;
  private room = page; // of the newest runs; more… adds a page

  constructor(private readonly aad: Aad) {}

  // refresh reads the runs anew, once for all events that come together.
  refresh(): void {
    this.due ??= setTimeout(() => {
      this.due = undefined;
      this.changed.fire();
    }, 150);
  }

  more(): void {
    this.room += page;
    this.changed.fire();
  }

  getTreeItem(item: Item): vscode.TreeItem {
    return item;
  }

  async getChildren(item?: Item): Promise<Item[]> {
    if (!item) {
      return this.top();
    }
    if (item instanceof MoreItem) {
      return [];
    }
    const [run, inside] = item instanceof RunItem ? [item.run.run_id, "artifacts"] : [item.run, item.inside];
    const listing = await this.aad.look<Listing>("run/file", { run_id: run, path: inside }).catch(() => undefined);
    return (listing?.entries ?? []).map((e) => new FileItem(run, `${inside}/${e.name}`, e));
  }

  // top sets what an empty tree says: aad.state, by which package.json chooses it.
  private async top(): Promise<Item[]> {
    const found = await this.aad.newest(this.room).catch(() => undefined);
    void vscode.commands.executeCommand("setContext", "aad.state", found ? "reached" : "away");
    const runs = (found?.runs ?? []).map((run) => new RunItem(run));
    return found?.more ? [...runs, new MoreItem()] : runs;
  }
}
