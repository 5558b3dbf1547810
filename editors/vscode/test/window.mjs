// Drives the extension in the window of a real VS Code (code-server) as a person does,
// against a real aad, and keeps screenshots: .ci/vscode starts all of it. Read play first.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";

const [address, modules, shots] = process.argv.slice(2);
const { chromium } = createRequire(modules + "/")("playwright-core");
const quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const patience = 120000; // milliseconds until what must come is given up
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: quiet });
const page = await browser.newPage({ viewport: { width: 1100, height: 700 } });
page.setDefaultTimeout(patience);
mkdirSync(shots, { recursive: true });

const aa = (...args) => execFileSync("aa", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
const runs = () => JSON.parse(aa("rpc", "run/list", "{}")).runs;
const row = (text) => page.locator(".pane-body .monaco-list-row", { hasText: text }).first();
const report = () => page.locator('.pane-body .monaco-list-row[aria-level="2"]', { hasText: "report.md" });
const editor = (text) => page.locator(".editor-instance .view-lines", { hasText: text }).first();
const badge = () => page.locator(".activitybar .badge-content", { hasText: "1" });
const toast = (text) => page.locator(".notification-toast", { hasText: text });
const status = (text) => page.locator(".statusbar", { hasText: text }).waitFor();

let shown = 0;
async function shot(name) {
  await page.screenshot({ path: `${shots}/${++shown}-${name}.png` });
  console.log("held:", name);
}

// asks is the question that the run waits with; undefined while it waits for nobody.
function asks(run) {
  try {
    return JSON.parse(aa("rpc", "checkpoint/get", JSON.stringify({ run_id: run }))).info.stage;
  } catch {
    return undefined;
  }
}

async function until(what, test) {
  for (const end = Date.now() + patience; !test(); ) {
    if (Date.now() > end) {
      throw new Error("never: " + what);
    }
    await page.waitForTimeout(100);
  }
}

// waits is until the run asks for the stage, and the tree says so.
async function waits(run, stage) {
  await until(stage + " is asked", () => asks(run) === stage);
  await row("asks: " + stage).waitFor();
}

// press presses a key until what it opens is there: the window drops keys while it is busy.
async function press(key, opened) {
  for (const end = Date.now() + patience; ; ) {
    await page.keyboard.press(key);
    const there = await opened.waitFor({ timeout: 5000 }).then(() => true, () => false);
    if (there) {
      return;
    }
    if (Date.now() > end) {
      throw new Error(key + " opens nothing");
    }
  }
}

// command runs one of the palette's, once it is listed first.
async function command(name) {
  const input = page.locator(".quick-input-widget input[type=text]").first();
  await press("F1", input);
  await input.fill(">" + name);
  await page.locator(".quick-input-list .monaco-list-row.focused", { hasText: name }).waitFor();
  await page.keyboard.press("Enter");
}

// choose takes what is listed first, once the list is no longer that of commands.
async function choose(text) {
  await page.locator(".quick-input-list .monaco-list-row.focused", { hasText: text, hasNotText: "aad: " }).waitFor();
  await page.keyboard.press("Enter");
}

// say answers the box that asks for a line.
async function say(prompt, text, name) {
  await page.locator(".quick-input-widget", { hasText: prompt }).waitFor();
  await page.locator(".quick-input-widget input").first().fill(text);
  if (name) {
    await shot(name);
  }
  await page.keyboard.press("Enter");
}

async function submit(task) {
  await command("aad: Submit a Task");
  await say("Task for the apprentice", task);
  await row(task).waitFor();
  await until("the run is listed", () => runs().some((r) => r.title === task));
  return runs().find((r) => r.title === task).run_id;
}

// edit answers in the file: a wrong decision is marked, a right one is completed.
async function edit() {
  await editor("task_intake").waitFor();
  await status("Ln 3"); // the decision's value is selected
  await page.keyboard.type("bogus");
  await page.locator(".editor-instance .squiggly-warning").first().waitFor({ state: "attached" });
  await command("Problems: Focus on Problems View");
  await page.locator(".panel", { hasText: "Value is not accepted" }).first().waitFor();
  await shot("refused");
  await command("View: Focus Active Editor Group");
  for (const _ of "bogus") {
    await page.keyboard.press("Backspace");
  }
  await press("Control+Space", page.locator(".suggest-widget .monaco-list-row.focused", { hasText: "confirmed" }));
  await shot("completes");
  await page.keyboard.press("Enter");
  await editor('"decision": "confirmed"').waitFor();
  await page.keyboard.press("Control+s");
}

// revise asks for revisions in both places that take one, and sees the feedback in
// what the next attempt delivers: the agent writes down what it was told.
async function revise(run) {
  await command("aad: Open the Checkpoint");
  await choose("evaluation");
  await editor('"failed_criteria"').waitFor();
  await page.locator('.editor-actions a[aria-label="Ask for a Revision"]').click();
  await say("What is to be changed", "TELL: say more", "revise");
  await until("a second attempt is evaluated", () => asks(run) === "evaluation" && runs()[0].current_loop === 2);
  await row("Write report.md").click({ button: "right" });
  await page.locator(".monaco-menu .action-label", { hasText: "Ask for a Revision" }).waitFor();
  await shot("menu");
  await page.keyboard.press("Escape");
  await row("Write report.md").click();
  await report().click();
  await editor("TELL: say more").waitFor();
  await shot("feedback-arrives");
  await command("aad: Show What the Last Attempt Changed");
  await choose("Write report.md");
  await editor("+TELL: say more").waitFor();
  await shot("changes");

  await command("aad: Reject");
  await choose("evaluation");
  await say("Why is evaluation", "TELL: not enough");
  await waits(run, "revision");
  await command("aad: Ask for a Revision");
  await choose("revision");
  await say("What is to be changed", "TELL: name the sources");
  await until("a third attempt is evaluated", () => asks(run) === "evaluation" && runs()[0].current_loop === 3);
  await report().click();
  await editor("TELL: name the sources").waitFor();
}

// away has no aad: the window says so, and starts it only when it is told to.
async function away() {
  aa("daemon", "stop");
  await page.goto(address);
  await page.locator('.activitybar a[aria-label^="aad"]').click();
  const empty = page.locator(".welcome-view-content");
  await empty.filter({ hasText: "aad does not run" }).waitFor();
  await shot("away");
  await page.waitForTimeout(3000);
  await empty.filter({ hasText: "aad does not run" }).waitFor();
  await empty.locator(".monaco-button", { hasText: "Start aad" }).click();
  await empty.filter({ hasText: "Nothing has been handed" }).waitFor();
}

async function play() {
  await away();
  await command("aad: Show the Live Log");
  const run = await submit("Write report.md");
  await toast("Write report.md waits for you").waitFor();
  await page.locator(".panel .view-lines", { hasText: "Run started" }).first().waitFor();
  await waits(run, "task_intake");
  await shot("waits");

  await toast("waits for you").locator(".monaco-button", { hasText: "Open the Checkpoint" }).click();
  await edit();
  await waits(run, "rubric");
  await row("asks: rubric").hover();
  await row("asks: rubric").locator('a[aria-label="Open the Checkpoint"]').click();
  await editor('"rubric_refs"').waitFor();
  await shot("rubric");
  await page.locator('.editor-actions a[aria-label="Approve"]').click();
  await waits(run, "evaluation");

  await revise(run);
  await command("aad: Approve");
  await choose("evaluation");
  await waits(run, "final_approval");
  await command("aad: Answer");
  await choose("final_approval");
  await choose("confirmed");
  await say("Notes (may be empty)", "well done");
  await row("completed").waitFor();
  await command("aad: Show the Live Log");
  await page.locator(".panel .view-lines", { hasText: "Run completed" }).first().waitFor();
  await shot("completed");

  const second = await submit("Write a novel");
  await waits(second, "task_intake");
  await command("aad: Reject");
  await choose("Write a novel");
  await say("Why is task_intake", "out of scope");
  await row("failed").waitFor();
  await shot("rejected");
  await cancel();
}

// cancel ends a run that was submitted from the editor's text.
async function cancel() {
  await report().click();
  await editor("TELL").click();
  await command("aad: Submit the Selection as a Task");
  await toast("select the text of the task first").waitFor();
  await editor("TELL").click();
  await page.keyboard.press("Control+a");
  await command("aad: Submit the Selection as a Task");
  await until("a third run is listed", () => runs().length === 3);
  await waits(runs()[0].run_id, "task_intake");
  await badge().waitFor();
  await command("aad: Cancel");
  await choose("waiting");
  await page.locator(".monaco-dialog-box").waitFor();
  await shot("cancel");
  await page.locator(".monaco-dialog-box .monaco-button", { hasText: "Cancel the Run" }).click();
  await row("cancelled").waitFor();
  await badge().waitFor({ state: "hidden" });
  await shot("cancelled");
}

// more has more runs than the tree shows at first: the oldest comes with "more…".
async function more() {
  aa("rpc", "queue/pause", "{}");
  for (let n = 1; n <= 60; n++) {
    aa("rpc", "run/submit", JSON.stringify({ instruction: `Count to ${n}` }));
  }
  await row("Count to 60").click();
  await page.keyboard.press("End");
  await row("more…").click();
  await row("Count to 60").waitFor({ state: "detached" });
  await press("End", row("Write report.md"));
  await shot("more");
}

try {
  await play();
  await more();
  console.log("window: all held; screenshots are in " + shots);
} catch (e) {
  await shot("failed");
  throw e;
} finally {
  await browser.close();
}
