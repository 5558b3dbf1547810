// The connection to aad, without anything of the editor, so that Node alone can test
// it. Read Aad.call first; shapes are those of docs/protocol.md.
import * as net from "net";
import { createMessageConnection, MessageConnection, SocketMessageReader } from "vscode-jsonrpc/node";
import { dial, socketPath, start, Writer } from "./socket";

export interface Run {
  run_id: string;
  title: string;
  queue_state: string;
  verdict?: string;
  final_score?: number;
  latest_message: string;
  checkpoint?: { stage: string } | null;
}

interface Page {
  runs: Run[];
  next?: string; // the cursor of the next page
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
  onLive?: () => void; // the watch has begun, or goes on after a loss
  onGone?: () => void; // the connection is gone; it comes back by itself
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

export const page = 50; // runs that are read at once

const again = 1000; // milliseconds until a lost connection is tried anew

// Aad is one connection, made when it is needed and again when it was lost. A watch is
// one subscription on each, and goes on where it was: nothing is missed.
export class Aad {
  private connection: Promise<MessageConnection> | undefined;
  private live: MessageConnection | undefined;
  private wanted = false; // whoever waits for the connection would have aad started
  private watching = false;
  private following: Promise<void> | undefined; // this connection's subscription
  private timer: NodeJS.Timeout | undefined; // to the next try to subscribe
  private seq: number | undefined;
  private disposed = false;

  constructor(private readonly options: Options = {}) {}

  // call calls a method for a person: where no aad runs it is started. A refusal is an
  // Error with what to do about it.
  async call<T>(method: string, params: object = {}): Promise<T> {
    return this.ask(await this.connect(true), method, params);
  }

  // look is call for the window itself, which starts no aad.
  async look<T>(method: string, params: object = {}): Promise<T> {
    return this.ask(await this.connect(false), method, params);
  }

  // watch has onEvent told of all runs' events from now on. An aad that does not run is
  // waited for, not started; the first failure is told all the same.
  watch(): Promise<void> {
    this.watching = true;
    return this.follow();
  }

  // newest is for the window: the runs that wait for a person, then the others among the
  // newest runs, room of them; more is whether there are older ones.
  async newest(room: number): Promise<{ runs: Run[]; more: boolean }> {
    const waiting = (await this.look<Page>("run/list", { states: ["waiting"], limit: 200 })).runs;
    const runs = new Map(waiting.map((run) => [run.run_id, run]));
    let cursor: string | undefined;
    for (let left = room; left > 0; ) {
      const read: Page = await this.look("run/list", { limit: Math.min(left, page), cursor });
      read.runs.filter((run) => !runs.has(run.run_id)).forEach((run) => runs.set(run.run_id, run));
      left -= read.runs.length;
      cursor = read.next;
      if (!cursor) {
        break;
      }
    }
    return { runs: [...runs.values()], more: cursor !== undefined };
  }

  // runs is newest for a person.
  async runs(room = page): Promise<Run[]> {
    await this.connect(true);
    return (await this.newest(room)).runs;
  }

  async submit(instruction: string, assets: string[] = []): Promise<Run> {
    return (await this.call<{ run: Run }>("run/submit", { instruction, assets, path: process.env.PATH })).run;
  }

  async question(run: string): Promise<Question> {
    return (await this.call<{ info: Question }>("checkpoint/get", { run_id: run })).info;
  }

  // seen is question for the window itself.
  async seen(run: string): Promise<Question> {
    return (await this.look<{ info: Question }>("checkpoint/get", { run_id: run })).info;
  }

  // waiting is how many questions wait; for the window itself.
  async waiting(): Promise<number> {
    return (await this.look<{ checkpoints: Question[] }>("checkpoint/list", { limit: 200 })).checkpoints.length;
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
    clearTimeout(this.timer);
    this.live?.end();
  }

  private async ask<T>(connection: MessageConnection, method: string, params: object): Promise<T> {
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

  // connect fails once all is over: a timer that still runs opens nothing.
  private connect(wanted: boolean): Promise<MessageConnection> {
    if (this.disposed) {
      return Promise.reject(over());
    }
    this.wanted ||= wanted && !this.live;
    this.connection ??= this.open().catch((e) => {
      this.connection = undefined;
      throw e;
    }).finally(() => (this.wanted = false));
    return this.connection;
  }

  private async open(): Promise<MessageConnection> {
    const socket = await this.reach();
    if (this.disposed) {
      socket.destroy();
      throw over();
    }
    const connection = createMessageConnection(new SocketMessageReader(socket), new Writer(socket));
    connection.onNotification("run/event", (note: { seq: number; event: RunEvent }) => {
      this.seq = note.seq;
      this.options.onEvent?.(note.event);
    });
    connection.onError(() => undefined); // the end that follows is told
    connection.listen();
    // At once: what is written after aad's end is lost.
    const gone = () => this.lost(connection);
    socket.once("end", gone).once("close", gone).on("error", gone);
    this.live = connection;
    if (this.watching) {
      this.follow().catch(() => undefined);
    }
    return connection;
  }

  private async reach(): Promise<net.Socket> {
    const where = this.options.socket || socketPath();
    try {
      return await dial(where);
    } catch (e) {
      if (!this.wanted) {
        throw new Error(`aad does not run: ${(e as Error).message}`);
      }
    }
    await start(this.options.command);
    return dial(where).catch((e: Error) => {
      throw new Error(`aad was started, and does not listen where the setting aad.socket says: ${e.message}`);
    });
  }

  // follow subscribes, once on a connection. What fails is tried again after a while.
  private follow(): Promise<void> {
    if (!this.following) {
      const mine = this.subscribe().catch((e) => {
        if (this.following === mine) {
          this.following = undefined;
        }
        this.later();
        throw e;
      });
      this.following = mine;
    }
    return this.following;
  }

  // subscribe reads on from the last event that was told, at first from aad's last. An
  // aad whose numbers are lower than that is another one, and begins at its own last.
  private async subscribe(): Promise<void> {
    const connection = await this.connect(false);
    const { last_seq } = await this.ask<{ last_seq: number }>(connection, "daemon/status", {});
    this.seq = Math.min(this.seq ?? last_seq, last_seq);
    await this.ask(connection, "run/watch", { after: this.seq });
    this.options.onLive?.();
  }

  // later starts nothing: whoever has stopped aad does not want it back.
  private later(): void {
    if (this.watching && !this.disposed) {
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.follow().catch(() => undefined);
      }, again);
    }
  }

  // lost has the next call connect anew, and the watch go on after a while. It is told
  // several times of one loss.
  private lost(connection: MessageConnection): void {
    if (this.live !== connection) {
      return;
    }
    this.connection = this.live = this.following = undefined;
    connection.dispose(); // what was in flight is refused
    if (!this.disposed) {
      this.options.onGone?.();
      this.later();
    }
  }
}

function over(): Error {
  return new Error("the connection to aad was closed");
}
