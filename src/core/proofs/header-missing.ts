import type { Finding } from "../product.ts";

/** What there is to say where the header is not there that carries the proof. */
export function headerMissing(header: string): Finding {
  return {
    id: "missing",
    matches: true,
    meaning: `there is no ${header} header`,
    remedy: "check that the sender signs, and that no proxy on the way drops the header",
  };
}
