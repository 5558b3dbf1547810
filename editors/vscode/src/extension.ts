// What the extension adds to the editor: commands, the tree of runs, the live log and
// notices. Read activate first; aad.ts has the connection, answers.ts the questions.
import * as vscode from "vscode";
import { Aad, going, Run, RunEvent } from "./aad";
import { Answers } from "./answers";
import { Changes } from "./changes";
import { FileItem, RunItem, Runs } from "./tree";

const ended = new Set(["run_completed", "run_cancelled", "followup_completed"]);

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("aad");
  const settings = vscode.workspace.getConfiguration("aad");
  const aad = new Aad({
    socket: settings.get("socket"),
    command: settings.get("command"),
    onEvent: (event) => tell(event),
    onLive: () => renew(),
    onGone: () => {
      log.appendLine("the connection to aad is gone; it is tried anew");
      renew();
    },
  });
  const runs = new Runs(aad);
  const view = vscode.window.createTreeView("aad.runs", { treeDataProvider: runs });
  const answers = new Answers(aad);
  const changes = new Changes(aad);
  let told = ""; // the run of the log's last line

  function renew(): void {
    runs.refresh();
    void count(aad, view);
  }

  function tell(event: RunEvent): void {
    if (event.run_id !== told) {
      log.appendLine(event.run_id);
      told = event.run_id;
    }
    log.appendLine(`  ${new Date(event.created_at).toTimeString().slice(0, 8)}  ${event.message}`);
    runs.refresh();
    if (event.event_type.startsWith("checkpoint_") || ended.has(event.event_type)) {
      void count(aad, view);
    }
    if (event.event_type === "checkpoint_opened") {
      answers.notice(event.run_id).catch(fault);
    } else if (ended.has(event.event_type)) {
      vscode.window.setStatusBarMessage(`aad: ${event.message}`, 10000);
    }
  }

  const commands: Commands = {
    ...runCommands(aad, answers, changes),
    "aad.refresh": async () => renew(),
    "aad.more": async () => runs.more(),
    "aad.log": async () => log.show(true),
  };
  for (const [name, body] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(name, (item) => body(item instanceof RunItem ? item : undefined).catch(fault)));
  }
  context.subscriptions.push(
    vscode.commands.registerCommand("aad.artifact", (item) => openArtifact(aad, item).catch(fault)),
    view,
    changes,
    log,
    aad,
  );
  aad.watch().catch((e: Error) => log.appendLine(`${e.message}; it is tried anew`));
}

type Commands = Record<string, (item?: RunItem) => Promise<unknown>>;

// runCommands are what a person does with runs.
function runCommands(aad: Aad, answers: Answers, changes: Changes): Commands {
  return {
    "aad.submit": async () => submit(aad, await vscode.window.showInputBox({ prompt: "Task for the apprentice" })),
    "aad.submitSelection": async () => submit(aad, selection()),
    "aad.start": () => aad.call("ping"),
    "aad.diff": async (item) => changes.show(await chosen(aad, item)),
    "aad.checkpoint": (item) => answers.open(item),
    "aad.approve": (item) => answers.approve(item),
    "aad.revise": (item) => answers.revise(item),
    "aad.reject": (item) => answers.reject(item),
    "aad.answer": (item) => answers.answer(item),
    "aad.cancel": (item) => cancel(aad, item),
  };
}

// count shows on the view's icon how many questions wait.
async function count(aad: Aad, view: vscode.TreeView<unknown>): Promise<void> {
  const value = await aad.waiting().catch(() => 0);
  view.badge = value ? { value, tooltip: `${value} waiting for you` } : undefined;
}

// chosen is the run of a tree's item, else one that the person chooses.
async function chosen(aad: Aad, item: RunItem | undefined, fits: (run: Run) => boolean = () => true): Promise<Run | undefined> {
  if (item) {
    return item.run;
  }
  const picks = (await aad.runs()).filter(fits).map((run) => ({ label: run.title, description: run.queue_state, run }));
  if (!picks.length) {
    throw new Error("there is no such run");
  }
  return (await vscode.window.showQuickPick(picks, { placeHolder: "Run" }))?.run;
}

// selection is the text that is selected in the editor.
function selection(): string {
  const editor = vscode.window.activeTextEditor;
  const text = editor?.document.getText(editor.selection);
  if (!text?.trim()) {
    throw new Error("select the text of the task first; aad: Submit a Task asks for one");
  }
  return text;
}

async function submit(aad: Aad, text: string | undefined): Promise<void> {
  if (text?.trim()) {
    vscode.window.setStatusBarMessage(`aad: queued ${(await aad.submit(text)).run_id}`, 10000);
  }
}

async function cancel(aad: Aad, item: RunItem | undefined): Promise<void> {
  const run = await chosen(aad, item, (r) => going.has(r.queue_state));
  if (!run) {
    return;
  }
  const yes = { title: "Cancel the Run" };
  const no = { title: "Keep It", isCloseAffordance: true };
  if ((await vscode.window.showWarningMessage(`Cancel ${run.title}?`, { modal: true, detail: `It is ${run.queue_state}.` }, yes, no)) === yes) {
    await aad.call("run/cancel", { run_id: run.run_id });
  }
}

// openArtifact opens the file of a tree's item, else one of the run's that is chosen.
async function openArtifact(aad: Aad, item: unknown): Promise<void> {
  let [run, inside] = item instanceof FileItem ? [item.run, item.inside] : [(await chosen(aad, item instanceof RunItem ? item : undefined))?.run_id, "artifacts"];
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
