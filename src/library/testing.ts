/// <reference types="node" preserve="true" />
/**
 * For tests, with vitest, Jest or any other runner. Needs Node, and the package as it is installed: do not bundle it.
 *
 * @module zoho-hooks/testing
 */
import { type Listener, type ListenerOptions, openListener } from "./listener.ts";
import { openZoho, type Zoho, type ZohoOptions } from "./zoho.ts";

export type { Listener, ListenerOptions, Received, SendOptions } from "./listener.ts";
export type {
  Zoho,
  ZohoAnswer,
  ZohoDelivery,
  ZohoFault,
  ZohoOptions,
  ZohoRecord,
  ZohoRecords,
  ZohoSnapshot,
  ZohoSubscription,
} from "./zoho.ts";

/**
 * Starts a receiver in the process of a test, at a free port of 127.0.0.1: it verifies, answers and collects deliveries as
 * `zoho-hooks listen` does, without a log or a tunnel. Rejects with a TypeError for a mistake in the options.
 */
export function createListener(options: ListenerOptions = {}): Promise<Listener> {
  return openListener(import.meta.url, options);
}

/**
 * Starts an emulated Zoho organisation in the process of a test, at a free port of 127.0.0.1: the accounts server and APIs that
 * `zoho-hooks emulate` serves, empty, and with no part in common with another one. Rejects with a TypeError for a mistake in the
 * options.
 */
export function startZoho(options: ZohoOptions = {}): Promise<Zoho> {
  return openZoho(import.meta.url, options);
}
