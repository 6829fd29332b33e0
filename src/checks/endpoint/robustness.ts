import { gzipSync } from "node:zlib";
import { type Delivery, withHeader } from "../../delivery/delivery.ts";
import type { PostResult } from "../../forward/post.ts";
import { isRecord } from "../../util/json.ts";
import { formatDuration } from "../../util/units.ts";
import { type Found, passed } from "../finding.ts";
import { type Check, fault, isCrash, statusText, warning } from "./check.ts";
import type { Endpoint } from "./endpoint.ts";
import { accepts } from "./protocol.ts";
import type { Subject } from "./samples.ts";
import { recordsOf, withMember } from "./samples.ts";

const ANYONE = "anyone who knows the URL can post this: one request must not stop the app for everybody";
const CAUGHT = "catch what the parser and the handler throw, and answer 400";

const MEGABYTE = 1_000_000;
/** Parsers in use allow a thousand or more. */
const DEPTH = 1000;

export const robustness: readonly Check[] = [
  {
    id: "robustness.malformed-json",
    title: "refuses malformed JSON",
    why: 'the guide, "Error Handling": a 200 says that the event was accepted, a 500 asks Zoho to send it again',
    remedy: CAUGHT,
    applies: isJson,
    async run(endpoint) {
      const good = endpoint.make();
      const answer = await endpoint.send(endpoint.withBody(good, malformed(good.body)));
      const { status = 0 } = answer;
      return status >= 400 && status < 500
        ? alive(endpoint, passed(`${status}`))
        : fault(
            `malformed JSON: ${statusText(answer)}, not 400`,
            "JSON with a comma in place of its last brace",
            answer,
          );
    },
  },
  survives({
    id: "robustness.empty-body",
    title: "survives an empty body",
    make: (endpoint) => [["an empty body", endpoint.withBody(endpoint.make(), Buffer.alloc(0))]],
  }),
  survives({
    id: "robustness.large-body",
    title: "survives a body of a megabyte",
    make(endpoint) {
      const good = endpoint.make();
      const padding = JSON.stringify("x".repeat(MEGABYTE - good.body.length - 40));
      return [["a body of a megabyte", endpoint.withBody(good, withMember(good.body, padding))]];
    },
  }),
  survives({
    id: "robustness.deep-nesting",
    title: `survives ${DEPTH} nested lists`,
    make(endpoint) {
      const good = endpoint.make();
      const lists = "[".repeat(DEPTH) + "]".repeat(DEPTH);
      return [[`${DEPTH} nested lists`, endpoint.withBody(good, withMember(good.body, lists))]];
    },
  }),
  survives({
    id: "robustness.encodings",
    title: "survives odd encodings",
    events: 4,
    make(endpoint) {
      const good = endpoint.make();
      const body = (bytes: Buffer): Delivery => endpoint.withBody(good, bytes);
      return [
        ["a byte order mark", body(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), good.body]))],
        ["bytes that are not UTF-8", body(notUtf8(good.body))],
        ["an unknown charset", withHeader(good, "content-type", "application/json; charset=klingon")],
        ["gzip", withHeader(body(gzipSync(good.body)), "content-encoding", "gzip")],
      ];
    },
  }),
  {
    id: "robustness.text",
    title: "accepts text of every script",
    why: "names of people and companies have accents, other scripts and emoji",
    remedy: "read the body as UTF-8, and compute the signature over its bytes, not over its characters",
    applies: isJson,
    async run(endpoint) {
      const good = endpoint.make();
      const delivery = endpoint.withBody(
        good,
        withMember(good.body, JSON.stringify("Žofia 田中 \u{1f680} \u2028 \\u0000")),
      );
      return accepts(endpoint, "text of other scripts", delivery);
    },
  },
  {
    id: "robustness.long-ids",
    title: "keeps all digits of long ids",
    why: "Zoho's ids have up to 19 digits; a JavaScript number holds 15, and the record is then not found",
    remedy: "keep ids as text, even if they arrive as numbers",
    applies: ({ format, sample }) => recordsOf(format, sample.data, sample.event).length > 0,
    async run(endpoint) {
      const { format, sample } = endpoint.subject;
      let ids: readonly string[] = [];
      const remember = (data: unknown): unknown => {
        ids = recordsOf(format, data, sample.event);
        return data;
      };
      const answer = await endpoint.send(endpoint.make({ edit: remember }));
      const text = answer.reply?.toString("utf8") ?? "";
      const [id = ""] = ids;
      const start = id.slice(0, 12);
      if (start === "" || !text.includes(start)) return passed("none comes back");
      return text.includes(id) ? passed() : fault("the id comes back changed", id, answer);
    },
  },
  {
    id: "robustness.slow-sender",
    title: "waits for a slow sender",
    why: "a delivery arrives in several packets, seconds apart on a bad connection",
    remedy: "read the body to its end, with a time limit of at least a few seconds",
    async run(endpoint) {
      const delivery = endpoint.make();
      const slowMs = endpoint.subject.deadlineMs / 10;
      const sent = `a body sent over ${formatDuration(slowMs)}`;
      return alive(endpoint, await accepts(endpoint, sent, delivery, { slowMs }));
    },
  },
  {
    id: "robustness.aborted-sender",
    title: "survives a sender that goes away",
    why: "a connection may be lost at any time",
    remedy: "handle the error of a request that ends early",
    events: 0,
    async run(endpoint) {
      const { deadlineMs } = endpoint.subject;
      await endpoint.send(endpoint.make(), { slowMs: deadlineMs, abortAfterMs: deadlineMs / 20 });
      // The app sees the end of the connection only a moment later.
      await endpoint.sleep(deadlineMs / 20);
      return alive(endpoint, passed());
    },
  },
];

/** Valid JSON with a comma in the place of its last character. */
export function malformed(body: Buffer): Buffer {
  return Buffer.concat([body.subarray(0, -1), Buffer.from(",")]);
}

function notUtf8(body: Buffer): Buffer {
  const bytes = withMember(body, '"LATIN"');
  const at = bytes.lastIndexOf("LATIN");
  return bytes.fill(0xe9, at, at + 5);
}

/** Whether the body is JSON of the sender's. */
export function isJson({ format, sample, url }: Subject): boolean {
  const encoded = format.sender?.encode?.(sample.data, sample.event, url);
  return (encoded === undefined || encoded.contentType.includes("json")) && isRecord(Object(sample.data));
}

interface Odd extends Pick<Check, "id" | "title" | "events"> {
  make(endpoint: Endpoint): readonly (readonly [name: string, delivery: Delivery])[];
}

/** Checks that a malformed request does not crash the endpoint. */
function survives({ make, ...parts }: Odd): Check {
  return {
    ...parts,
    why: ANYONE,
    remedy: CAUGHT,
    applies: isJson,
    async run(endpoint) {
      const answers: PostResult[] = [];
      for (const [name, delivery] of make(endpoint)) {
        const answer = await endpoint.send(delivery);
        answers.push(answer);
        // A server may refuse a large body by closing the connection while it is sent.
        if (answer.error !== undefined && answer.error.code !== "timeout" && (await endpoint.isAlive()))
          return warning(`${name}: ${statusText(answer)}`, name, answer);
        if (isCrash(answer)) return fault(`${name}: ${statusText(answer)}`, name, answer);
      }
      return alive(endpoint, passed(answers.map(({ status }) => status).join(", ")));
    },
  };
}

/** The result, unless nothing answers any more. */
async function alive(endpoint: Endpoint, result: Found): Promise<Found> {
  if (result.outcome !== "passed" || (await endpoint.isAlive())) return result;
  return fault("it no longer answers", "an OPTIONS request after that", "no answer");
}
