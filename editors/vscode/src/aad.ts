// The connection to aad, without anything of the editor, so that Node alone can test
// it. Read Aad.call first; shapes are those of docs/protocol.md.
import * as cp from "child_process";
import * as net from "net";
import * as os from "os";
import * as path from "path";
import {
  createMessageConnection, MessageConnection, SocketMessageReader, SocketMessageWriter,
} from "vscode-jsonrpc/node";

export interface Run {
  run_id: string;
  title: string;
  queue_state: string;
  verdict?: string;
  final_score?: number;
  latest_message: string;
  checkpoint?: { stage: string } | null;
}

export interface RunEvent {
  run_id: string;
  event_type: string;
  message: string;
  created_at: string;
}

export interface Question {
  run_id: string;
  title: string;
  stage: string;
  asks?: string;
  revision: number;
  decisions: string[];
  how_to: string;
  path: string;
}

export interface Done {
  stage: string;
  decision: string;
}

export interface Options {
  socket?: string; // "": where aad listens by itself
  command?: string; // the program aa; "" starts nothing
  onEvent?: (event: RunEvent) => void;
  onGone?: () => void; // the connection is gone; it comes back by itself
}

// socketPath is $AA_SOCKET, else aad.sock in the home.
export function socketPath(): string {
  const home = process.env.AA_HOME || path.join(os.homedir(), ".aad");
  return process.env.AA_SOCKET || path.join(home, "aad.sock");
}

const yes = ["confirmed", "passed", "finish", "allow_once"];
const no = ["rejected", "failed", "deny"];

// approving is what an approval means for a question; undefined where it offers none.
export function approving(q: Question): string | undefined {
  return q.decisions.find((d) => yes.includes(d));
}

// rejecting is what a refusal means for a question; undefined where it offers none.
export function rejecting(q: Question): string | undefined {
  return q.decisions.find((d) => no.includes(d));
}

// values are an answer of a decision and a remark: on an attempt that fails the remark
// is what the apprentice is told.
export function values(decision: string, remark: string): Record<string, unknown> {
  if (!remark) {
    return { decision };
  }
  return decision === "failed" ? { decision, feedback: remark } : { decision, notes: remark };
}

// going are the states of a run that has not ended.
export const going = new Set(["queued", "deferred", "running", "waiting"]);

const comeback = 30000; // milliseconds a run that was answered may take to ask the next question

const again = 1000; // milliseconds until a lost connection is tried anew

// Aad is one connection, made when it is needed and again when it was lost. A watch
// goes on where it was: nothing is missed.
export class Aad {
  private connection: Promise<MessageConnection> | undefined;
  private live: MessageConnection | undefined;
  private watching = false;
  private seq: number | undefined;
  private disposed = false;

  constructor(private readonly options: Options = {}) {}

  // call calls a method; a refusal is an Error with what to do about it.
  async call<T>(method: string, params: object = {}): Promise<T> {
    const connection = await this.connect();
    try {
      return await connection.sendRequest<T>(method, params);
    } catch (e) {
      if (this.live !== connection) {
        throw new Error("the connection to aad was lost before it had answered; try again");
      }
      const told = e as { message: string; data?: { hint?: string } };
      throw new Error(told.data?.hint ? `${told.message} (${told.data.hint})` : told.message);
    }
  }

  // watch has onEvent told of all runs' events from now on.
  async watch(): Promise<void> {
    this.watching = true;
    await this.call("run/watch", this.seq === undefined ? { tail: true } : { after: this.seq });
  }

  async runs(limit = 50): Promise<Run[]> {
    return (await this.call<{ runs: Run[] }>("run/list", { limit })).runs;
  }

  async submit(instruction: string, assets: string[] = []): Promise<Run> {
    return (await this.call<{ run: Run }>("run/submit", { instruction, assets, path: process.env.PATH })).run;
  }

  async question(run: string): Promise<Question> {
    return (await this.call<{ info: Question }>("checkpoint/get", { run_id: run })).info;
  }

  async questions(): Promise<Question[]> {
    return (await this.call<{ checkpoints: Question[] }>("checkpoint/list", { limit: 200 })).checkpoints;
  }

  // resolve answers the question that was seen; another one meanwhile is refused.
  async resolve(q: Question, values: Record<string, unknown>): Promise<Done> {
    return this.call("checkpoint/resolve", { run_id: q.run_id, stage: q.stage, revision: q.revision, values });
  }

  // revise has the attempt revised, with the text as feedback. An attempt that waits for
  // its evaluation is failed first; then the run asks whether to revise.
  async revise(q: Question, text: string): Promise<Done> {
    if (q.stage === "evaluation") {
      await this.resolve(q, values("failed", text));
      q = await this.next(q.run_id);
    }
    if (q.stage !== "revision") {
      throw new Error(`the run waits for ${q.stage}; only an attempt can be revised`);
    }
    if (!q.decisions.includes("revise")) {
      throw new Error("the run has no attempt left: it can only finish (approve that; aa continue goes on from what it delivered)");
    }
    return this.resolve(q, values("revise", text));
  }

  // next is what a run asks after an answer.
  private async next(run: string): Promise<Question> {
    for (const end = Date.now() + comeback; Date.now() < end; ) {
      const state = (await this.call<{ run: Run }>("run/get", { run_id: run })).run.queue_state;
      if (state === "waiting") {
        return this.question(run);
      }
      if (!going.has(state)) {
        throw new Error(`the run asks for no revision: it is ${state}`);
      }
      await new Promise((go) => setTimeout(go, 100));
    }
    throw new Error("the attempt is failed with your feedback; the run has not asked yet whether to revise: ask for the revision again when it does");
  }

  dispose(): void {
    this.disposed = true;
    this.live?.end();
  }

  // connect fails once all is over: a timer that still runs opens nothing.
  private connect(): Promise<MessageConnection> {
    if (this.disposed) {
      return Promise.reject(new Error("the connection to aad was closed"));
    }
    this.connection ??= this.open().catch((e) => {
      this.connection = undefined;
      throw e;
    });
    return this.connection;
  }

  private async open(): Promise<MessageConnection> {
    const where = this.where();
    const socket = await dial(where).catch(async (e) => {
      if (!this.options.command) {
        throw e;
      }
      await start(this.options.command);
      return dial(where);
    });
    if (this.disposed) {
      socket.destroy();
    }
    const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
    connection.onNotification("run/event", (note: { seq: number; event: RunEvent }) => {
      this.seq = note.seq;
      this.options.onEvent?.(note.event);
    });
    connection.onError(() => undefined); // the end that follows is told
    connection.listen();
    // At once: a call written after aad's end would be an error nobody can catch.
    const gone = () => this.lost(connection);
    socket.once("end", gone).once("close", gone).on("error", gone);
    this.live = connection;
    return connection;
  }

  // lost has the next call connect anew, and the watch go on after a while. It is told
  // several times of one loss.
  private lost(connection: MessageConnection): void {
    if (this.live !== connection) {
      return;
    }
    this.connection = this.live = undefined;
    connection.dispose(); // what was in flight is refused
    if (!this.disposed) {
      this.options.onGone?.();
      this.rewatch();
    }
  }

  // rewatch starts nothing: whoever has stopped aad does not want it back.
  private rewatch(): void {
    if (this.watching && !this.disposed) {
      setTimeout(() => this.probe().then(() => this.watch()).catch(() => this.rewatch()), again);
    }
  }

  // probe fails while nobody listens.
  private async probe(): Promise<void> {
    (await dial(this.where())).destroy();
  }

  private where(): string {
    return this.options.socket || socketPath();
  }
}

function dial(where: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.createConnection(where);
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

// start has aa start aad, or the installed service.
function start(command: string): Promise<void> {
  return new Promise((resolve, reject) => {
    cp.execFile(command, ["daemon", "start"], (e, _out, said) => (e ? reject(new Error(said.trim() || e.message)) : resolve()));
  });
}
