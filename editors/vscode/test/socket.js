// Run by editors_test.go in Node against a real aad: the extension's connection, by
// vscode-jsonrpc, submits, watches, answers checkpoints, and comes back after a restart.
const assert = require("assert");
const cp = require("child_process");
const { Aad, approving, rejecting } = require("../out/aad");

const events = [];
let losses = 0;
const aad = new Aad({ command: "aa", onEvent: (e) => events.push(e), onGone: () => losses++ });

// until waits for what must come.
async function until(what, test) {
  const end = Date.now() + 60000;
  while (!(await test())) {
    assert(Date.now() < end, `never: ${what}\n${JSON.stringify(events.slice(-5))}`);
    await new Promise((go) => setTimeout(go, 20));
  }
  console.log("held:", what);
}

const has = (run, type) => () => events.some((e) => e.run_id === run && e.event_type === type);

async function main() {
  await aad.watch();
  const first = await aad.submit("echo hello > artifacts/greeting.txt");
  await until("a submitted run ends, and the watch tells", has(first.run_id, "run_completed"));
  const file = await aad.call("run/file", { run_id: first.run_id, path: "artifacts/greeting.txt" });
  assert.strictEqual(file.text, "hello\n");

  await assert.rejects(aad.call("run/get", { run_id: "none" }), /aa list|no run/);

  await aad.call("settings/set", { key: "mentor_mode", value: "expert_led" });
  const asked = await aad.submit("date > artifacts/now.txt");
  for (const stage of ["task_intake", "rubric"]) {
    await until(`${stage} is asked`, async () => (await aad.question(asked.run_id).catch(() => ({}))).stage === stage);
    const q = await aad.question(asked.run_id);
    assert.strictEqual((await aad.resolve(q, { decision: approving(q) })).decision, "confirmed");
    await assert.rejects(aad.resolve(q, { decision: "rejected" }), /./, "an answer to an old question is taken");
  }
  await until("the attempt is evaluated", async () => (await aad.question(asked.run_id).catch(() => ({}))).stage === "evaluation");
  await assert.rejects(aad.revise({ run_id: asked.run_id, stage: "rubric" }, "more"), /only an attempt/);
  assert.strictEqual((await aad.revise(await aad.question(asked.run_id), "add the year")).decision, "revise");
  await until("the run is revised", has(asked.run_id, "revision_completed"));

  const refused = await aad.submit("echo no > artifacts/no.txt");
  await until("another is asked about", async () => (await aad.questions()).some((q) => q.run_id === refused.run_id));
  const q = await aad.question(refused.run_id);
  await aad.resolve(q, { decision: rejecting(q) });
  await until("a rejected task ends its run", has(refused.run_id, "run_completed"));

  cp.execFileSync("aa", ["daemon", "restart"], { stdio: "ignore" });
  await until("the loss is noticed", () => losses === 1);
  await aad.call("settings/set", { key: "mentor_mode", value: "checks" });
  const last = await aad.submit("echo bye > artifacts/bye.txt");
  await until("after a restart the watch goes on", has(last.run_id, "run_completed"));

  cp.execFileSync("aa", ["daemon", "stop"], { stdio: "ignore" });
  await until("a stop is noticed", () => losses === 2);
  await new Promise((go) => setTimeout(go, 2500)); // the watch has tried to come back
  assert.throws(() => cp.execFileSync("aa", ["--no-autostart", "list"], { stdio: "ignore" }), "a watch has started aad that was stopped");
  await aad.runs();
  console.log("held: a stopped aad stays stopped until it is wanted");
  aad.dispose();
  console.log("all held");
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
