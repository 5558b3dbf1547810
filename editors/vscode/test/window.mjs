// Drives the extension in the window of a real VS Code (code-server) as a person does,
// against a real aad, and keeps screenshots: .ci/vscode starts all of it.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";

const [address, modules, shots] = process.argv.slice(2);
const { chromium } = createRequire(modules + "/")("playwright-core");
const quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: quiet });
const page = await browser.newPage({ viewport: { width: 1100, height: 700 } });
page.setDefaultTimeout(60000);
mkdirSync(shots, { recursive: true });

const shot = (name) => page.screenshot({ path: `${shots}/${name}.png` });
const aa = (...args) => execFileSync("aa", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

// asks is the question that the run waits with; undefined while it waits for nobody.
function asks(run) {
  try {
    return JSON.parse(aa("rpc", "checkpoint/get", JSON.stringify({ run_id: run }))).info.stage;
  } catch {
    return undefined;
  }
}

// command runs one of the palette's, once it is listed first.
async function command(name) {
  await page.keyboard.press("F1");
  const input = page.locator(".quick-input-widget input[type=text]").first();
  await input.fill(">" + name);
  await page.locator(".quick-input-list .monaco-list-row.focused", { hasText: name }).waitFor();
  await page.keyboard.press("Enter");
}

// say answers the box that asks for a line.
async function say(prompt, text) {
  await page.locator(".quick-input-widget", { hasText: prompt }).waitFor();
  await page.locator(".quick-input-widget input").first().fill(text);
}

async function until(what, test) {
  for (let tries = 0; !test(); tries++) {
    if (tries === 100) {
      throw new Error("never: " + what);
    }
    await page.waitForTimeout(100);
  }
}

// choose takes the first run that is listed, which is ours.
async function choose() {
  await page.locator(".quick-input-list .monaco-list-row.focused", { hasText: "Write report.md" }).waitFor();
  await page.keyboard.press("Enter");
}

try {
  await page.goto(address);
  await page.locator('.activitybar a[aria-label="aad"]').click();
  await page.locator(".welcome-view-content", { hasText: "Nothing has been handed" }).waitFor();
  await command("View: Close Secondary Side Bar").catch(() => page.keyboard.press("Escape"));

  await command("aad: Show the Live Log");
  await command("aad: Submit a Task");
  await say("Task for the apprentice", "Write report.md");
  await page.keyboard.press("Enter");
  await page.locator(".pane-body .monaco-list-row", { hasText: "Write report.md" }).waitFor();
  await page.locator(".notification-toast", { hasText: "Waits for a person: task_intake" }).waitFor();
  await page.locator(".panel .view-lines", { hasText: "Run started" }).first().waitFor();
  const run = JSON.parse(aa("rpc", "run/list", "{}")).runs[0].run_id;
  await shot("1-waits");

  await page.locator(".notification-toast .monaco-button", { hasText: "Open the Checkpoint" }).click();
  await page.locator(".editor-instance .view-lines", { hasText: "task_intake" }).first().waitFor();
  await page.locator(".statusbar", { hasText: "Ln 3" }).waitFor(); // the decision's value is selected
  await page.keyboard.type("bogus");
  await page.locator(".editor-instance .squiggly-warning").first().waitFor({ state: "attached" });
  await command("Problems: Focus on Problems View");
  await page.locator(".panel", { hasText: "Value is not accepted" }).first().waitFor();
  await shot("2-refused");
  await command("View: Focus Active Editor Group");
  for (const _ of "bogus") {
    await page.keyboard.press("Backspace");
  }
  await page.keyboard.press("Control+Space");
  await page.locator(".suggest-widget .monaco-list-row", { hasText: "confirmed" }).waitFor();
  await shot("3-completes");
  await page.keyboard.press("Escape");
  await page.keyboard.type("confirmed");
  await page.keyboard.press("Control+s");
  await until("the saved answer is taken", () => asks(run) === "rubric");

  await command("aad: Approve");
  await choose();
  await until("the attempt is to be evaluated", () => asks(run) === "evaluation");
  await command("aad: Ask for a Revision");
  await choose();
  await say("What is to be changed?", "say more");
  await shot("4-revise");
  await page.keyboard.press("Enter");
  await until("the revision is asked about", () => ![undefined, "evaluation"].includes(asks(run)));
  await page.locator(".pane-body .monaco-list-row", { hasText: "Write report.md" }).click();
  await page.locator(".pane-body .monaco-list-row", { hasText: "artifacts" }).or(page.locator(".pane-body .monaco-list-row", { hasText: "report.md" })).first().waitFor();
  await command("aad: Show the Live Log");
  await shot("5-goes-on");
  console.log("window: all held; screenshots are in " + shots);
} catch (e) {
  await shot("failed");
  throw e;
} finally {
  await browser.close();
}
