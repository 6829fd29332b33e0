import { randomBytes } from "node:crypto";
import { type Delivery, headerValue } from "../../delivery/delivery.ts";
import { readPayload } from "../../delivery/payload.ts";
import { CREDENTIAL_VARIABLES } from "../../delivery/secrets.ts";
import { echoChallenge } from "../../model/challenge.ts";
import type { Encoding } from "../../model/format-settings.ts";
import { acceptsMethod, type Format, GUIDE_FORMAT, type Probe } from "../../model/product.ts";
import { deadlineOf, probeText } from "../../model/sender.ts";
import { isRecord, parseJson } from "../../util/json.ts";
import { type Found, passed, skipped } from "../finding.ts";
import { type Check, fault, isAccepted, isRedirect, statusText } from "./check.ts";
import type { Endpoint } from "./endpoint.ts";
import { refusesUnsigned } from "./prerequisites.ts";
import type { Subject } from "./samples.ts";

const METHODS = ["GET", "PUT", "DELETE"];

const WRONG_PATH = "name your app's path, such as zoho-hooks check localhost:3000/my/path";

const MAX_UNKNOWN_EVENTS = 2;

export const protocol: readonly Check[] = [
  {
    id: "protocol.valid-delivery",
    title: "accepts a valid delivery",
    why: 'the guide, "Respond Quickly": answer 200, or the delivery counts as failed',
    remedy: "read its log; if it answers 401, give check the same secrets as the app has",
    events: 0,
    after: "reachable",
    async run(endpoint) {
      const { subject } = endpoint;
      const answer = await endpoint.baseline();
      if (isRedirect(answer)) return skipped("it redirects");
      if (answer.error?.code === "timeout") return skipped("it takes too long to answer");
      if (isAccepted(answer)) return passed();
      const unsigned = refusesUnsigned(subject, answer);
      if (unsigned !== undefined) return skipped(unsigned);
      const found = fault(`a valid delivery: ${statusText(answer)}`, `a valid ${subject.sample.event}`, answer);
      return answer.status === 404 ? { ...found, remedy: WRONG_PATH } : found;
    },
  },
  {
    id: "protocol.exact-200",
    title: "answers with exactly 200",
    why: 'the guide: "Must respond with HTTP 200"; Desk and Sign count every other status as a failure, even 201, 202 and 204',
    remedy: "answer 200",
    events: 0,
    applies: ({ format }) => format.sender?.answer?.only200 === true || format.id === GUIDE_FORMAT,
    async run({ baseline }) {
      const answer = await baseline();
      return answer.status === 200
        ? passed()
        : fault(`it answers ${answer.status}, not 200`, "a valid delivery", answer);
    },
  },
  {
    id: "protocol.answer-json",
    title: "answers with the JSON that the sender uses",
    why: "the sender shows or uses the answer",
    remedy: "answer with JSON, as the product's page says",
    events: 0,
    applies: ({ format }) => format.sender?.answer?.json !== undefined,
    async run(endpoint) {
      const { product, format } = endpoint.subject;
      const answer = await endpoint.baseline();
      const hint = deadlineOf(product.title, format.sender?.answer).bodyHint(answer.replyPreview);
      return hint === undefined ? passed() : fault(hint, "a valid delivery", answer);
    },
  },
  {
    id: "protocol.other-methods",
    title: "refuses other methods",
    onlyWarns: true,
    why: "a page, a crawler or a health check that calls the URL must not count as an event",
    remedy: "answer 405 to all methods but POST",
    events: 0,
    after: "answer",
    applies: (subject) => otherMethods(subject).length > 0,
    async run(endpoint) {
      const { url } = endpoint.subject;
      const methods = otherMethods(endpoint.subject);
      for (const method of methods) {
        const answer = await endpoint.send({ method, url, headers: [], body: Buffer.alloc(0) });
        const { status = 0 } = answer;
        if (status < 400 || (status >= 500 && status !== 501))
          return fault(`${method}: ${statusText(answer)}`, `${method} without a body`, answer);
      }
      return passed(methods.join(", "));
    },
  },
  {
    id: "protocol.challenge",
    title: "echoes the verification challenge as JSON",
    why: "the guide's handler answers it: a product that sends one saves the webhook only then",
    remedy: "answer {challenge} of the body as JSON before anything else, with 200",
    events: 0,
    after: "answer",
    applies: ({ format }) => format.setup?.handshake === echoChallenge,
    run: (endpoint) => checkChallenge(endpoint),
  },
  {
    id: "protocol.probe",
    title: "answers 200 to the request that checks its URL",
    why: "the webhook is saved only if the answer is 200",
    remedy: "answer 200 to that request, whatever it holds",
    events: 0,
    after: "answer",
    applies: ({ format }) => format.setup?.probes !== undefined,
    missing: ({ format, product, secrets }) => {
      const handed = format.setup?.probes?.find((probe) => probe.handsOver !== undefined)?.handsOver;
      const isKnown = handed === undefined || secrets.for(handed.credential, product.id).length > 0;
      return isKnown ? undefined : `set ${CREDENTIAL_VARIABLES[handed.credential]}`;
    },
    run: (endpoint) => checkProbes(endpoint, endpoint.subject.format.setup?.probes ?? []),
  },
  encoded("form", "a form"),
  encoded("multipart", "multipart/form-data"),
  {
    id: "protocol.unknown-event",
    title: "accepts an event that it does not know",
    why: "the guide's handler logs it and answers 200: a failure would make Zoho send it again and again",
    remedy: "answer 200 to events that you have no use for",
    events: MAX_UNKNOWN_EVENTS,
    async run(endpoint) {
      const unknown = unknownEvents(endpoint);
      if (unknown.length === 0) return skipped("these deliveries do not name their event");
      for (const [member, delivery] of unknown) {
        const found = await accepts(endpoint, `an event with an unknown ${member}`, delivery);
        if (found.outcome === "failed") return found;
      }
      return passed(unknown.map(([member]) => member).join(", "));
    },
  },
  {
    id: "protocol.unknown-field",
    title: "accepts a field that it does not know",
    why: "Zoho adds fields without notice, and users add their own",
    remedy: "ignore unknown fields: no strict schema",
    async run(endpoint) {
      const add = (data: unknown): unknown =>
        Array.isArray(data) ? data.map(add) : isRecord(data) ? { ...data, zoho_hooks_check: "a new field" } : data;
      const delivery = endpoint.make({ edit: add });
      return accepts(endpoint, "a delivery with one more field", delivery);
    },
  },
  {
    id: "protocol.keep-alive",
    title: "keeps connections open",
    onlyWarns: true,
    why: "a new TLS connection for each event of a burst takes longer than the event",
    remedy: "do not close the connection after an answer, and read the whole body before answering",
    events: 2,
    async run(endpoint) {
      const answers = await endpoint.onOneConnection([endpoint.make(), endpoint.make()]);
      const [first, second] = answers;
      const lost = answers.find((answer) => !isAccepted(answer));
      const sent = "two deliveries on one connection";
      if (first === undefined || second === undefined) return skipped("interrupted");
      if (lost !== undefined) return fault(`on one connection: ${statusText(lost)}`, sent, lost);
      return /\bclose\b/i.test(headerValue(first, "connection") ?? "")
        ? fault("it closes the connection after each answer", sent, `${first.status} with connection: close`)
        : passed();
    },
  },
];

/** Whether a delivery is accepted. `sent` says what it is. */
export async function accepts(
  { send }: Endpoint,
  sent: string,
  delivery: Delivery,
  options?: Parameters<Endpoint["send"]>[1],
): Promise<Found> {
  const answer = await send(delivery, options);
  return isAccepted(answer)
    ? passed()
    : fault(`${sent}: ${statusText(answer)}`, `${sent} (${delivery.body.length} bytes)`, answer);
}

/** Methods that neither a delivery nor a probe of the product has. */
function otherMethods({ format, product }: Subject): readonly string[] {
  const probes = product.formats.flatMap((each: Format) => each.setup?.probes ?? []);
  return METHODS.filter((each) => !acceptsMethod(format, each) && probes.every(({ method }) => method !== each));
}

async function checkChallenge(endpoint: Endpoint): Promise<Found> {
  const challenge = randomBytes(16).toString("hex");
  const body = Buffer.from(JSON.stringify({ challenge }));
  const headers = [["content-type", "application/json"]] as const;
  const answer = await endpoint.send({ method: "POST", url: endpoint.subject.url, headers, body });
  const sent = body.toString();
  if (answer.status !== 200) return fault(`the challenge: ${statusText(answer)}`, sent, answer);
  const reply = parseJson(answer.reply?.toString("utf8") ?? "");
  if (!reply.ok || !isRecord(reply.value) || reply.value.challenge !== challenge)
    return fault("the answer is not the challenge", sent, answer);
  const type = headerValue(answer, "content-type") ?? "";
  return /json/i.test(type)
    ? passed()
    : fault("the challenge comes back, but not as JSON", sent, `content-type: ${type || "none"}`);
}

async function checkProbes({ subject, send }: Endpoint, probes: readonly Probe[]): Promise<Found> {
  let result: Found = skipped("there is none");
  for (const probe of probes) {
    const { method = "POST", contentType, body, handsOver, headers = [] } = probe;
    const [key] = handsOver === undefined ? [] : subject.secrets.for(handsOver.credential, subject.product.id);
    const handed = handsOver && key ? [[handsOver.header, key.reveal()] as const] : [];
    const typed = contentType === "" ? [] : [["content-type", contentType] as const];
    const answer = await send({ method, url: subject.url, headers: [...typed, ...headers, ...handed], body });
    if (answer.status === 200) return passed(probeText(probe));
    result = fault(`${probeText(probe)}: ${statusText(answer)}, not 200`, probeText(probe), answer);
  }
  return result;
}

/** For products whose users choose how the body is written. */
function encoded(encoding: Encoding, name: string): Check {
  const chosen = ({ format }: Subject): Format | undefined =>
    format.setup?.settings?.includes("encoding") === true ? format.setup.configure?.({ encoding }) : undefined;
  return {
    id: `protocol.${encoding}`,
    title: `reads ${name}`,
    onlyWarns: true,
    why: "the product's users choose between a form, JSON and others: this matters if yours sends it",
    remedy: `add a parser for ${name}, or choose another body type in Zoho and set the encoding in the config`,
    applies: (subject) => chosen(subject) !== undefined,
    run(endpoint) {
      return accepts(endpoint, name, endpoint.make({ format: chosen(endpoint.subject) }));
    },
  };
}

/** Deliveries of events that nobody knows, each with the member that names it: the module of CRM, and its operation. */
function unknownEvents({ subject, make }: Endpoint): readonly (readonly [member: string, delivery: Delivery])[] {
  const { format, sample } = subject;
  const nameIn = (delivery: Delivery): string | undefined => {
    const read = readPayload(delivery);
    return read.ok ? format.body.recognise(read.payload, delivery) : undefined;
  };
  const name = nameIn(make());
  const found = namePaths(sample.data).flatMap((path) => {
    const delivery = make({ edit: (data) => renamed(data, path) });
    const other = nameIn(delivery);
    const isOther = name !== undefined && other !== undefined && other !== name;
    return isOther ? [[path.join("."), delivery] as const] : [];
  });
  return found.slice(0, MAX_UNKNOWN_EVENTS);
}

const MAX_DEPTH = 3;

/** Paths of short texts, outermost first. */
function namePaths(data: unknown): readonly (readonly string[])[] {
  const found: (readonly string[])[] = [];
  const visit = (value: unknown, path: readonly string[]): void => {
    if (typeof value === "string" && /^[\w.-]{2,60}$/.test(value)) found.push(path);
    else if (typeof value === "object" && value !== null && path.length < MAX_DEPTH)
      for (const [key, each] of Object.entries(value)) visit(each, [...path, key]);
  };
  visit(data, []);
  return found.toSorted((a, b) => a.length - b.length);
}

function renamed(data: unknown, [key = "", ...rest]: readonly string[]): unknown {
  if (Array.isArray(data)) return data.map((each, i) => (String(i) === key ? renamed(each, rest) : each));
  if (typeof data === "string") return "zoho_hooks_check";
  return isRecord(data) ? { ...data, [key]: renamed(data[key], rest) } : data;
}
