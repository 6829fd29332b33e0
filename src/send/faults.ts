import { isSignature } from "../contract/prepare.ts";
import type { Format, Product } from "../contract/product.ts";
import { usageError } from "../util/errors.ts";
import type { SendPlan } from "./plan.ts";
import type { Subject } from "./subjects.ts";

type Part = "signature" | "token";

const PARTS = [
  { fault: "badSignature", flag: "--bad-signature", part: "signature" },
  { fault: "noSignature", flag: "--no-signature", part: "signature" },
  { fault: "badToken", flag: "--bad-token", part: "token" },
] as const;

/** The subjects that can have the faults, of several products one of them. Throws a usage error if a named product cannot, or none can. */
export function requireFaults(plan: SendPlan, subjects: readonly Subject[]): readonly Subject[] {
  const asked = PARTS.filter(({ fault }) => plan.faults[fault]);
  if (asked.length === 0) return subjects;
  const isAble = (subject: Subject) => asked.some(({ part }) => hasPart(plan, subject, part));
  const able = subjects.filter(isAble);
  if (able.length > 0 && plan.product === undefined && plan.data === undefined) return able;
  for (const { flag, part } of asked) {
    const unable = subjects.find((subject) => !hasPart(plan, subject, part));
    if (unable === undefined) continue;
    const what =
      plan.challenge === undefined
        ? `the format ${unable.format.id} of ${unable.product.title} has no ${part}`
        : `this challenge has no ${part}`;
    throw usageError(`${flag}: ${what}`, alternative(unable.product, unable.format, part));
  }
  return subjects;
}

function hasPart({ challenge }: SendPlan, { format, probe }: Subject, part: Part): boolean {
  if (probe !== undefined || (challenge !== undefined && part === "token")) return false;
  return carries(format, part);
}

export function carries({ proofs }: Format, part: Part): boolean {
  return proofs.some((proof) => isSignature(proof) === (part === "signature"));
}

/** The fault that the format can have, and the format that can have the fault. */
function alternative(product: Product, format: Format, part: Part): string {
  const [other, flag] =
    part === "signature" ? (["token", "--bad-token"] as const) : (["signature", "--bad-signature"] as const);
  const able = product.formats.find((each) => each !== format && carries(each, part));
  const choices = [
    ...(carries(format, other) ? [`${flag}, since it has a ${other}`] : []),
    ...(able === undefined ? [] : [`--format ${able.id}, which has a ${part}`]),
  ];
  return choices.length === 0 ? "leave the flag out: there is nothing to get wrong" : `use ${choices.join(", or ")}`;
}
