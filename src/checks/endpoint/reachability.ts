import { headerValue } from "../../delivery/delivery.ts";
import { maskUrl } from "../../delivery/mask.ts";
import { isLoopback } from "../../util/hosts.ts";
import { oneLine } from "../../util/text.ts";
import { formatDay, formatDuration } from "../../util/units.ts";
import { answerText, type Check, failed, passed, type Result, skipped, warned } from "./check.ts";
import type { Endpoint } from "./endpoint.ts";
import { isPublicAddress, type Network, type TlsFacts } from "./network.ts";
import type { Subject } from "./subject.ts";

/** A certificate that ends sooner is a warning. */
const RENEW_DAYS = 14;
const DAY_MS = 86_400_000;

const NO_NAME = "the name does not resolve";
const NOT_RECEIVED = 'the guide names it first under "Webhooks Not Being Received"';

export const reachability: readonly Check[] = [
  network({
    id: "reachability.name",
    title: "its name resolves",
    why: NOT_RECEIVED,
    remedy: "check the spelling of the host, and its DNS record",
    look: ({ addresses, nameError }, url) =>
      nameError === undefined
        ? passed(addresses.join(", "))
        : failed(NO_NAME, `a look-up of ${url.hostname}`, nameError),
  }),
  network({
    id: "reachability.port",
    title: "its port is open",
    why: NOT_RECEIVED,
    remedy: "start the app, and check the port and the firewall",
    look({ nameError, portError }, url) {
      if (nameError !== undefined) return skipped(NO_NAME);
      return portError === undefined ? passed() : failed(portError, `a connection to ${url.host}`, portError);
    },
  }),
  {
    ...network({
      id: "reachability.https",
      title: "it has https",
      why: 'the guide, "HTTPS Only": a token or a body sent over http can be read and changed on the way',
      remedy: "put it behind TLS: a proxy or the hosting platform does that",
      look: (_, url) =>
        isLoopback(url.hostname)
          ? skipped("this machine: a tunnel has the https")
          : failed("the address is http", url.origin, "an unencrypted connection"),
    }),
    applies: ({ url }) => url.startsWith("http:"),
  },
  tls({
    id: "reachability.tls-version",
    title: "speaks TLS 1.2 or later",
    why: "TLS 1.0 and 1.1 are broken (RFC 8996), and senders no longer speak them",
    remedy: "allow TLS 1.2 and 1.3 in the server or proxy",
    look({ error, protocol }, sent) {
      if (error === undefined) return passed(`${protocol}`);
      return protocol === undefined
        ? failed("there is no TLS connection", sent, error)
        : failed(`it speaks nothing newer than ${protocol}`, sent, error);
    },
  }),
  tls({
    id: "reachability.certificate",
    title: "its certificate is of a known authority",
    why: 'the guide, "SSL certificate issues": Zoho does not post to a server that it cannot identify',
    remedy: "use a certificate of a public authority, and send its intermediate certificates, too",
    look: ({ chainError }, sent) =>
      chainError === undefined ? passed() : failed(`the chain is not trusted: ${chainError}`, sent, chainError),
  }),
  tls({
    id: "reachability.host-name",
    title: "its certificate is for this host",
    why: "a certificate of another host identifies that one",
    remedy: "add this host to the names of the certificate",
    look: ({ nameError }, sent) =>
      nameError === undefined ? passed() : failed("the certificate is for another host", sent, nameError),
  }),
  tls({
    id: "reachability.expiry",
    title: `its certificate is valid for ${RENEW_DAYS} more days`,
    why: "from the day on which it ends, no delivery comes any more",
    remedy: "renew it, and check that it is renewed automatically",
    look({ validFrom = new Date(0), validTo = new Date(0) }, sent, now) {
      const leftDays = Math.floor((validTo.getTime() - now.getTime()) / DAY_MS);
      const until = `it is valid until ${formatDay(validTo)}`;
      if (validFrom > now) return failed(`it is valid from ${formatDay(validFrom)} on only`, sent, until);
      if (validTo < now) return failed(`it ended on ${formatDay(validTo)}`, sent, until);
      return leftDays < RENEW_DAYS
        ? warned(`it ends in ${leftDays} days`, sent, until)
        : passed(`until ${formatDay(validTo)}`);
    },
  }),
  network({
    id: "reachability.public-address",
    title: "its address is a public one",
    why: 'the guide, "Webhook URL not publicly accessible"',
    remedy: "use the public host name, or a tunnel: zoho-hooks listen",
    look({ addresses, nameError }, url) {
      if (nameError !== undefined) return skipped(NO_NAME);
      if (isLoopback(url.hostname)) return skipped("this machine: a tunnel makes it public");
      const inner = addresses.filter((address) => !isPublicAddress(address));
      return inner.length === 0
        ? passed()
        : warned("Zoho cannot reach this address", url.host, `it resolves to ${inner.join(", ")}`);
    },
  }),
  {
    id: "reachability.redirect",
    title: "answers itself, without a redirect",
    severity: "error",
    why: "senders of webhooks do not follow redirects, or lose the body on the way",
    remedy: "register the final URL: check the scheme, the host and a slash at the end of the path",
    events: 0,
    after: "reachable",
    async run(endpoint) {
      const answer = await endpoint.baseline();
      const { status = 0 } = answer;
      if (!isRedirect(status)) return answer.error === undefined ? passed() : skipped("it gave no answer");
      const location = oneLine(maskUrl(headerValue(answer, "location") ?? "nowhere"));
      return failed(`it redirects to ${location}`, "a valid delivery", answerText(answer));
    },
  },
];

export function isRedirect(status: number | undefined): boolean {
  return status !== undefined && status >= 300 && status < 400;
}

type Parts = Pick<Check, "id" | "title" | "why" | "remedy">;

interface NetworkParts extends Parts, Pick<Check, "applies"> {
  look(network: Network, url: URL, now: Date): Result;
}

/** A check of name, port or TLS, before any request is sent. */
function network({ look, ...parts }: NetworkParts): Check {
  return {
    ...parts,
    severity: "error",
    events: 0,
    after: "nothing",
    async run(endpoint) {
      const seen = await endpoint.network();
      return seen === undefined ? skipped(PROXIED) : look(seen, new URL(endpoint.subject.url), endpoint.now());
    },
  };
}

const PROXIED = "not seen from here: a proxy is set for this address";

function tls({ look, ...parts }: Parts & { look(facts: TlsFacts, sent: string, now: Date): Result }): Check {
  return network({
    ...parts,
    applies: ({ url }) => url.startsWith("https:"),
    look({ tls: facts, portError }, { host }, now) {
      if (facts === undefined) return skipped(portError ?? NO_NAME);
      if (facts.error !== undefined && parts.id !== "reachability.tls-version")
        return skipped("there is no TLS connection");
      return look(facts, `a TLS handshake with ${host}`, now);
    },
  });
}

/** Why nothing can be sent, or undefined. A certificate that is not valid keeps the secrets from whoever has it. */
export async function unreachable(endpoint: Endpoint): Promise<string | undefined> {
  const seen = await endpoint.network();
  if (seen === undefined) return undefined;
  if (seen.nameError !== undefined) return NO_NAME;
  if (seen.portError !== undefined) return seen.portError;
  const { tls: facts } = seen;
  if (facts === undefined) return undefined;
  if (facts.error !== undefined) return "there is no TLS connection";
  const now = endpoint.now();
  const isValid =
    facts.chainError === undefined &&
    facts.nameError === undefined &&
    facts.validFrom !== undefined &&
    facts.validTo !== undefined &&
    facts.validFrom <= now &&
    now <= facts.validTo;
  return isValid || mayBeInsecure(endpoint.subject) ? undefined : "the certificate is not valid, so nothing is sent";
}

/** A self-signed certificate is usual on a developer's machine, and what is sent stays there. */
export function mayBeInsecure({ url }: Pick<Subject, "url">): boolean {
  return isLoopback(new URL(url).hostname);
}

/** Why no further delivery is sent: the first was not answered, or not by the app. */
export async function unanswered(endpoint: Endpoint): Promise<string | undefined> {
  const answer = await endpoint.baseline();
  if (answer.error?.code === "timeout" || answer.latencyMs > endpoint.subject.deadlineMs)
    return `it takes longer than ${formatDuration(endpoint.subject.deadlineMs)} to answer`;
  if (answer.error !== undefined) return "it gave no answer to a valid delivery";
  return isRedirect(answer.status) ? "it redirects" : undefined;
}
