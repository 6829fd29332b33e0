import { BlockList, isIP } from "node:net";
import { usageError } from "../core/errors.ts";
import type { Verdict } from "../core/product.ts";
import { says } from "../core/proofs/says.ts";

/**
 * The address ranges that the Webhooks Guide for Zoho APIs 1.0 names ("Method 2: IP Whitelist"). Its own comment says
 * that there are others: a delivery from elsewhere may well be Zoho's.
 */
export const GUIDE_RANGES: readonly string[] = ["103.234.239.0/24", "203.115.111.0/24"];

export interface AddressList {
  readonly ranges: readonly string[];
  has(address: string): boolean;
}

/** Addresses and CIDR ranges of both families: `103.234.239.0/24`, `::1`. */
export function addressList(ranges: readonly string[]): AddressList {
  const list = new BlockList();
  for (const range of ranges) addRange(list, range);
  return {
    ranges,
    has(address) {
      const plain = unmapped(address);
      const family = isIP(plain);
      return family !== 0 && list.check(plain, family === 6 ? "ipv6" : "ipv4");
    },
  };
}

function addRange(list: BlockList, range: string): void {
  const [address = "", prefix, ...rest] = range.trim().split("/");
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  const valid =
    family !== 0 && rest.length === 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
  if (!valid)
    throw usageError(
      `--allow-ip ${JSON.stringify(range)} is not an address or a CIDR range`,
      "write it as 203.0.113.7 or 203.0.113.0/24",
    );
  list.addSubnet(address, prefix === undefined ? bits : Number(prefix), family === 6 ? "ipv6" : "ipv4");
}

/** A dual-stack socket shows an IPv4 peer as `::ffff:127.0.0.1`. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

const SOURCE = { id: "source-address", proves: "sender" } as const;

/** Whether a delivery comes from where it may. An address proves the sender at best, never the body. */
export function judgeAddress(list: AddressList, address: string | undefined): Verdict {
  if (address === undefined) return says(SOURCE, "failed", "the sender's address is not known");
  const shown = unmapped(address);
  return list.has(address)
    ? says(SOURCE, "passed", `${shown} is on the list`)
    : says(SOURCE, "failed", `${shown} is not on the list of allowed addresses`);
}
