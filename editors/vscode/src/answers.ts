// What a person does with a question of a run: open its file, approve, reject, have
// revised, answer. Read Answers.asked first.
import * as fs from "fs";
import * as vscode from "vscode";
import { Aad, approving, Done, Question, rejecting, values } from "./aad";
import { RunItem } from "./tree";

export class Answers {
  private readonly busy = new Set<string>(); // runs whose next question is answered already

  constructor(private readonly aad: Aad) {}

  // notice tells that a run waits. Its words are the same for all questions of a run: the
  // editor then shows one notice, not one a question.
  async notice(run: string): Promise<void> {
    const q = this.busy.has(run) ? undefined : await this.aad.seen(run).catch(() => undefined);
    const button = "Open the Checkpoint";
    if (q && (await vscode.window.showInformationMessage(`aad: ${q.title} waits for you`, button)) === button) {
      await this.show(await this.aad.question(run));
    }
  }

  async open(item?: RunItem): Promise<void> {
    const q = await this.asked(item, false);
    if (q) {
      await this.show(q);
    }
  }

  async approve(item?: RunItem): Promise<void> {
    const q = await this.asked(item);
    if (q) {
      tell(await this.aad.resolve(q, { decision: offered(q, approving(q), "approval") }));
    }
  }

  async reject(item?: RunItem): Promise<void> {
    const q = await this.asked(item);
    const decision = q && offered(q, rejecting(q), "refusal");
    const why = decision && (await vscode.window.showInputBox({ prompt: `Why is ${q.stage} of ${q.title} ${decision}? (may be empty)` }));
    if (q && decision && why !== undefined) {
      tell(await this.aad.resolve(q, values(decision, why)));
    }
  }

  async revise(item?: RunItem): Promise<void> {
    const q = await this.asked(item);
    if (!q) {
      return;
    }
    if (q.stage !== "evaluation" && q.stage !== "revision") {
      throw new Error(`a ${q.stage} is not where a revision is asked for`);
    }
    const text = await vscode.window.showInputBox({ prompt: `What is to be changed in ${q.title}?` });
    if (!text?.trim()) {
      return;
    }
    this.busy.add(q.run_id);
    try {
      const done = this.aad.revise(q, text);
      vscode.window.setStatusBarMessage("aad: has it revised", done.then(undefined, () => undefined));
      tell(await done);
    } finally {
      this.busy.delete(q.run_id);
    }
  }

  async answer(item?: RunItem): Promise<void> {
    const q = await this.asked(item);
    const decision = q && (await vscode.window.showQuickPick(q.decisions, { title: `${q.title}: ${q.stage}`, placeHolder: q.how_to }));
    const prompt = decision === "failed" ? "Feedback for the apprentice (may be empty)" : "Notes (may be empty)";
    const remark = decision && (await vscode.window.showInputBox({ prompt }));
    if (q && decision && remark !== undefined) {
      tell(await this.aad.resolve(q, values(decision, remark)));
    }
  }

  // asked is the open question of a tree's item, else of the file that is edited, else
  // one that the person chooses. What is not saved in the file is not overlooked.
  private async asked(item?: RunItem, deciding = true): Promise<Question | undefined> {
    const questions = await this.aad.questions();
    const edited = vscode.window.activeTextEditor?.document;
    const here = questions.find((q) => q.path === edited?.uri.fsPath);
    const run = item?.run.run_id ?? here?.run_id;
    if (run) {
      const q = await this.aad.question(run);
      if (deciding && edited?.isDirty && q.path === edited.uri.fsPath) {
        throw new Error("the checkpoint's file has changes that are not saved: save it, or undo them");
      }
      return q;
    }
    if (!questions.length) {
      throw new Error("no run waits for you");
    }
    const picks = questions.map((q) => ({ label: q.title, description: q.stage, detail: q.asks, q }));
    return (await vscode.window.showQuickPick(picks, { placeHolder: "Run that waits for you", matchOnDescription: true }))?.q;
  }

  // show opens a question's file with the decision selected.
  private async show(q: Question): Promise<void> {
    // The file is written after the question is told: it may be a moment behind.
    for (let tries = 0; tries < 200 && !fs.existsSync(q.path); tries++) {
      await new Promise((go) => setTimeout(go, 50));
    }
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(q.path));
    const found = /"decision":\s*"([^"]*)"/.exec(document.getText());
    const end = found ? found.index + found[0].length - 1 : 0;
    const value = new vscode.Range(document.positionAt(end - (found?.[1].length ?? 0)), document.positionAt(end));
    await vscode.window.showTextDocument(document, { selection: value, preview: false });
    vscode.window.setStatusBarMessage(q.how_to, 15000);
  }
}

function offered(q: Question, decision: string | undefined, what: string): string {
  if (!decision) {
    throw new Error(`a ${q.stage} has no ${what}: decide ${q.decisions.join(" or ")}`);
  }
  return decision;
}

function tell(done: Done): void {
  vscode.window.setStatusBarMessage(`aad: ${done.stage}: ${done.decision}`, 10000);
}
