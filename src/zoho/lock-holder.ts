import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { kill, pid } from "node:process";
import { errorCode } from "../core/errors.ts";

/** This process as another of the same machine can look for it: where its number counts, and the number. */
export async function thisProcess(): Promise<string> {
  return `${await placeOfNumbers()}/${pid}`;
}

/**
 * Whether a process is surely no more. One of elsewhere never is: its number means another process here, as in a
 * container that shares a folder with its host.
 */
export async function isGone(holder: string): Promise<boolean> {
  const at = holder.lastIndexOf("/");
  const number = Number(holder.slice(at + 1));
  if (!Number.isSafeInteger(number) || number <= 0 || holder.slice(0, at) !== (await placeOfNumbers())) return false;
  try {
    kill(number, 0);
    return false;
  } catch (error) {
    return errorCode(error) === "ESRCH";
  }
}

let place: Promise<string> | undefined;

/** Names of machines are no proof: there are many a `localhost`. Linux tells its start and its set of numbers apart. */
function placeOfNumbers(): Promise<string> {
  place ??= Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => ""),
    readlink("/proc/self/ns/pid").catch(() => ""),
  ]).then((parts) => [hostname(), ...parts].map((part) => encodeURIComponent(part.trim())).join("/"));
  return place;
}
