// Run by editors_test.go in Node against a real aad: the extension's connection, by
// vscode-jsonrpc, submits, watches, answers checkpoints, and comes back after a restart.
// Read main last; an error that nobody catches ends the test, as it would the editor.
const assert = require("assert");
const cp = require("child_process");
const { Aad, approving, page, rejecting } = require("../out/aad");

const events = [];
let losses = 0;
const aad = new Aad({ command: "aa", onEvent: (e) => events.push(e), onGone: () => losses++ });
const quietly = (...args) => cp.execFileSync("aa", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
const pause = (ms) => new Promise((go) => setTimeout(go, ms));

// until waits for what must come.
async function until(what, test) {
  const end = Date.now() + 60000;
  while (!(await test())) {
    assert(Date.now() < end, `never: ${what}\n${JSON.stringify(events.slice(-5))}`);
    await pause(20);
  }
  console.log("held:", what);
}

const has = (run, type) => () => events.some((e) => e.run_id === run && e.event_type === type);

// window is a connection of its own, with what it was told: an event of each run is told
// once, whatever happens.
function window(command) {
  const told = [];
  const w = new Aad({ command, onEvent: (e) => told.push(e), onLive: () => w.lives++ });
  w.lives = 0;
  w.of = (run) => told.filter((e) => e.run_id === run).map((e) => e.event_index);
  return w;
}

const watchers = async (w) => (await w.call("daemon/status")).watchers;

// away has no aad at first, nor a program that starts it; then one is there.
async function away() {
  quietly("daemon", "stop");
  const late = window("/none/aa");
  const asking = window("aa");
  await assert.rejects(late.watch(), /does not run/);
  await assert.rejects(asking.watch(), /does not run/);
  await assert.rejects(asking.look("ping"), /does not run/);
  await assert.rejects(late.call("ping"), /aad\.command/);
  assert.throws(() => quietly("--no-autostart", "list"), "a window has started aad unasked");

  await asking.call("ping");
  await until("who had aad started watches", () => asking.lives === 1);
  await until("who waited for aad watches", () => late.lives === 1);
  await pause(1500); // until no try to subscribe is left
  assert.strictEqual(await watchers(late), 2);
  const run = await asking.submit("echo late > artifacts/late.txt");
  await until("both are told of a run from its first event", () => late.of(run.run_id)[0] === 1 && asking.of(run.run_id)[0] === 1);
  late.dispose();
  asking.dispose();
}

// gap has a run submitted while the connection is lost, by a window that has seen no event.
async function gap() {
  const w = window("aa");
  await w.watch();
  quietly("daemon", "restart");
  const run = JSON.parse(quietly("rpc", "run/submit", '{"instruction": "echo gap > artifacts/gap.txt"}')).run.run_id;
  await until("what happened in the gap is told", () => w.of(run)[0] === 1);
  assert.strictEqual(w.lives, 2);
  w.dispose();
}

// storm has aad restarted again and again under calls that never pause.
async function storm() {
  const w = window("aa");
  await w.watch();
  for (let round = 0; round < 4; round++) {
    let over = false;
    cp.execFile("aa", ["daemon", "restart"], () => (over = true));
    while (!over) {
      await Promise.all([1, 2, 3].map(() => w.look("ping").catch(() => undefined)));
    }
  }
  await w.call("ping");
  await pause(2500); // until no try to subscribe is left
  assert.strictEqual(await watchers(w), 1, "subscriptions have piled up");
  const run = (await w.submit("echo storm > artifacts/storm.txt")).run_id;
  await until("a run is told to its end", async () => (await w.call("run/get", { run_id: run })).run.queue_state === "completed");
  await pause(300);
  const seen = w.of(run);
  assert.deepStrictEqual(seen, seen.map((_, i) => i + 1), "an event is told twice, or not at all");
  console.log("held: losses close together leave one subscription");
  w.dispose();
}

// order has an old run wait for a person, and more runs queued than a page has.
async function order() {
  const w = window("aa");
  await w.call("settings/set", { key: "mentor_mode", value: "expert_led" });
  const waiting = (await w.submit("echo first > artifacts/first.txt")).run_id;
  await until("a run waits", async () => (await w.call("run/get", { run_id: waiting })).run.queue_state === "waiting");
  await w.call("queue/pause");
  const queued = [];
  for (let n = 0; n < page + 10; n++) {
    queued.unshift((await w.submit(`echo ${n} > artifacts/n.txt`)).run_id);
  }
  const ids = async (room) => (await w.newest(room)).runs.map((r) => r.run_id);
  assert.strictEqual((await w.newest(page)).more, true);
  const first = (await w.newest(page)).runs.filter((r) => r.queue_state !== "waiting").map((r) => r.run_id);
  assert.deepStrictEqual(first, queued.slice(0, page));
  assert.strictEqual((await ids(page))[0], waiting);
  const all = await ids(10 * page);
  assert.strictEqual(new Set(all).size, all.length, "a run is listed twice");
  assert.deepStrictEqual(queued.filter((id) => !all.includes(id)), []);
  assert.strictEqual((await w.newest(10 * page)).more, false);
  console.log("held: what waits comes first, and more pages follow");
  w.dispose();
}

async function main() {
  await away();
  await gap();
  await storm();
  await play();
  await order();
  console.log("all held");
}

async function play() {
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

  quietly("daemon", "restart");
  await until("the loss is noticed", () => losses === 1);
  await aad.call("settings/set", { key: "mentor_mode", value: "checks" });
  const last = await aad.submit("echo bye > artifacts/bye.txt");
  await until("after a restart the watch goes on", has(last.run_id, "run_completed"));

  quietly("daemon", "stop");
  await until("a stop is noticed", () => losses === 2);
  await pause(2500); // the watch has tried to come back
  assert.throws(() => quietly("--no-autostart", "list"), "a watch has started aad that was stopped");
  await aad.runs();
  console.log("held: a stopped aad stays stopped until it is wanted");
  aad.dispose();
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
