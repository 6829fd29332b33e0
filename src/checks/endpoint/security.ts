import { type Delivery, headerValue, withHeader } from "../../delivery/delivery.ts";
import { readPayload } from "../../delivery/payload.ts";
import { MIN_SECRET_LENGTH, secret } from "../../delivery/secrets.ts";
import type { PostResult } from "../../forward/post.ts";
import type { Proof } from "../../model/product.ts";
import { isSignature } from "../../samples/prepare.ts";
import { writeJson } from "../../util/json.ts";
import { prettyJson } from "../../util/json-print.ts";
import { type Found, passed } from "../finding.ts";
import { type Check, fault, isAccepted, statusText } from "./check.ts";
import type { Endpoint } from "./endpoint.ts";
import { isJson, malformed } from "./robustness.ts";
import type { Subject } from "./samples.ts";
import { keyOf, setVariables, withoutProof } from "./samples.ts";

const FORGED = 'the guide, "Verify Webhook Source": anyone who knows the URL can post to it';
const VERIFY = "compare in constant time, and answer 401 if it is missing or differs";
const DAY_MS = 86_400_000;

export const security: readonly Check[] = [
  forged(isToken, {
    id: "security.wrong-token",
    title: "refuses a wrong token",
    remedy: VERIFY,
    make: (endpoint) => endpoint.make({ faults: { badToken: true } }),
  }),
  forged(isToken, {
    id: "security.missing-token",
    title: "refuses a missing token",
    remedy: "a check such as `if (token && token !== mine)` lets everything without a token in: require it",
    make(endpoint, proof) {
      const { format, url } = endpoint.subject;
      const rest = { ...format, proofs: format.proofs.filter((each) => each !== proof) };
      return endpoint.make({ format: rest, edit: (data) => withoutProof(data, proof, url, endpoint.now()) });
    },
  }),
  forged(isSignature, {
    id: "security.wrong-signature",
    title: "refuses a wrong signature",
    remedy: VERIFY,
    make: (endpoint) => endpoint.make({ faults: { badSignature: true } }),
  }),
  forged(isSignature, {
    id: "security.missing-signature",
    title: "refuses a missing signature",
    remedy: "require the header: a delivery without one is not signed",
    make: (endpoint) => endpoint.make({ faults: { noSignature: true } }),
  }),
  forged(signsBody, {
    id: "security.other-body",
    unless: "security.wrong-signature",
    title: "refuses the signature of another body",
    remedy: "compute the signature of the received body, every time",
    make: (endpoint) => ({ ...endpoint.make(), body: endpoint.make().body }),
  }),
  {
    id: "security.raw-bytes",
    unless: "security.wrong-signature",
    title: "checks the signature over the raw bytes",
    why: "Zoho signs the bytes that it sends. The guide's handler hashes JSON.stringify(req.body), which differs from them in white space, escapes and long numbers",
    remedy: "keep the raw body, for example with express.raw(), and verify before parsing",
    events: 2,
    ...needs((proof, subject) => signsBody(proof) && isJson(subject)),
    run: (endpoint) => checkRawBytes(endpoint),
  },
  {
    ...forged(isSignature, {
      id: "security.broken-signature",
      unless: "security.wrong-signature",
      title: "refuses a truncated signature without crashing",
      remedy: "compare the lengths before crypto.timingSafeEqual",
      make: (endpoint, proof) => withTruncatedHeader(endpoint.make(), proof),
    }),
    why: "the guide's verifyWebhookSignature throws for it: crypto.timingSafeEqual wants equal lengths, so anyone can make the handler fail",
    async run(endpoint) {
      for (const proof of signableProofs(endpoint.subject, isSignature)) {
        const delivery = withTruncatedHeader(endpoint.make(), proof);
        const answer = await endpoint.send(delivery);
        const { status = 0 } = answer;
        const sent = `${proof.header} cut to half its length`;
        if (status < 400 || status >= 500) return fault(`a truncated signature: ${statusText(answer)}`, sent, answer);
        if (!(await endpoint.isAlive())) return fault("no answer after a truncated signature", sent, "no answer");
      }
      return passed();
    },
  },
  forged(signsTime, {
    id: "security.old-timestamp",
    unless: "security.wrong-signature",
    title: "refuses yesterday's signature",
    remedy: "compare the signed time with the clock, and refuse what is older than five minutes",
    make: (endpoint) => endpoint.make({ now: new Date(endpoint.now().getTime() - DAY_MS) }),
  }),
  {
    id: "security.error-text",
    title: "shows no stack trace and no secret in an error",
    why: "a stack trace tells an attacker the versions and paths to look for",
    remedy: "answer errors with a word; in Express set NODE_ENV=production, or add an error handler",
    events: 2,
    after: "answer",
    async run(endpoint) {
      const delivery = endpoint.make();
      await endpoint.send(endpoint.withBody(delivery, malformed(delivery.body)));
      await endpoint.send(endpoint.make({ faults: { badSignature: true, badToken: true } }));
      for (const answer of endpoint.answers.filter((each) => !isAccepted(each))) {
        const text = textOf(answer);
        const trace = STACK_TRACES.find((pattern) => pattern.test(text))?.exec(text)?.[0];
        if (trace !== undefined)
          return fault("an error shows a stack trace", "a malformed or forged delivery", `${answer.status} … ${trace}`);
        const shown = secretsOf(endpoint.subject).some((secret) => text.includes(secret));
        if (shown) return fault("an error shows a secret", "a malformed or forged delivery", `${answer.status} …`);
      }
      return passed();
    },
  },
];

interface Forgery extends Pick<Check, "id" | "title" | "remedy" | "unless"> {
  make(endpoint: Endpoint, proof: Proof): Delivery;
}

/** A check that a delivery of which such a proof is wrong is refused. */
function forged(isMeant: Choice, { make, ...parts }: Forgery): Check {
  return {
    ...parts,
    why: FORGED,
    ...needs(isMeant),
    async run(endpoint) {
      for (const proof of signableProofs(endpoint.subject, isMeant)) {
        const answer = await endpoint.send(make(endpoint, proof));
        const what = parts.title.replace(/^refuses /, "");
        if (isAccepted(answer)) return fault(`accepts ${what}`, `a delivery with ${what}`, answer);
        if (answer.status !== 401 && answer.status !== 403)
          return fault(`${what}: ${statusText(answer)}, not 401`, `a delivery with ${what}`, answer);
      }
      return passed();
    },
  };
}

/** Chooses proofs of a format. */
type Choice = (proof: Proof, subject: Subject) => boolean;

function needs(isMeant: Choice): Pick<Check, "applies" | "missing"> {
  const proofsOf = (subject: Subject) => subject.format.proofs.filter((proof) => isMeant(proof, subject));
  return {
    applies: (subject) => proofsOf(subject).length > 0,
    missing: (subject) => (signableProofs(subject, isMeant).length > 0 ? undefined : setVariables(proofsOf(subject))),
  };
}

function signableProofs(subject: Subject, isMeant: Choice): readonly Proof[] {
  return subject.format.proofs.filter((proof) => isMeant(proof, subject) && keyOf(subject, proof) !== undefined);
}

function isToken(proof: Proof): boolean {
  return !isSignature(proof);
}

function signsBody(proof: Proof): boolean {
  return isSignature(proof) && proof.proves === "body";
}

/** Whether the signature covers a timestamp: our own verifier refuses one of yesterday. */
function signsTime(proof: Proof, { url, sample, product, secrets }: Subject): boolean {
  if (!isSignature(proof)) return false;
  const now = new Date();
  const [key = secret("any", "any")] = secrets.for(proof.signingCredential ?? proof.credential, product.id);
  const [known = key] = secrets.for(proof.credential, product.id);
  const headers = [["content-type", "application/json"]] as const;
  try {
    const delivery = proof.sign(
      { method: "POST", url, headers, body: Buffer.from(writeJson(sample.data)) },
      key,
      new Date(now.getTime() - DAY_MS),
    );
    const read = readPayload(delivery);
    return read.ok && proof.verify({ delivery, payload: read.payload, secrets: [known], now }).verdict === "failed";
  } catch {
    // Signing takes the real key here.
    return false;
  }
}

function withTruncatedHeader(delivery: Delivery, { header = "" }: Proof): Delivery {
  const value = headerValue(delivery, header) ?? "";
  return withHeader(delivery, header, value.slice(0, Math.ceil(value.length / 2)));
}

async function checkRawBytes(endpoint: Endpoint): Promise<Found> {
  const compact = endpoint.make();
  const spaced = Buffer.from(prettyJson(compact.body.toString("utf8")));
  const genuine = endpoint.withBody(compact, spaced);
  const answer = await endpoint.send(genuine);
  if (!isAccepted(answer))
    return fault(
      `a genuine body with white space in it: ${statusText(answer)}`,
      "indented JSON with the signature of exactly these bytes",
      answer,
    );
  // The same JSON with the signature of its compact form, where that is not genuine as well.
  const reserialised = { ...compact, body: spaced };
  if (passes(endpoint, reserialised)) return passed("white space aside");
  const other = await endpoint.send(reserialised);
  return isAccepted(other)
    ? fault(
        "accepts a signature of the body serialised again",
        "indented JSON with the signature of the same JSON without white space",
        other,
      )
    : passed();
}

/** Whether our own verifier takes it for genuine. */
function passes({ subject, now }: Endpoint, delivery: Delivery): boolean {
  const read = readPayload(delivery);
  const proof = signableProofs(subject, signsBody)[0];
  if (!read.ok || proof === undefined) return false;
  const secrets = subject.secrets.for(proof.credential, subject.product.id);
  return proof.verify({ delivery, payload: read.payload, secrets, now: now() }).verdict === "passed";
}

const STACK_TRACES = [
  // Node, also with the marks of HTML; Python; Java; PHP; Ruby; Go; .NET.
  /\bat [^()\n]{0,80}\(?(?:file:\/\/|node:|\/|[A-Z]:\\)[^\s()]*:\d+:\d+/,
  /Traceback \(most recent call last\)/,
  /\bat [\w.$<>]+\(\w+\.(?:java|kt):\d+\)/,
  / in \/\S+\.php(?:\(| on line |:)\d+/,
  /\S+\.rb:\d+:in /,
  /goroutine \d+ \[running\]/,
  /\bat \S+ in \S+\.cs:line \d+/,
];

const MAX_TEXT = 20_000;

function textOf({ reply, replyPreview }: PostResult): string {
  return `${replyPreview}\n${reply?.subarray(0, MAX_TEXT).toString("utf8") ?? ""}`;
}

/** Secrets that the app knows too, to look for in its answers. Short ones would be found by chance. */
function secretsOf({ format, product, secrets }: Subject): readonly string[] {
  return format.proofs
    .flatMap(({ credential }) => secrets.for(credential, product.id))
    .map((secret) => secret.reveal())
    .filter((value) => value.length >= MIN_SECRET_LENGTH);
}
