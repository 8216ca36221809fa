/** Values of rows are those of JSON; a number that 64-bit floats cannot hold has lost digits. */
export type Row = Record<string, unknown>;

/** The value of a key's column; the JSON of an array of values where a key has several columns. */
export type Key = string | number | boolean;

/** A change as it came: see docs/protocol.md. */
export interface Change {
  op: "enter" | "update" | "leave";
  by: "insert" | "update" | "delete";
  table: string;
  key: Row;
  new?: Row;
  old?: Row;
  actor: string;
  at: string;
  position: string;
}

/** `asOf` is the time, by the database's clock, up to which everything that had committed is here. */
export interface Freshness {
  state: "live" | "stale" | "reconnecting";
  asOf: string | null;
  /** When `asOf` was proven: milliseconds of this device's clock. */
  since: number | null;
}

/** What a join asks for. */
export interface Asked {
  tables?: string[];
  where?: Record<string, string>;
  columns?: Record<string, string[]>;
  recent?: Record<string, { by: string; rows: number }>;
  history?: "every" | "newest";
  slow?: "resume" | "newest" | "close";
}

export interface Events {
  /** Everything was replaced: by a picture, or by what was `kept` on this device. */
  picture: { at: string | null; kept: boolean };
  /** One tick was applied. `folded`: each row's newest state stands for all that happened while nobody listened. */
  changes: { tick: number; at: string; folded: boolean; changes: Change[] };
  /** The state of freshness is another one. */
  fresh: Freshness;
  /** The storage failed, told once: from now on views are kept in memory. */
  unkept: { reason: string };
  /**
   * Nothing comes any more: `revoked` or `forbidden` (the rows are gone), `token`, `closed`, `refused`, or the code of a join's
   * refusal.
   */
  ended: { why: string; hint: string };
}

export interface WarehouseView {
  readonly warehouse: string;
  readonly role: string | null;
  readonly keys: Readonly<Record<string, string[]>>;
  readonly freshness: Freshness;
  rows(table: string): ReadonlyMap<Key, Row>;
  on<Event extends keyof Events>(event: Event, listener: (facts: Events[Event]) => void): () => void;
  close(options?: { forget?: boolean }): Promise<void>;
}

/** Holds rows in a view's place: who draws from a store of his own need not hold them twice. */
export interface RowHolder {
  readonly keys: Readonly<Record<string, string[]>>;
  know(keys: Record<string, string[]>): void;
  of(table: string): ReadonlyMap<Key, Row>;
  clear(): void;
  fill(tables: Record<string, Row[]>): void;
  /** All changes of a tick, as one step. */
  apply(changes: Change[]): void;
  all(): Record<string, Row[]>;
}

/** What a view keeps: rows and cursor as one. Can be cloned as IndexedDB does, and written as JSON. */
export interface Kept {
  asked: string;
  cursor: string;
  at: string | null;
  role: string | null;
  keys: Record<string, string[]>;
  rows: Record<string, Row[]>;
}

/**
 * Where views are kept, by name. Calls for one name take effect in their order. One that fails, or does not answer within three
 * seconds, is replaced by memory (`unkept`).
 */
export interface ViewStorage {
  load(name: string): Promise<Kept | undefined>;
  save(name: string, kept: Kept): Promise<void>;
  forget(name: string): Promise<void>;
}

export declare class MemoryStorage implements ViewStorage {
  load(name: string): Promise<Kept | undefined>;
  save(name: string, kept: Kept): Promise<void>;
  forget(name: string): Promise<void>;
}

export declare class IndexedDbStorage implements ViewStorage {
  constructor(databaseName?: string);
  load(name: string): Promise<Kept | undefined>;
  save(name: string, kept: Kept): Promise<void>;
  forget(name: string): Promise<void>;
}

export interface ClientOptions {
  /** Where a gateway is: `https://host` or `wss://host`. */
  url: string;
  /** A function is asked before the socket is opened, when the token ends, and after each loss. */
  token: string | (() => string | Promise<string>);
  storage?: ViewStorage;
  /** How often the server tells progress, as `GET /v1/warehouses` says; 5. */
  progressSeconds?: number;
  /** In place of the platform's WebSocket. */
  transport?: typeof WebSocket;
  /** Where the random part of every wait comes from: a number from 0 to 1. */
  random?: () => number;
}

export declare class FloorcastClient {
  constructor(options: ClientOptions);
  /** A function is given what there is, table → columns of its key, before each picture. */
  follow(
    warehouse: string,
    asked?: Asked | ((keys: Record<string, string[]>) => Asked),
    options?: { rows?: RowHolder; mostChanges?: number },
  ): WarehouseView;
  /** The network may be back, or the device slept. Browsers' own events for this are listened to already. */
  nudge(): void;
  close(options?: { forget?: boolean }): Promise<void>;
}
