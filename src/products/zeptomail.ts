import { z } from "zod";
import { textAt, valueAt } from "../delivery/payload.ts";
import { event, type Format, type Product } from "../model/product.ts";
import { bodySignature, unwrapped } from "../signatures/body-signature.ts";
import { lazyObject, optionalText, severalHint } from "./shared/schema-parts.ts";

const FORM = "ts=<milliseconds>;s=<URL-encoded>;s-algorithm=HmacSHA256";

/**
 * The header is known from receivers in use: `ts=<epoch milliseconds>;s=<signature>`, in which the signature does not cover the
 * time. The secret is the authentication key of the webhook.
 */
const zeptomailSignature = bodySignature({
  id: "zeptomail-signature",
  header: "producer-signature",
  credential: "secret",
  key: "secret",
  notation: {
    id: "parts-missing",
    mismatch: `is not of the form ${FORM}`,
    form: FORM,
    write: (signature, now) => `ts=${now.getTime()};s=${encodeURIComponent(signature)};s-algorithm=HmacSHA256`,
    read: (value) => decoded(/(?:^|;)\s*s=([^;\s]+)/.exec(value)?.[1]),
  },
  mistakes: unwrapped,
});

/** Plain base64 stays as it is: it has no `%`. */
function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Receivers in use read these names where Zoho's page has the shorter ones. */
const LONG_NAMES: ReadonlyMap<string, string> = new Map([
  ["email_open", "open"],
  ["email_link_click", "click"],
]);

const wire = {
  id: "wire",
  source: "https://www.zoho.com/zeptomail/help/webhooks.html; the signature as receivers in use check it",
  evidence: "doc",
  proofs: [zeptomailSignature],
  events: [
    mailEvent("softbounce", "An e-mail could not be delivered for now"),
    mailEvent("hardbounce", "An e-mail cannot be delivered at all"),
    mailEvent("open", "A recipient opened an e-mail"),
    mailEvent("click", "A recipient clicked a link in an e-mail"),
    mailEvent("feedback_loop", "A recipient reported an e-mail as spam"),
    mailEvent("delivered", "An e-mail was delivered"),
  ],
  body: {
    envelope: () => envelope,
    recognise({ data }) {
      const name = textAt(data, ["event_name", "0"]);
      return name === undefined ? undefined : (LONG_NAMES.get(name) ?? name);
    },
    // Not digits.
    records: (data) => messagesOf(data).flatMap((each) => textAt(each, ["request_id"]) ?? []),
  },
  sender: {
    hint({ data }, name) {
      const long = [...LONG_NAMES].find(([, short]) => short === name)?.[0];
      return (
        severalHint(messagesOf(data)) ??
        (long === undefined ? undefined : `receivers in use read this event as ${long}: let your app accept both names`)
      );
    },
  },
} as const satisfies Format;

function messagesOf(data: unknown): readonly unknown[] {
  const messages = valueAt(data, ["event_message"]);
  return Array.isArray(messages) ? messages : [];
}

function mailEvent<const Name extends string>(name: Name, summary: string) {
  const names = [name, ...[...LONG_NAMES].flatMap(([long, short]) => (short === name ? [long] : []))];
  return event(name, summary, () => envelope().extend({ event_name: z.array(z.enum(names)).min(1) }));
}

const envelope = lazyObject({
  event_name: () => z.array(z.string()).min(1),
  event_message: () =>
    z
      .array(
        z.looseObject({
          request_id: optionalText(),
          email_info: z.looseObject({
            email_reference: optionalText(),
            client_reference: optionalText(),
            subject: optionalText(),
            from: address().nullish(),
            to: recipients(),
            cc: recipients(),
            bcc: recipients(),
            processed_time: optionalText(),
          }),
          // The details depend on the event.
          event_data: z.array(z.looseObject({ object: optionalText(), details: z.array(details()).nullish() })),
        }),
      )
      .min(1),
  webhook_request_id: optionalText,
});

function address() {
  return z.looseObject({ address: optionalText(), name: optionalText() });
}

function recipients() {
  return z.array(z.looseObject({ email_address: address().nullish() })).nullish();
}

function details() {
  return z.looseObject({
    reason: optionalText(),
    bounced_recipient: optionalText(),
    diagnostic_message: optionalText(),
    time: z.unknown().optional(),
  });
}

export const zeptomail = { id: "zeptomail", title: "Zoho ZeptoMail", formats: [wire] } as const satisfies Product;
