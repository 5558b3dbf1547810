// What the extension adds to the editor: commands, the tree of runs, the live log and
// notices. Read activate first; aad.ts has the connection.
import * as fs from "fs";
import * as vscode from "vscode";
import { Aad, approving, Question, revising, Run, RunEvent } from "./aad";
import { FileItem, RunItem, Runs } from "./tree";

interface FileDiff {
  path: string;
  change: string;
  diff?: string;
}

const ended = new Set(["run_completed", "run_cancelled", "followup_completed"]);

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("aad");
  const settings = vscode.workspace.getConfiguration("aad");
  const aad = new Aad({
    socket: settings.get("socket"),
    command: settings.get("command"),
    onEvent: (event) => tell(event),
    onGone: () => log.appendLine("the connection to aad is gone; it is tried anew"),
  });
  const runs = new Runs(aad);
  let told = ""; // the run of the log's last line

  function tell(event: RunEvent): void {
    if (event.run_id !== told) {
      log.appendLine(event.run_id);
      told = event.run_id;
    }
    log.appendLine(`  ${event.created_at.slice(11, 19)}  ${event.message}`);
    runs.refresh();
    if (event.event_type === "checkpoint_opened") {
      void notice(event);
    } else if (ended.has(event.event_type)) {
      vscode.window.setStatusBarMessage(`aad: ${event.message}`, 10000);
    }
  }

  async function notice(event: RunEvent): Promise<void> {
    const open = "Open the Checkpoint";
    if ((await vscode.window.showInformationMessage(`aad: ${event.message} (${event.run_id})`, open)) === open) {
      await openCheckpoint(event.run_id);
    }
  }

  // chosen is the run of a tree's item, else one that the person chooses.
  async function chosen(item: RunItem | undefined, state?: string): Promise<string | undefined> {
    if (item) {
      return item.run.run_id;
    }
    const all = (await aad.runs()).filter((r: Run) => !state || r.queue_state === state);
    const picks = all.map((r) => ({ label: r.title, description: r.queue_state, run: r.run_id }));
    return (await vscode.window.showQuickPick(picks, { placeHolder: "Run" }))?.run;
  }

  async function openCheckpoint(run: string): Promise<void> {
    const q = await aad.question(run);
    // The file is written after the question is told: it may be a moment behind.
    for (let tries = 0; tries < 200 && !fs.existsSync(q.path); tries++) {
      await new Promise((go) => setTimeout(go, 50));
    }
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(q.path));
    const found = /"decision":\s*"([^"]*)"/.exec(document.getText());
    const end = found ? found.index + found[0].length - 1 : 0;
    const value = new vscode.Range(document.positionAt(end - (found?.[1].length ?? 0)), document.positionAt(end));
    await vscode.window.showTextDocument(document, { selection: value });
    vscode.window.setStatusBarMessage(q.how_to, 15000);
  }

  async function answer(q: Question, values: Record<string, unknown>): Promise<void> {
    const done = await aad.resolve(q, values);
    vscode.window.setStatusBarMessage(`aad: ${q.stage} is ${done.decision}`, 10000);
  }

  async function submit(text: string | undefined): Promise<void> {
    if (!text?.trim()) {
      return;
    }
    const run = await aad.submit(text);
    vscode.window.setStatusBarMessage(`aad: queued ${run.run_id}`, 10000);
  }

  const commands: Record<string, (item?: RunItem) => Promise<unknown>> = {
    "aad.submit": async () => submit(await vscode.window.showInputBox({ prompt: "Task for the apprentice" })),
    "aad.submitSelection": async () => {
      const editor = vscode.window.activeTextEditor;
      await submit(editor?.document.getText(editor.selection));
    },
    "aad.refresh": async () => runs.refresh(),
    "aad.log": async () => log.show(true),
    "aad.diff": async (item) => {
      const run = await chosen(item);
      if (!run) {
        return;
      }
      const diff = await aad.call<{ files: FileDiff[] }>("run/diff", { run_id: run });
      const text = diff.files.map((f) => `${f.change} ${f.path}\n${f.diff ?? ""}`).join("\n");
      await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content: text, language: "diff" }));
    },
    "aad.checkpoint": async (item) => {
      const run = await chosen(item, "waiting");
      return run && openCheckpoint(run);
    },
    "aad.approve": async (item) => {
      const run = await chosen(item, "waiting");
      const q = run ? await aad.question(run) : undefined;
      if (!q) {
        return;
      }
      const decision = approving(q);
      if (!decision) {
        throw new Error(`a ${q.stage} has no approval: choose an answer`);
      }
      await answer(q, { decision });
    },
    "aad.revise": async (item) => {
      const run = await chosen(item, "waiting");
      const q = run ? await aad.question(run) : undefined;
      if (!q) {
        return;
      }
      if (!revising(q.stage, "")) {
        throw new Error(`a ${q.stage} is not where a revision is asked for`);
      }
      const text = await vscode.window.showInputBox({ prompt: "What is to be changed?" });
      const values = text && revising(q.stage, text);
      if (values) {
        await answer(q, values);
      }
    },
    "aad.answer": async (item) => {
      const run = await chosen(item, "waiting");
      const q = run ? await aad.question(run) : undefined;
      const decision = q && (await vscode.window.showQuickPick(q.decisions, { placeHolder: q.how_to }));
      if (!q || !decision) {
        return;
      }
      const notes = await vscode.window.showInputBox({ prompt: "Notes (may be empty)" });
      if (notes !== undefined) {
        await answer(q, notes ? { decision, notes } : { decision });
      }
    },
    "aad.cancel": async (item) => {
      const run = await chosen(item);
      return run && aad.call("run/cancel", { run_id: run });
    },
  };
  for (const [name, body] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(name, (item) => body(item instanceof RunItem ? item : undefined).catch(fault)));
  }
  context.subscriptions.push(
    vscode.commands.registerCommand("aad.artifact", (item) => openArtifact(aad, item, chosen).catch(fault)),
    vscode.window.registerTreeDataProvider("aad.runs", runs),
    log,
    aad,
  );
  aad.watch().catch((e: Error) => log.appendLine(e.message));
}

// openArtifact opens the file of a tree's item, else one of the run's that is chosen.
async function openArtifact(aad: Aad, item: unknown, chosen: (item?: RunItem) => Promise<string | undefined>): Promise<void> {
  let [run, inside] = item instanceof FileItem ? [item.run, item.inside] : [await chosen(item instanceof RunItem ? item : undefined), "artifacts"];
  while (run) {
    const file: { dir?: boolean; absolute: string; entries?: { name: string }[] } = await aad.call("run/file", { run_id: run, path: inside });
    if (!file.dir) {
      await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(file.absolute));
      return;
    }
    const name = await vscode.window.showQuickPick((file.entries ?? []).map((e) => e.name), { placeHolder: inside });
    if (!name) {
      return;
    }
    inside += "/" + name;
  }
}

function fault(e: Error): void {
  void vscode.window.showErrorMessage(`aad: ${e.message}`);
}

export function deactivate(): void {
  // What activate has pushed is disposed of by the editor.
}
