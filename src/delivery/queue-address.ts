import { usageError } from "../util/errors.ts";

/** A BullMQ queue on Redis or Valkey: `bullmq://user:password@host:6379/queue?db=0&prefix=bull`; `bullmqs://` is TLS. */
export interface QueueAddress {
  readonly queue: string;
  /** Of the queue's keys in Redis; undefined for BullMQ's own, `bull`. */
  readonly prefix: string | undefined;
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** The number of the database, from 0. */
  readonly db: number;
  readonly tls: boolean;
}

export const REDIS_PORT = 6379;

const FORM = "write it as bullmq://user:password@host:6379/queue?db=0&prefix=bull, or with bullmqs:// for TLS";

/** Whether a target is a queue; all others are reached over HTTP. */
export function isQueue(target: string): boolean {
  return /^bullmqs?:/i.test(target);
}

/** The name of a target in the log and in reports: the address of a queue without user and password, which only the settings have. */
export function targetName(address: string): string {
  // Of a log that came with a clone it may be anything.
  if (!isQueue(address) || !URL.canParse(address)) return address;
  return Object.assign(new URL(address), { username: "", password: "" }).href;
}

/** Throws a usage error that never shows the address, which may hold a password. `name` is the flag that holds it. */
export function readQueueAddress(text: string, name = "--to"): QueueAddress {
  const fail = (reason: string): Error => usageError(`${name}: the address of the queue ${reason}`, FORM);
  let url: URL;
  let queue: string;
  let username: string | undefined;
  let password: string | undefined;
  try {
    url = new URL(text);
    queue = decodeURIComponent(url.pathname.slice(1));
    username = decodeURIComponent(url.username) || undefined;
    password = decodeURIComponent(url.password) || undefined;
  } catch {
    throw fail("cannot be read: percent-encode special characters of the password");
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (host === "" || url.port === "0") throw fail("has no host or port");
  if (queue === "") throw fail("has no queue in it, such as /zoho-webhooks");
  if (/[/:]/.test(queue)) throw fail("has a name of a queue with / or : in it, which BullMQ does not allow");
  if (username !== undefined && password === undefined)
    throw fail("has a user but no password (only a password: ://:password@)");
  const { db = "0", prefix, ...others } = Object.fromEntries(url.searchParams);
  if (url.hash !== "" || Object.keys(others).length > 0) throw fail("may have ?db= and ?prefix=, nothing else");
  if (!/^\d{1,5}$/.test(db)) throw fail("has a ?db= that is not a number");
  if (prefix === "") throw fail("has an empty ?prefix=");
  const port = Number(url.port || REDIS_PORT);
  return { queue, prefix, host, port, username, password, db: Number(db), tls: url.protocol === "bullmqs:" };
}
