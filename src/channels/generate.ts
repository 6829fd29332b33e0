import { randomBytes, randomInt } from "node:crypto";

/** Fifteen random digits: unique, and small enough for tools that read it as a number. */
export function generateChannelId(): string {
  return String(randomInt(1e14, 2 ** 48 - 1));
}

/** 192 bits, within the 50 characters that Zoho accepts. */
export function generateToken(): string {
  return randomBytes(24).toString("base64url");
}
