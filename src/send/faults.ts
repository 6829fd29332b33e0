import type { Format } from "../model/product.ts";
import { isSignature } from "../samples/prepare.ts";
import { usageError } from "../util/errors.ts";
import type { SendPlan } from "./plan.ts";
import type { Source } from "./sources.ts";

type Part = "signature" | "token";

const FAULTS = [
  { fault: "badSignature", flag: "--bad-signature", part: "signature" },
  { fault: "noSignature", flag: "--no-signature", part: "signature" },
  { fault: "badToken", flag: "--bad-token", part: "token" },
] as const;

/** The sources that can have the faults, of several products one of them. Throws a usage error if a named product cannot, or none can. */
export function requireFaults(plan: SendPlan, sources: readonly Source[]): readonly Source[] {
  const asked = FAULTS.filter(({ fault }) => plan.faults[fault]);
  if (asked.length === 0) return sources;
  const able = sources.filter((source) => asked.some(({ part }) => hasPart(plan, source, part)));
  if (able.length > 0 && plan.product === undefined && plan.data === undefined) return able;
  for (const { flag, part } of asked) {
    const unable = sources.find((source) => !hasPart(plan, source, part));
    if (unable === undefined) continue;
    const { product, format } = unable;
    const subject = plan.challenge === undefined ? `the format ${format.id} of ${product.title}` : "this challenge";
    throw usageError(`${flag}: ${subject} has no ${part}`, alternative(unable, part));
  }
  return sources;
}

function hasPart({ challenge }: SendPlan, { format, probe }: Source, part: Part): boolean {
  if (probe !== undefined || (challenge !== undefined && part === "token")) return false;
  return carries(format, part);
}

function carries({ proofs }: Format, part: Part): boolean {
  return proofs.some((proof) => isSignature(proof) === (part === "signature"));
}

/** The fault that the format can have, and the format that can have the fault. */
function alternative({ product, format }: Source, part: Part): string {
  const [other, flag] =
    part === "signature" ? (["token", "--bad-token"] as const) : (["signature", "--bad-signature"] as const);
  const able = product.formats.find((each) => each !== format && carries(each, part));
  const choices = [
    ...(carries(format, other) ? [`${flag}, since it has a ${other}`] : []),
    ...(able === undefined ? [] : [`--format ${able.id}, which has a ${part}`]),
  ];
  return choices.length === 0 ? "leave the flag out: there is nothing to get wrong" : `use ${choices.join(", or ")}`;
}

/** Why a handler that verifies must refuse a delivery; undefined for a good one. */
export function flawOf({ faults }: SendPlan, { format }: Source): string | undefined {
  if (faults.badSignature && carries(format, "signature")) return "its signature was wrong on purpose";
  if (faults.noSignature && carries(format, "signature")) return "it was not signed on purpose";
  const isAuth = format.proofs.some(({ credential }) => credential === "auth");
  if (faults.badToken && carries(format, "token")) return `its ${isAuth ? "auth value" : "token"} was wrong on purpose`;
  return undefined;
}
